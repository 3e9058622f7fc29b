/**
 * Agent: one per host; owns the host's segment and its ranks, and reports to the launcher.
 *
 * It carries out what it is told and tells what happened, in order; it decides nothing but its own end: when the
 * connection is gone it kills its ranks at once, since nobody is left who could want them; on another host also when its
 * lease is over (lease.ts) or its starter is gone. When all ranks have ended it clears away what they left, says so, and exits.
 */

import { statSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { MpiError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { loadAddon } from '../native/loader.ts';
import type { Connection } from './connection.ts';
import { encodeJobDescription, threadsOf } from './job-description.ts';
import { Lease } from './lease.ts';
import { Orphans } from './orphans.ts';
import { type PreparedProgram, ProgramError } from './prepared-program.ts';
import { ProcessRanks } from './process-ranks.ts';
import { prepareProgram } from './program.ts';
import type {
  AgentJob,
  AgentPlace,
  FromAgent,
  LostPair,
  RankExit,
  RankKind,
  RankPort,
  RelayOffer,
  StuckPair,
  ToAgent,
} from './protocol.ts';
import type { RankEvents, RankSet } from './rank-set.ts';
import { StageFolder } from './stage-folder.ts';
import { ThreadRanks } from './thread-ranks.ts';
import { Watchdog } from './watchdog.ts';

/** What an agent on another host than the launcher's has besides. */
export interface AgentAfar {
  readonly place: AgentPlace;
  readonly addresses: readonly string[];
  readonly heartbeatMs: number;
}

export class Agent implements RankEvents {
  readonly #connection: Connection<FromAgent, ToAgent>;
  readonly #lease: Lease | undefined;
  readonly #prepared: PreparedProgram[] = [];
  #ranks: RankSet | undefined;
  /** News of other hosts' ranks from before there were any here: a host may be much later than others. */
  readonly #early: Extract<ToAgent, { kind: 'peers' | 'peerStates' }>[] = [];
  #watchdog: Watchdog | undefined;
  #orphans: Orphans | undefined;
  #stage: StageFolder | undefined;
  /** Ranks that have not ended; ranks whose output is not all told. */
  #live = 0;
  #open = 0;
  #onAllEnded: () => void = () => {};
  #isOver = false;
  /** Told to end the ranks: what happens to them from now on is a consequence. */
  #isEnding = false;

  /** `afar`: the launcher is on another host. */
  constructor(connection: Connection<FromAgent, ToAgent>, afar?: AgentAfar) {
    this.#connection = connection;
    connection.onMessage = (message, body) => this.#onMessage(message, body);
    connection.onEnd = () => this.#onLauncherGone();
    const { place, addresses = [] } = afar ?? {};
    connection.send({ kind: 'hello', version: VERSION, pid: process.pid, hostName: hostname(), place, addresses });
    if (afar === undefined) return;
    this.#lease = new Lease(afar.heartbeatMs, {
      onBeat: (agentMs) => connection.send({ kind: 'beat', agentMs }),
      onExpired: (silentMs) => this.abandon(`its launcher did not answer for ${(silentMs / 1000).toFixed(1)} s`),
    });
    this.#lease.start();
  }

  onOutput = (rank: number, stream: 1 | 2, bytes: Uint8Array): void => {
    this.#connection.send({ kind: 'output', rank, stream }, bytes);
  };

  onExit = (exit: RankExit): void => {
    // Nobody may learn of its end before what it sent has come.
    const arrived = exit.code === 0 ? this.#ranks?.flushRelay() : undefined;
    if (arrived === undefined) this.#tellExit(exit);
    else void arrived.then(() => this.#tellExit(exit));
  };

  onClosed = (rank: number, note: string | undefined): void => {
    this.#connection.send({ kind: 'closed', rank, note });
    this.#open--;
    this.#finishIfOver();
  };

  onStuck = (pairs: readonly StuckPair[]): void => {
    const launcherMs = this.#lease?.launcherMs();
    void this.#ranks?.whereabouts().then((where) => this.#connection.send({ kind: 'stuck', pairs, where, launcherMs }));
  };

  onInputTaken = (byteLength: number): void => this.#connection.send({ kind: 'stdinCredit', byteLength });

  onInputClosed = (): void => this.#connection.send({ kind: 'stdinClosed' });

  onFailed = (exitCode: number, message: string): void => {
    this.#connection.send({ kind: 'failed', exitCode, message });
    this.#isEnding = true;
    this.#ranks?.end(0);
  };

  onRelayOffer = (offer: RelayOffer): void => this.#connection.send({ kind: 'relay', offer });

  onFinalizing = (ranks: readonly number[]): void => this.#connection.send({ kind: 'finalizing', ranks });

  onLostPeers = (pairs: readonly LostPair[]): void => this.#connection.send({ kind: 'lost', pairs });

  onListening = (ports: readonly RankPort[]): void => this.#connection.send({ kind: 'listening', ports });

  /** Tell the launcher why, and end everything at once; undefined: the starter is gone. */
  abandon(reason: string | undefined): void {
    if (this.#isOver) return;
    this.#connection.send({ kind: 'leaving', reason });
    // Both ways: the starter's may be open where the connection's is not.
    if (this.#lease !== undefined && reason !== undefined) process.stderr.write(`tsmpi agent: ${reason}\n`);
    this.#onLauncherGone();
  }

  /** The scheduler wants the job gone, in its own time: the launcher has all ranks told. */
  reportEviction(): void {
    if (!this.#isOver) this.#connection.send({ kind: 'evicted' });
  }

  /** The agent itself has gone wrong. */
  fail(message: string): void {
    this.#connection.send({ kind: 'failed', exitCode: 1, message });
    this.#onLauncherGone();
  }

  #onMessage(message: ToAgent, body: Uint8Array): void {
    if (message.kind === 'beat') this.#lease?.onAnswer(message.agentMs, message.launcherMs);
    else if (message.kind === 'stage' || message.kind === 'stageData') this.#receiveFile(message, body);
    else if (message.kind === 'start') void this.#start(message.job);
    else if (this.#ranks !== undefined) this.#command(this.#ranks, message, body);
    else if (message.kind === 'peers' || message.kind === 'peerStates') this.#early.push(message);
    else if (message.kind === 'end') void this.#finish();
    else if (message.kind === 'pause') this.#pause();
    else if (message.kind === 'resume') this.#lease?.resume();
  }

  #tellExit(exit: RankExit): void {
    this.#connection.send({ kind: 'exit', ...exit, isConsequence: this.#isEnding, launcherMs: this.#lease?.launcherMs() });
    if (--this.#live === 0) this.#onAllEnded();
    this.#finishIfOver();
  }

  #finishIfOver(): void {
    if (this.#live === 0 && this.#open === 0) void this.#finish();
  }

  #receiveFile(message: Extract<ToAgent, { kind: 'stage' | 'stageData' }>, body: Uint8Array): void {
    if (this.#isOver) return;
    try {
      if (message.kind === 'stage') this.#openStage(message.jobId, message.folder).open(message.path, message.mode);
      else this.#stage?.write(body);
    } catch (error) {
      // The first one is told; the launcher ends the job.
      const message = `${(error as Error).message} (on ${hostname()})`;
      this.#connection.send({ kind: 'failed', exitCode: 1, message });
    }
    if (message.kind === 'stageData') this.#connection.send({ kind: 'stageCredit', byteLength: body.byteLength });
  }

  #openStage(jobId: string, folder: string): StageFolder {
    this.#watchdog ??= new Watchdog(jobId);
    this.#stage ??= new StageFolder(folder, this.#watchdog);
    return this.#stage;
  }

  #pause(): void {
    this.#lease?.pause();
    this.#connection.send({ kind: 'paused' });
  }

  #command(ranks: RankSet, message: ToAgent, body: Uint8Array): void {
    switch (message.kind) {
      case 'take':
      case 'dismiss':
      case 'stage':
      case 'stageData':
      case 'start':
      case 'beat':
        return;
      case 'credit':
        ranks.giveBack(message.rank, message.byteLength);
        break;
      case 'stdin':
        ranks.writeInput(body);
        break;
      case 'stdinEnd':
        ranks.endInput();
        break;
      case 'signal':
        ranks.signal(message.signal);
        break;
      case 'pause':
        ranks.signal('SIGSTOP');
        this.#pause();
        break;
      case 'resume':
        this.#lease?.resume();
        ranks.signal('SIGCONT');
        break;
      case 'where':
        void ranks.whereabouts().then((where) => this.#connection.send({ kind: 'where', where }));
        return;
      case 'peers':
        ranks.setPorts(message.ports);
        break;
      case 'peerStates':
        ranks.setPeerStates(message.states);
        break;
      case 'relay':
        ranks.takeRelayOffer(message.offer);
        break;
      case 'end':
        this.#isEnding = true;
        ranks.end(message.graceMs, message.isEviction);
        break;
    }
  }

  async #start(sent: AgentJob): Promise<void> {
    let job = sent;
    try {
      if (job.version !== VERSION) {
        throw new ProgramError(1, `the launcher is tsmpi ${job.version} and the agent on ${hostname()} is ${VERSION}`);
      }
      this.#watchdog ??= new Watchdog(job.id);
      if (job.stageFolder !== undefined) job = this.#openStage(job.id, job.stageFolder).locate(job);
      for (const { wdir } of job.programs) requireFolder(wdir);
      for (const program of job.programs) this.#prepared.push(await prepareProgram(program, this.#programHost(job)));
      if (!this.#isOver) await this.#startRanks(job);
    } catch (error) {
      const exitCode = error instanceof ProgramError ? error.exitCode : 1;
      const isForUsers = error instanceof ProgramError || error instanceof MpiError;
      const words = !(error instanceof Error) ? String(error) : isForUsers ? error.message : (error.stack ?? error.message);
      const message =
        job.hosts.length === 1 || words.includes(hostname()) ? words : `${words} (on ${job.hosts[job.hostIndex]!.name})`;
      this.#connection.send({ kind: 'failed', exitCode, message });
      void this.#finish();
    }
  }

  #programHost(job: AgentJob): { jobId: string; addPath: (path: string) => void } {
    // Hosts may share their file system: what one of them makes and removes must not be another's.
    const jobId = job.hosts.length === 1 ? job.id : `${job.id}.${job.hostIndex}`;
    return { jobId, addPath: (path) => this.#watchdog?.addPath(path) };
  }

  async #startRanks(job: AgentJob): Promise<void> {
    const watchdog = this.#watchdog!;
    const localRanks = job.hostOfRank.flatMap((host, rank) => (host === job.hostIndex ? [rank] : []));
    const { addon, attempts } = loadAddon();
    const reason = attempts.map((attempt) => `${attempt.path}: ${attempt.reason}`).join('; ');
    const rankKind: RankKind = job.rankKind ?? (addon === undefined ? 'thread' : 'process');
    const cores = addon?.getAffinity().length ?? availableParallelism();
    const boundCores = job.bindTo === 'core' ? (addon?.getAffinity() ?? []) : [];
    const description = encodeJobDescription(job, { localRanks, rankKind, cores, boundCores });
    const threads = threadsOf(job, localRanks, cores);
    const context = { job, threads, prepared: this.#prepared, watchdog, events: this };
    if (addon !== undefined) this.#orphans = new Orphans(addon);
    if (rankKind === 'thread') {
      this.#ranks = new ThreadRanks({ ...context, orphans: this.#orphans, cores: boundCores }, localRanks, description);
    } else {
      if (addon === undefined || this.#orphans === undefined) {
        throw new ProgramError(1, `ranks as processes need the native addon: ${reason}`);
      }
      this.#ranks = new ProcessRanks({ ...context, addon, orphans: this.#orphans }, localRanks, description);
    }
    for (const message of this.#early) this.#command(this.#ranks, message, new Uint8Array(0));
    this.#live = localRanks.length;
    this.#open = localRanks.length;
    const { pids, segmentByteLength } = await this.#ranks.start();
    const notices = [];
    if (rankKind === 'thread' && job.rankKind === undefined)
      notices.push(`ranks are threads, since the native addon did not load: ${reason}`);
    if (job.bindTo === 'core' && addon === undefined)
      notices.push(`ranks are not bound to cores, which needs the native addon: ${reason}`);
    this.#connection.send({ kind: 'started', rankKind, cores, pids, segmentByteLength, notices });
  }

  /** All ranks have ended: clear away, tell the launcher, exit. */
  async #finish(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#clear();
    this.#connection.send({ kind: 'ended', unused: this.#ranks?.unused() ?? [] });
    // Until the launcher has read it all and closes too: a write of its own to a socket that is gone would cost it what it
    // has not read yet.
    this.#connection.onEnd = () => process.exit(0);
    this.#connection.close();
  }

  #onLauncherGone(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isEnding = true;
    this.#lease?.stop();
    void this.#abandonRanks().then(() => process.exit(1));
  }

  async #abandonRanks(): Promise<void> {
    // What a rank started in other sessions becomes ours only when the rank is gone.
    const ended = new Promise<void>((resolve) => {
      this.#onAllEnded = resolve;
    });
    this.#ranks?.kill();
    if (this.#live > 0) await ended;
    await this.#clear();
  }

  async #clear(): Promise<void> {
    this.#ranks?.closeRelay();
    await this.#orphans?.end();
    for (const prepared of this.#prepared) prepared.dispose();
    this.#stage?.remove();
    await this.#watchdog?.stop();
  }
}

function requireFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new ProgramError(1, `the working directory ${path} is not there on ${hostname()}`);
}
