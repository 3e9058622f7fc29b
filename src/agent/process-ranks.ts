/**
 * ProcessRanks: the ranks of one host as processes over a memfd segment.
 *
 * This process owns what the ranks share: the segment, a doorbell pipe for each rank, and the write end of the lifeline.
 * Ranks open all of it through /proc/<agent>/fd, which works through any wrapper that starts them; nothing has a name
 * that could be left behind. Ranks are started back to back: nobody waits for anybody's start.
 */

import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { type Bootstrap, boundCore } from '../bootstrap/job.ts';
import type { Addon } from '../native/addon.ts';
import { createProcessMemory, hangBells, makePipe, type ProcessMemory } from '../segment/backing.ts';
import { CONTROL, HEADER, NOTICE } from '../segment/layout.ts';
import { ProcessParking } from '../segment/process-parking.ts';
import { rankCommand, signalCode } from './command.ts';
import { baseEnvironment, hostEnvironment, rankEnvironment } from './environment.ts';
import { countOomKills, noteDeath } from './exit-note.ts';
import { Group } from './group.ts';
import { InputPipes } from './input-pipes.ts';
import type { Orphans } from './orphans.ts';
import { OutputPipe, OutputWindow } from './output-pipe.ts';
import type { PreparedProgram } from './prepared-program.ts';
import type { AgentJob, PeerState, RankExit, RankPort, RelayOffer, Whereabouts } from './protocol.ts';
import { RankMonitor } from './rank-monitor.ts';
import type { RankEvents, RankSet, StartedRanks } from './rank-set.ts';
import { hasRelay, RelayHub } from './relay-hub.ts';
import type { Watchdog } from './watchdog.ts';

/** How often to look for ranks that wait for one that has ended, while that may be. */
const STUCK_LOOK_MS = 100;
/** How often to note which ranks have called tsmpi or finalize. */
const SAMPLE_MS = 1000;
/** How often to clear away adopted children that have ended, in samples: it reads a dozen files. */
const REAP_SAMPLES = 5;

interface ProcessRank {
  readonly rank: number;
  readonly local: number;
  readonly window: OutputWindow;
  /** Write end of its doorbell. */
  readonly bell: number;
  group: Group | undefined;
  stdout: OutputPipe | undefined;
  stderr: OutputPipe | undefined;
  openPipes: number;
  exit: RankExit | undefined;
}

/** What ProcessRanks needs from the agent that has it. */
export interface ProcessRanksContext {
  readonly job: AgentJob;
  /** That each rank may use. */
  readonly threads: number;
  readonly prepared: readonly PreparedProgram[];
  readonly addon: Addon;
  readonly watchdog: Watchdog;
  readonly orphans: Orphans;
  readonly events: RankEvents;
}

export class ProcessRanks implements RankSet {
  readonly #context: ProcessRanksContext;
  readonly #localRanks: readonly number[];
  readonly #memory: ProcessMemory;
  readonly #monitor: RankMonitor;
  readonly #ranks: ProcessRank[];
  readonly #lifeline: [number, number];
  readonly #input: InputPipes;
  readonly #cores: readonly number[];
  readonly #oomKills: number = countOomKills();
  readonly #sampler: NodeJS.Timeout;
  #samples = 0;
  readonly #relay: RelayHub | undefined;
  #stuckLook: NodeJS.Timeout | undefined;
  #isEnding = false;

