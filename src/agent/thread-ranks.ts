/**
 * ThreadRanks: the ranks of one host as threads of one child process, the thread host. Needs no addon.
 *
 * The thread host owns the segment and reports what its threads do; this side gives each rank its own pipes and treats
 * the process as one group. What ends the thread host ends all ranks that are still in it.
 */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { boundCore } from '../bootstrap/job.ts';
import { requireThreadMemory } from '../segment/backing.ts';
import { signalCode } from './command.ts';
import { baseEnvironment, hostEnvironment, rankEnvironment } from './environment.ts';
import { noteDeath } from './exit-note.ts';
import { Group } from './group.ts';
import { InputPipes } from './input-pipes.ts';
import type { Orphans } from './orphans.ts';
import { OutputPipe, OutputWindow } from './output-pipe.ts';
import { type PreparedProgram, ProgramError } from './prepared-program.ts';
import type { AgentJob, PeerState, RankExit, RankPort, RelayOffer, Whereabouts } from './protocol.ts';
import type { RankEvents, RankSet, StartedRanks } from './rank-set.ts';
import type { FromThreadHost, ThreadRankStart, ToThreadHost } from './thread-host-protocol.ts';
import type { Watchdog } from './watchdog.ts';

/** Descriptors 0 to 3 of the thread host are its own: none, two for what is written past the ranks, the channel. */
const FIRST_RANK_FD = 4;

interface ThreadRank {
  readonly rank: number;
  readonly window: OutputWindow;
  openPipes: number;
  stderr: OutputPipe | undefined;
  stdout: OutputPipe | undefined;
  exit: RankExit | undefined;
  usedTsmpi: boolean;
  note: string | undefined;
}

export interface ThreadRanksContext {
  readonly job: AgentJob;
  readonly prepared: readonly PreparedProgram[];
  readonly watchdog: Watchdog;
  readonly orphans: Orphans | undefined;
  readonly events: RankEvents;
  /** Cores to bind the ranks to, in turn; empty: they are not bound. */
  readonly cores: readonly number[];
  /** That each rank may use. */
  readonly threads: number;
}

export class ThreadRanks implements RankSet {
  readonly #context: ThreadRanksContext;
  readonly #localRanks: readonly number[];
  readonly #ranks: ThreadRank[];
  readonly #description: string;
  readonly #input: InputPipes;
  #host: ChildProcess | undefined;
  #group: Group | undefined;
  #onStarted: (segmentByteLength: number) => void = () => {};
  #onWhere: ((where: Whereabouts[]) => void)[] = [];