  /** Make the segment and all that the ranks share. Throws an MpiError when that cannot be had. */
  constructor(context: ProcessRanksContext, localRanks: readonly number[], description: Uint8Array) {
    const { addon, events } = context;
    this.#context = context;
    this.#localRanks = localRanks;
    const { size, hosts } = context.job;
    this.#memory = createProcessMemory(addon, localRanks.length, description, hosts.length === 1 ? 0 : size);
    this.#monitor = new RankMonitor(this.#memory.segment, localRanks);
    this.#lifeline = makePipe(this.#context.addon, false);
    this.#cores = addon.getAffinity();
    this.#input = new InputPipes(events.onInputTaken, events.onInputClosed);
    const bells = hangBells(addon, this.#memory.segment);
    this.#ranks = localRanks.map((rank, local) => this.#prepareRank(rank, local, bells[local]!));
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#sampler.unref();
    if (hosts.length > 1) this.#listenForPorts();
    if (hasRelay(context.job)) this.#relay = this.#openRelay();
  }

  async start(): Promise<StartedRanks> {
    const { job, addon } = this.#context;
    const bases = job.programs.map((program) => baseEnvironment(hostEnvironment(job.env), program.env));
    for (const rank of this.#ranks) {
      if (this.#isEnding) this.#onExit(rank, 1, null, false);
      else this.#tryStart(rank, bases[job.programOfRank[rank.rank]!]!);
    }
    if (job.bindTo === 'core') addon.setAffinity(this.#cores);
    return { pids: this.#ranks.map(({ group }) => group?.pid ?? 0), segmentByteLength: this.#memory.segment.buffer.byteLength };
  }

  signal(signal: NodeJS.Signals): void {
    for (const { group } of this.#ranks) if (group?.isLive) group.signal(signal);
  }

  end(graceMs: number, isEviction = false): void {
    this.#isEnding = true;
    this.#monitor.setNotice(isEviction ? NOTICE.evicted : NOTICE.ended);
    // What ranks that are evicted write goes over it.
    if (!isEviction) this.#relay?.stop();
    for (const { group } of this.#ranks) group?.end(graceMs);
  }

  kill(): void {
    this.#isEnding = true;
    this.#relay?.stop();
    for (const { group } of this.#ranks) if (group?.isLive) group.kill();
  }

  giveBack(rank: number, byteLength: number): void {
    this.#ranks.find((candidate) => candidate.rank === rank)?.window.giveBack(byteLength);
  }

  writeInput(bytes: Uint8Array): void {
    this.#input.write(bytes);
  }

  endInput(): void {
    this.#input.end();
  }

  async whereabouts(): Promise<Whereabouts[]> {
    return this.#ranks.map((rank) =>
      this.#monitor.whereabouts(rank.local, {
        pid: rank.group?.pid ?? 0,
        ended: rank.exit === undefined ? undefined : `exited with code ${rank.exit.code}`,
        isStopped: rank.group?.isStopped === true,
      }),
    );
  }

  setPorts(ports: readonly RankPort[]): void {
    this.#monitor.setPorts(ports);
    this.#wakeAll();
  }

  setPeerStates(states: readonly PeerState[]): void {
    this.#monitor.setPeerStates(states);
    this.#wakeAll();
    this.#lookForStuck();
  }

  takeRelayOffer(offer: RelayOffer): void {
    this.#relay?.onOffer(offer);
  }

  flushRelay(): Promise<void> | undefined {
    return this.#relay?.flush();
  }

  closeRelay(): void {
    this.#relay?.stop();
  }

  unused(): number[] {
    return this.#ranks.filter((rank) => !this.#monitor.usedTsmpi(rank.local)).map((rank) => rank.rank);
  }

  #prepareRank(rank: number, local: number, bell: number): ProcessRank {
    const { segment } = this.#memory;
    const core = this.#context.job.bindTo === 'core' ? this.#coreOf(local) : -1;
    segment.i32[segment.control(local, CONTROL.core)] = core;
    return {
      rank,
      local,
      window: new OutputWindow(),
      bell,
      group: undefined,
      stdout: undefined,
      stderr: undefined,
      openPipes: 0,
      exit: undefined,
    };
  }

  #tryStart(rank: ProcessRank, base: Readonly<Record<string, string>>): void {
    try {
      this.#startRank(rank, base);
    } catch (error) {
      this.#onStartError(rank, error as Error);
    }
  }

  #startRank(rank: ProcessRank, base: Readonly<Record<string, string>>): void {
    const { job, prepared, addon, watchdog, orphans } = this.#context;
    const program = job.programOfRank[rank.rank]!;
    const block = job.programs[program]!;
    const { file, args } = rankCommand(block, prepared[program]!, rank.local);
    const env = rankEnvironment(base, {
      rank: rank.rank,
      size: job.size,
      localRank: rank.local,
      hugePages: job.hugePages,
      bootstrap: JSON.stringify(this.#bootstrap(rank)),
    });
    const stdout = makePipe(this.#context.addon, false);
    const stderr = makePipe(this.#context.addon, false);
    const stdin = this.#openInput(rank.rank);
    // A child starts with the affinity of the thread that forks it.
    if (job.bindTo === 'core') addon.setAffinity([this.#coreOf(rank.local)]);
    const child = spawn(file, args, {
      cwd: block.wdir,
      env,
      detached: true,
      stdio: [stdin?.childEnd ?? 'ignore', stdout[1], stderr[1]],
    });
    addon.close(stdout[1]);
    addon.close(stderr[1]);
    if (stdin !== undefined && stdin.childEnd !== 0) addon.close(stdin.childEnd);
    rank.stdout = this.#openOutput(rank, 1, stdout[0]);
    rank.stderr = this.#openOutput(rank, 2, stderr[0]);
    child.once('error', (error) => this.#onStartError(rank, error));
    if (child.pid === undefined) return;
    watchdog.addGroup(child.pid);
    orphans.exclude(child.pid);
    rank.group = new Group(
      child,
      (code, signal) => this.#onExit(rank, code, signal, false),
      () => this.#onExit(rank, null, 'SIGKILL', true),
    );
  }

  /** The core of a rank's own thread; its team's workers go to those behind it (compute/crew.ts). */
  #coreOf(local: number): number {
    return boundCore({ boundCores: this.#cores, threadsPerRank: this.#context.threads, localRanks: this.#localRanks }, local, 0);
  }

  #bootstrap(rank: ProcessRank): Bootstrap {
    return {
      agentPid: process.pid,
      memoryFd: this.#memory.fd,
      byteLength: this.#memory.segment.buffer.byteLength,
      lifelineFd: this.#lifeline[0],
      localRank: rank.local,
      worldRank: rank.rank,
    };
  }

  #openInput(rank: number): { childEnd: number } | undefined {
    const { stdin } = this.#context.job;
    if (!stdin.ranks.includes(rank)) return undefined;
    if (stdin.from === 'inherit') return { childEnd: 0 };
    const [read, write] = makePipe(this.#context.addon, false);
    this.#input.add(rank, new Socket({ fd: write, readable: false, writable: true }));
    return { childEnd: read };
  }

  #openOutput(rank: ProcessRank, stream: 1 | 2, readEnd: number): OutputPipe {
    const { events } = this.#context;
    const onData = (bytes: Buffer): void => events.onOutput(rank.rank, stream, bytes);
    rank.openPipes++;
    const socket = new Socket({ fd: readEnd, readable: true, writable: false });
    return new OutputPipe(socket, rank.window, onData, () => {
      rank.openPipes--;
      this.#closeRank(rank);
    });
  }

  /** A rank could not be started: the others are ended, those to come are not started. */
  #onStartError(rank: ProcessRank, error: NodeJS.ErrnoException): void {
    if (rank.group !== undefined) return;
    const exitCode = error.code === 'ENOENT' ? 127 : error.code === 'EACCES' ? 126 : 1;
    this.#context.events.onFailed(exitCode, `could not start rank ${rank.rank}: ${error.message}`);
    this.#onExit(rank, exitCode, null, false);
  }

  #onExit(rank: ProcessRank, code: number | null, signal: NodeJS.Signals | null, isLeft: boolean): void {
    const { events, watchdog } = this.#context;
    const pid = rank.group?.pid ?? 0;
    if (!isLeft && pid > 0) watchdog.removeGroup(pid);
    const aborted = this.#monitor.aborted(rank.local);
    const exitCode = aborted === undefined ? (signal === null ? (code ?? 1) : signalCode(signal)) : aborted.code;
    rank.exit = { rank: rank.rank, pid, code: exitCode, signal, isLeft, aborted: aborted?.reason };
    events.onExit(rank.exit);
    this.#input.remove(rank.rank);
    rank.stdout?.finish();
    rank.stderr?.finish();
    this.#tellOthers(rank);
    if (this.#ranks.every((other) => other.exit !== undefined)) this.#onAllEnded();
    else if (exitCode === 0) this.#lookForStuck();
    this.#closeRank(rank);
  }

  /** Those who wait for this rank look again when they are woken. */
  #tellOthers(rank: ProcessRank): void {
    this.#monitor.markDeparted(rank.local);
    this.#wakeAll();
    this.#relay?.wake();
  }

  #wakeAll(): void {
    for (const rank of this.#ranks) {
      if (rank.exit === undefined && this.#monitor.takeSleepingFlag(rank.local)) this.#context.addon.ring(rank.bell);
    }
  }

  /** Ranks that have opened a port write it and ring this bell. */
  #listenForPorts(): void {
    const { segment } = this.#memory;
    const [read, write] = makePipe(this.#context.addon, true);
    segment.i32[HEADER.agentBell] = write;
    const bell = new Socket({ fd: read, readable: true, writable: false });
    bell.on('data', () => {
      const ports = this.#monitor.newPorts();
      if (ports.length > 0) this.#context.events.onListening(ports);
    });
    bell.unref();
  }

  #openRelay(): RelayHub {
    const { addon, events } = this.#context;
    const { segment } = this.#memory;
    const [bell] = makePipe(addon, true);
    segment.i32[segment.control(segment.layout.localSize, CONTROL.bell)] = bell;
    return new RelayHub(segment, addon, (place, hub) => new ProcessParking(addon, segment, place, process.pid, hub), {
      onOffer: (offer) => events.onRelayOffer(offer),
      onFailed: (why) => events.onFailed(1, why),
    });
  }

  #closeRank(rank: ProcessRank): void {
    if (rank.exit === undefined || rank.openPipes > 0) return;
    const { signal, code } = rank.exit;
    const oomKilled = signal === 'SIGKILL' && !this.#isEnding && countOomKills() > this.#oomKills;
    this.#context.events.onClosed(rank.rank, noteDeath(signal, code, rank.stderr?.tail ?? '', oomKilled));
  }

  #lookForStuck(): void {
    if (this.#stuckLook !== undefined) return;
    this.#stuckLook = setInterval(() => {
      const pairs = this.#isEnding ? [] : this.#monitor.findStuck((local) => this.#ranks[local]!.exit === undefined);
      if (pairs.length > 0) this.#context.events.onStuck(pairs);
    }, STUCK_LOOK_MS);
  }

  #onAllEnded(): void {
    clearInterval(this.#stuckLook);
    clearInterval(this.#sampler);
  }

  #sample(): void {
    this.#monitor.sample();
    const finalizing = this.#monitor.newFinalizing();
    if (finalizing.length > 0) this.#context.events.onFinalizing(finalizing);
    const lost = this.#monitor.newLost();
    if (lost.length > 0) this.#context.events.onLostPeers(lost);
    if (++this.#samples % REAP_SAMPLES === 0) this.#context.orphans.reap();
  }
}