  constructor(context: ThreadRanksContext, localRanks: readonly number[], description: Uint8Array) {
    const { job, events } = context;
    const [first, ...others] = job.programs;
    if (job.programs.some(({ exec }) => exec)) {
      throw new ProgramError(2, 'ranks as threads run programs of Node only: --exec needs --ranks process');
    }
    if (others.some(({ wdir, nodeArgs }) => wdir !== first!.wdir || nodeArgs.join('\0') !== first!.nodeArgs.join('\0'))) {
      throw new ProgramError(2, 'ranks as threads share one process: --wdir and --node-args must be the same for all programs');
    }
    requireThreadMemory(localRanks.length, description.byteLength, this.#peerCount(job));
    this.#context = context;
    this.#localRanks = localRanks;
    this.#description = new TextDecoder().decode(description);
    this.#input = new InputPipes(events.onInputTaken, events.onInputClosed);
    this.#ranks = localRanks.map((rank) => ({
      rank,
      window: new OutputWindow(),
      openPipes: 2,
      stdout: undefined,
      stderr: undefined,
      exit: undefined,
      usedTsmpi: true,
      note: undefined,
    }));
  }

  async start(): Promise<StartedRanks> {
    const { job, prepared, watchdog, orphans, events } = this.#context;
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', 'ipc'];
    const starts = this.#ranks.map((rank, local) => this.#describeRank(rank.rank, local, stdio));
    const nodeArgs = [...job.programs[0]!.nodeArgs, ...new Set(prepared.flatMap((program) => program.nodeArgs))];
    const entry = fileURLToPath(new URL('./thread-host.js', import.meta.url));
    const place = { rank: -1, size: job.size, localRank: -1, hugePages: job.hugePages, bootstrap: undefined };
    const env = rankEnvironment(baseEnvironment(hostEnvironment(job.env), job.programs[0]!.env), place);
    const host = spawn(process.execPath, [...nodeArgs, entry], { cwd: job.programs[0]!.wdir, env, detached: true, stdio });
    if (host.stdio === undefined) throw new ProgramError(1, 'could not start the process of the ranks: too many open files');
    this.#host = host;
    host.once('error', (error) => events.onFailed(1, `could not start the process of the ranks: ${error.message}`));
    host.on('message', (message: FromThreadHost) => this.#onMessage(message));
    this.#openPipes(host, starts);
    const pid = host.pid ?? 0;
    if (host.pid === undefined) this.#onHostExit(1, null, false);
    else {
      watchdog.addGroup(pid);
      orphans?.exclude(pid);
      this.#group = new Group(
        host,
        (code, signal) => this.#onHostExit(code, signal, false),
        () => this.#onHostExit(null, 'SIGKILL', true),
      );
      this.#tell({ kind: 'start', ranks: starts, description: this.#description, peerCount: this.#peerCount(job) });
    }
    const segmentByteLength = await new Promise<number>((resolve) => {
      this.#onStarted = resolve;
    });
    return { pids: this.#ranks.map(() => pid), segmentByteLength };
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#group?.isLive) this.#group.signal(signal);
  }

  end(graceMs: number, isEviction = false): void {
    // The thread host knows whether a rank looks for a notice; if none does it ends itself by SIGTERM.
    if (isEviction && graceMs > 0 && this.#host?.connected) {
      this.#tell({ kind: 'evict' });
      this.#group?.killAfter(graceMs);
    } else this.#group?.end(graceMs);
  }

  kill(): void {
    if (this.#group?.isLive) this.#group.kill();
  }

  giveBack(rank: number, byteLength: number): void {
    this.#find(rank)?.window.giveBack(byteLength);
  }

  writeInput(bytes: Uint8Array): void {
    this.#input.write(bytes);
  }

  endInput(): void {
    this.#input.end();
  }

  whereabouts(): Promise<Whereabouts[]> {
    if (!this.#group?.isLive) return Promise.resolve([]);
    // It would not answer.
    if (this.#group.isStopped) {
      const { pid } = this.#group;
      return Promise.resolve(
        this.#ranks.map(({ rank }) => ({ rank, pid, state: 'stopped', text: '', forMs: 0, collective: '' })),
      );
    }
    this.#tell({ kind: 'where' });
    return new Promise((resolve) => this.#onWhere.push(resolve));
  }

  setPorts(ports: readonly RankPort[]): void {
    this.#tell({ kind: 'peers', ports });
  }

  setPeerStates(states: readonly PeerState[]): void {
    this.#tell({ kind: 'peerStates', states });
  }

  takeRelayOffer(offer: RelayOffer): void {
    this.#tell({ kind: 'relay', offer });
  }

  /** The thread host tells of a rank's end only when all has arrived, and of the last one's when it has closed the relay. */
  flushRelay(): undefined {}

  closeRelay(): void {}

  unused(): number[] {
    return this.#ranks.filter((rank) => !rank.usedTsmpi).map((rank) => rank.rank);
  }

  #peerCount({ hosts, size }: AgentJob): number {
    return hosts.length === 1 ? 0 : size;
  }

  #describeRank(rank: number, local: number, stdio: StdioOptions & unknown[]): ThreadRankStart {
    const { job, threads, prepared, cores } = this.#context;
    const program = job.programOfRank[rank]!;
    const { args, env } = job.programs[program]!;
    const place = { rank, size: job.size, localRank: local, hugePages: job.hugePages, bootstrap: undefined };
    const hasInput = job.stdin.ranks.includes(rank);
    const stdin = hasInput ? stdio.push(job.stdin.from === 'inherit' ? 0 : 'pipe') - 1 : -1;
    const stdout = stdio.push('pipe', 'pipe') - 2;
    return {
      rank,
      local,
      file: prepared[program]!.file,
      args,
      env: rankEnvironment(baseEnvironment(hostEnvironment(job.env), env), place),
      stdin,
      stdout,
      stderr: stdout + 1,
      core: boundCore({ boundCores: cores, threadsPerRank: threads, localRanks: this.#localRanks }, local, 0),
    };
  }

  #openPipes(host: ChildProcess, starts: readonly ThreadRankStart[]): void {
    const { events, job } = this.#context;
    const at = (fd: number): Socket => host.stdio[fd] as unknown as Socket;
    starts.forEach((start, local) => {
      const rank = this.#ranks[local]!;
      const open = (socket: Socket, stream: 1 | 2): OutputPipe => {
        const onData = (bytes: Buffer): void => events.onOutput(rank.rank, stream, bytes);
        return new OutputPipe(socket, rank.window, onData, () => {
          rank.openPipes--;
          this.#closeRank(rank);
        });
      };
      rank.stdout = open(at(start.stdout), 1);
      rank.stderr = open(at(start.stderr), 2);
      if (start.stdin >= FIRST_RANK_FD && job.stdin.from === 'forward') this.#input.add(rank.rank, at(start.stdin));
    });
    // What native code writes past the ranks' streams has no rank; it is shown as the first one's.
    const first = this.#ranks[0]!;
    host.stdout?.on('data', (bytes: Buffer) => events.onOutput(first.rank, 1, bytes));
    host.stderr?.on('data', (bytes: Buffer) => events.onOutput(first.rank, 2, bytes));
  }

  #onMessage(message: FromThreadHost): void {
    switch (message.kind) {
      case 'started':
        this.#onStarted(message.segmentByteLength);
        break;
      case 'failed':
        this.#context.events.onFailed(1, message.message);
        this.end(0);
        break;
      case 'finalizing':
        this.#context.events.onFinalizing(message.ranks);
        break;
      case 'relay':
        this.#context.events.onRelayOffer(message.offer);
        break;
      case 'relayFailed':
        this.#context.events.onFailed(1, message.message);
        break;
      case 'stuck':
        this.#context.events.onStuck(message.pairs);
        break;
      case 'where': {
        this.#onWhere.shift()?.([...message.where]);
        return;
      }
      case 'exit': {
        const rank = this.#find(message.rank)!;
        rank.usedTsmpi = message.usedTsmpi;
        rank.note = message.note;
        this.#onExit(rank, { code: message.code, signal: null, isLeft: false, aborted: message.aborted });
        if (this.#ranks.every(({ exit }) => exit !== undefined)) this.#group?.end(0);
      }
    }
  }

  #onHostExit(code: number | null, signal: NodeJS.Signals | null, isLeft: boolean): void {
    if (!isLeft && this.#group !== undefined) this.#context.watchdog.removeGroup(this.#group.pid);
    const exitCode = signal === null ? (code ?? 1) : signalCode(signal);
    for (const rank of this.#ranks) {
      if (rank.exit === undefined) this.#onExit(rank, { code: exitCode, signal, isLeft, aborted: undefined });
    }
    for (const resolve of this.#onWhere.splice(0)) resolve([]);
    this.#onStarted(0);
  }

  #onExit(rank: ThreadRank, facts: Pick<RankExit, 'code' | 'signal' | 'isLeft' | 'aborted'>): void {
    rank.exit = { rank: rank.rank, pid: this.#host?.pid ?? 0, ...facts };
    this.#context.events.onExit(rank.exit);
    this.#input.remove(rank.rank);
    rank.stdout?.finish();
    rank.stderr?.finish();
    this.#closeRank(rank);
  }

  #closeRank(rank: ThreadRank): void {
    if (rank.exit === undefined || rank.openPipes > 0) return;
    const { signal, code } = rank.exit;
    const note = rank.note ?? noteDeath(signal, code, rank.stderr?.tail ?? '', false);
    this.#context.events.onClosed(rank.rank, note);
  }

  #find(rank: number): ThreadRank | undefined {
    return this.#ranks.find((candidate) => candidate.rank === rank);
  }

  #tell(message: ToThreadHost): void {
    if (this.#host?.connected) this.#host.send(message, () => {});
  }
}
