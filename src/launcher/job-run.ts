/**
 * JobRun: the life of one job as the launcher sees it.
 *
 * It has the agents started, sends each its part of the job, and from then on reacts: to what agents tell, to signals, to
 * the deadline. At the first cause it gives the verdict and has everything ended; when all output is out it says why the
 * job ended.
 *
 *     all agents there -> ranks end by themselves        -> cleared -> exit code 0
 *                      -> first cause -> `end` to all    -> cleared -> the cause's exit code
 *                      -> an agent is gone or silent     -> lost -> 1
 */

import { isatty } from 'node:tty';
import { getSystemErrorName } from 'node:util';
import { ownAddresses } from '../agent/dial.ts';
import type { FromAgent, LostPair, RankExit, StuckPair, Whereabouts } from '../agent/protocol.ts';
import { VERSION } from '../base/version.ts';
import { type CommonJob, describeAgentJob, describeCommonJob, planInput } from './agent-job.ts';
import type { AgentLink } from './agent-link.ts';
import { Agents } from './agents.ts';
import { Deadline } from './deadline.ts';
import { explainJob } from './explain.ts';
import type { Network } from './hosts/network.ts';
import { InputForwarder } from './input.ts';
import { InputReaders } from './input-readers.ts';
import { LostConnections } from './lost-connections.ts';
import { watchNpm } from './npm-watch.ts';
import type { LaunchOptions, StarterName } from './options.ts';
import { Output } from './output.ts';
import type { OutputFiles } from './output-files.ts';
import { PeerNews } from './peer-news.ts';
import type { Placement } from './placement.ts';
import { RelayOffers } from './relay-offers.ts';
import { listenForSignals, stopSelf } from './signals.ts';
import type { Stage } from './stage.ts';
import type { WaitingAgents } from './starter/waiting.ts';
import { BEFORE_ALL, type Cause, causeOfExit, causeOfStuck, describeWhereabouts, listRanks, Verdict } from './verdict.ts';
import { type Answers, WhereaboutsQuery } from './whereabouts.ts';

/** Between SIGTERM and SIGKILL for the ranks that are not the cause. */
const OTHERS_GRACE_MS = 500;
/** How long output that nobody takes may hold up a job that was told to end. */
const BLOCKED_OUTPUT_MS = 1000;

/** Where the job runs. */
export interface JobPlace {
  readonly placement: Placement;
  readonly starter: StarterName;
  /** Index of this machine among the hosts; -1: it has no ranks. */
  readonly local: number;
  /** Addresses that hosts may use; undefined: those by which they were reached. */
  readonly network: Network | undefined;
  /** What is sent to other hosts, for the job of that name; undefined: nothing. */
  readonly stage: ((jobId: string) => Stage) | undefined;
  /** Agents that a platform has started; undefined: starter brings them. */
  readonly waiting: WaitingAgents | undefined;
}

export class JobRun {
  readonly #options: LaunchOptions;
  readonly #place: JobPlace;
  readonly #output: Output;
  readonly #agents: Agents;
  readonly #job: CommonJob;
  readonly #input: InputForwarder | undefined;
  readonly #readers: InputReaders;
  readonly #deadline: Deadline | undefined;
  readonly #verdict: Verdict;
  readonly #news: PeerNews;
  readonly #relays: RelayOffers;
  readonly #lost: LostConnections;
  readonly #isSpread: boolean;
  readonly #stage: Stage | undefined;
  readonly #unused: number[] = [];
  #where: WhereaboutsQuery | undefined;
  #stuck: StuckPair[] = [];
  #isInterrupted = false;
  #isPaused = false;

  constructor(options: LaunchOptions, place: JobPlace, files: OutputFiles | undefined) {
    const { placement, local, starter, network, waiting } = place;
    const isTerminal = isatty(0);
    const stdin = planInput(options.stdin, placement, local, isTerminal);
    const id = `${process.pid.toString(36)}-${Date.now().toString(36)}`;
    // First of all, so that the start of the agent and ours overlap.
    this.#agents = new Agents(
      {
        jobId: id,
        hosts: placement.hosts,
        local,
        starter,
        rsh: options.rsh,
        heartbeatMs: options.heartbeatSeconds * 1000,
        startMs: options.startSeconds * 1000,
        network,
        ports: options.ports,
        waiting,
        inheritInput: stdin.from === 'inherit',
      },
      {
        onReady: () => void this.#onReady(),
        onHello: (link, { version, addresses }) => this.#onHello(link, version, addresses),
        onMessage: (link, message, body) => this.#onMessage(link, message, body),
        onMissing: (link, why, output) => this.#onMissing(link, why, output),
        onLost: (link, heardMs) => this.#onLost(link, heardMs),
      },
    );
    this.#options = options;
    this.#place = place;
    this.#stage = place.stage?.(id);
    this.#isSpread = placement.hosts.length > 1;
    this.#verdict = new Verdict((rank) => this.#linkOf(rank).name, this.#isSpread);
    this.#news = new PeerNews((message) => this.#agents.broadcast(message));
    this.#relays = new RelayOffers(this.#agents.links, (one, other) => this.#noteRelay(one, other));
    this.#lost = new LostConnections(options.heartbeatSeconds * 1000, (pair) => this.#onLostConnection(pair));
    this.#job = describeCommonJob(id, options, placement, stdin);
    this.#output = new Output(options.tagOutput, files, {
      onCredit: (rank, byteLength) => this.#linkOf(rank).send({ kind: 'credit', rank, byteLength }),
      onClosed: () => this.#end({ exitCode: 141 }, OTHERS_GRACE_MS, BEFORE_ALL),
      onFileError: (message) => this.#end({ exitCode: 1, text: message }, OTHERS_GRACE_MS, BEFORE_ALL),
    });
    const readers = stdin.from === 'forward' ? stdin.ranks : [];
    this.#readers = new InputReaders(new Set(readers.map((rank) => this.#linkOf(rank))));
    if (readers.length > 0) {
      this.#input = new InputForwarder(
        isTerminal,
        (bytes) => this.#readers.send({ kind: 'stdin' }, bytes),
        () => this.#readers.send({ kind: 'stdinEnd' }),
      );
    }
    const { timeoutSeconds } = options;
    if (timeoutSeconds !== undefined) this.#deadline = new Deadline(timeoutSeconds * 1000, () => this.#onTimeout());
  }

  /** Resolve with the exit code when nothing of the job is left. */
  async run(): Promise<number> {
    const unlisten = listenForSignals({
      onInterrupt: (count) => this.#onInterrupt(count),
      onTerminate: (signal) => this.#onTerminate(signal),
      onQuit: () => this.#askWhere(({ where, silent }) => this.#sayWhere(where, silent)),
      onStop: () => this.#onStop(),
      onContinue: () => this.#onContinue(),
    });
    const unwatch = watchNpm(() => this.#end({ exitCode: 143, text: 'npm, which started this job, has ended' }, 0, BEFORE_ALL));
    await this.#agents.start();
    await this.#agents.over;
    this.#deadline?.pause();
    this.#input?.stop();
    unwatch?.();
    await this.#output.close();
    await this.#agents.stop();
    if (!this.#verdict.isGiven && !this.#options.quiet) this.#noteUnused();
    for (const line of this.#verdict.lines()) this.#output.say(line);
    await this.#output.close();
    unlisten();
    return this.#verdict.exitCode;
  }

  #onMessage(link: AgentLink, message: FromAgent, body: Uint8Array): void {
    switch (message.kind) {
      case 'started':
        link.started = message;
        this.#onStarted(link);
        break;
      case 'failed':
        this.#end({ exitCode: message.exitCode, text: message.message }, 0);
        break;
      case 'output':
        this.#output.push(message.rank, message.stream, body as Buffer);
        break;
      case 'exit':
        this.#onExit(message, message.isConsequence, message.launcherMs);
        break;
      case 'closed':
        this.#output.finish(message.rank);
        if (message.note !== undefined) this.#verdict.note(message.rank, message.note);
        break;
      case 'stuck':
        this.#onStuck(message.pairs, message.where, message.launcherMs);
        break;
      case 'where':
        this.#where?.onAnswer(link, message.where);
        break;
      case 'listening':
        this.#news.addPorts(message.ports);
        break;
      case 'finalizing':
        if (this.#isSpread) this.#news.addStates(message.ranks.map((rank) => ({ rank, state: 'finalizing' })));
        break;
      case 'lost':
        this.#lost.add(message.pairs);
        break;
      case 'relay':
        this.#relays.carry(link, message.offer);
        break;
      case 'stageCredit':
        this.#stage?.giveBack(link, message.byteLength);
        break;
      case 'stdinCredit':
        this.#input?.giveBack(this.#readers.take(link, message.byteLength));
        break;
      case 'stdinClosed':
        this.#input?.giveBack(this.#readers.remove(link));
        if (this.#readers.areGone) this.#input?.stop();
        break;
      case 'evicted':
        // Each agent of the step has it, and the launcher perhaps too.
        if (!this.#verdict.isGiven) this.#onTerminate('SIGTERM');
        break;
      case 'paused':
        link.isPaused = true;
        this.#stopWhenPaused();
        break;
      case 'ended':
        this.#unused.push(...message.unused);
    }
  }

  #onHello(link: AgentLink, version: string, addresses: readonly string[]): void {
    const { network } = this.#place;
    if (version !== VERSION) {
      this.#end({ exitCode: 1, text: `the launcher is tsmpi ${VERSION} and the agent on ${link.name} is ${version}` }, 0);
    } else if (network !== undefined && this.#isSpread) {
      const there = link.local === undefined ? addresses : ownAddresses();
      const found = there.find((address) => network.has(address));
      if (found !== undefined) link.address = found;
      else {
        const has = there.length === 0 ? 'none' : there.join(', ');
        this.#end({ exitCode: 1, text: `host ${link.name} has no address in ${network} (--iface): it has ${has}` }, 0);
      }
    }
  }

  async #onReady(): Promise<void> {
    const { links } = this.#agents;
    try {
      await this.#stage?.send(links.filter(({ local }) => local === undefined));
    } catch (error) {
      this.#end({ exitCode: 1, text: (error as Error).message }, 0);
    }
    if (this.#verdict.isGiven) return;
    const addresses = this.#isSpread ? links.map(({ address }) => address) : [];
    for (const link of links) {
      const job = describeAgentJob(this.#job, link.index, link.host.user, link.local !== undefined, addresses, this.#stage);
      link.send({ kind: 'start', job });
    }
  }

  #onMissing(link: AgentLink, why: string, output: readonly string[]): void {
    const last = output.at(-1);
    const text = `no agent came up on ${link.name}: ${why}${last === undefined ? '' : `: ${last}`}`;
    this.#end({ exitCode: 1, lines: output.slice(0, -1).map((line) => `${link.name}: ${line}`), text }, 0);
  }

  #onLost(link: AgentLink, heardMs: number): void {
    const text = (): string => `lost the agent on ${link.name} (pid ${link.pid}): ${link.how}`;
    this.#end({ exitCode: 1, text }, OTHERS_GRACE_MS, heardMs);
    if (link.local === undefined) return;
    // The agent's watchdog and the ranks' lifelines do the same; here nobody has to wait for them.
    for (const pid of link.started?.pids ?? []) {
      try {
        if (pid > 0) process.kill(-pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
    }
  }

  #onStarted({ name, index, started }: AgentLink): void {
    const { quiet } = this.#options;
    const { hostOfRank } = this.#place.placement;
    const where = this.#isSpread ? ` on ${name}` : '';
    const { notices, cores, rankKind } = started!;
    for (const notice of quiet ? [] : notices) this.#output.say(`tsmpirun: notice: ${notice}${where}`);
    const ranks = hostOfRank.flatMap((host, rank) => (host === index ? [rank] : []));
    if (ranks.length > cores && !quiet) {
      this.#output.say(`tsmpirun: notice: ${ranks.length} ranks share ${cores} ${cores === 1 ? 'core' : 'cores'}${where}`);
    }
    if (this.#isSpread && rankKind === 'thread') this.#news.addPorts(ranks.map((rank) => ({ rank, port: -1 })));
    if (this.#agents.links.some((link) => link.started === undefined)) return;
    this.#deadline?.start();
    this.#input?.resume();
    if (this.#options.explain) this.#explain();
  }

  /** Nothing falls back in silence, unless it was asked for. */
  #noteRelay(one: AgentLink, other: AgentLink): void {
    const { quiet, tls, transports } = this.#options;
    if (quiet || tls || transports.length > 0) return;
    this.#output.say(
      `tsmpirun: notice: ranks on ${one.name} and ${other.name} reach each other by way of their agents (--explain says why)`,
    );
  }

  #explain(): void {
    const { blocks, bindTo } = this.#options;
    const { programOfRank, hostOfRank } = this.#place.placement;
    const lines = explainJob({
      id: this.#job.id,
      hosts: this.#agents.links.map(({ name, address, index, pid, started }) => ({
        ...started!,
        name,
        address,
        agentPid: pid,
        ranks: hostOfRank.flatMap((host, rank) => (host === index ? [rank] : [])),
      })),
      programs: blocks.map((block) => [block.program, ...block.args].join(' ')),
      programOfRank,
      bindTo,
    });
    for (const line of lines) this.#output.say(`tsmpirun: ${line}`);
  }

  #onExit(exit: RankExit, isConsequence: boolean, launcherMs: number | undefined): void {
    if (exit.isLeft)
      this.#output.say(`tsmpirun: rank ${exit.rank} (pid ${exit.pid}) did not end although it was killed; it is left`);
    if (exit.code === 0 && this.#isSpread) {
      this.#news.addStates([{ rank: exit.rank, state: 'departed' }]);
      this.#lost.onDeparted(exit.rank);
    }
    if (exit.code === 0 || isConsequence) return;
    if (this.#isInterrupted && (exit.signal === 'SIGINT' || exit.code === 130)) {
      // Ranks that handle the signal have the grace to end by themselves.
      if (!this.#verdict.isGiven) {
        this.#verdict.give({ exitCode: 130, text: 'interrupted' }, BEFORE_ALL);
        setTimeout(() => this.#agents.end(OTHERS_GRACE_MS), this.#options.graceSeconds * 1000).unref();
      }
      return;
    }
    if (this.#verdict.isGiven) this.#verdict.give(causeOfExit(exit), launcherMs);
    else this.#end(causeOfExit(exit), OTHERS_GRACE_MS, launcherMs);
  }

  /** Ranks wait for one that has ended: say so, and where all others stand. */
  #onStuck(pairs: readonly StuckPair[], where: readonly Whereabouts[], launcherMs: number | undefined): void {
    this.#stuck.push(...pairs);
    const describe = (rank: Whereabouts): string => this.#describe(rank);
    const end = (all: readonly Whereabouts[]): void =>
      this.#end(causeOfStuck(this.#stuck, all, describe), OTHERS_GRACE_MS, launcherMs);
    if (!this.#isSpread) end(where);
    else if (this.#stuck.length === pairs.length) this.#askWhere((answers) => end(answers.where));
  }

  /** A connection between two ranks that both go on is lost, and nothing else is known: they would wait for ever. */
  #onLostConnection({ rank, peer, errno }: LostPair): void {
    if (this.#verdict.isGiven) return;
    const name = (which: number): string => `rank ${which} on ${this.#linkOf(which).name}`;
    this.#askWhere(({ where, silent }) => {
      const how = errno === 0 ? 'it was closed without a word' : getSystemErrorName(-errno);
      const text = `lost the connection between ${name(rank)} and ${name(peer)}: ${how}`;
      this.#end({ exitCode: 1, lines: this.#listWhere(where, silent), text }, OTHERS_GRACE_MS);
    });
  }

  /** Give the verdict, if this is the first cause, and have all ranks ended. */
  #end(cause: Cause, graceMs: number, causeMs?: number, isEviction = false): void {
    this.#verdict.give(cause, causeMs);
    this.#stage?.giveUp();
    this.#agents.end(graceMs, isEviction);
  }

  #onInterrupt(count: number): void {
    this.#isInterrupted = true;
    if (count > 2) this.#agents.kill();
    else if (count === 2 || !this.#isStarted()) this.#endByUser({ exitCode: 130, text: 'interrupted' }, OTHERS_GRACE_MS);
    else this.#agents.broadcast({ kind: 'signal', signal: 'SIGINT' });
  }

  #isStarted(): boolean {
    return this.#agents.areLocal || this.#agents.links.some(({ started }) => started !== undefined);
  }

  #onTerminate(signal: 'SIGTERM' | 'SIGHUP'): void {
    const exitCode = signal === 'SIGTERM' ? 143 : 129;
    this.#endByUser({ exitCode, text: `ended by ${signal}` }, this.#options.graceSeconds * 1000, true);
  }

  /** Somebody wants the job gone: a reader who takes no output must not keep it. */
  #endByUser(cause: Cause, graceMs: number, isEviction = false): void {
    this.#end(cause, graceMs, BEFORE_ALL, isEviction);
    setTimeout(() => this.#output.discardBlocked(), graceMs + BLOCKED_OUTPUT_MS).unref();
  }

  #onStop(): void {
    this.#isPaused = true;
    this.#input?.pause();
    this.#deadline?.pause();
    for (const link of this.#agents.links) link.isPaused = link.state !== 'connected';
    this.#agents.broadcast({ kind: 'pause' });
    this.#stopWhenPaused();
  }

  #stopWhenPaused(): void {
    if (this.#isPaused && this.#agents.links.every((link) => link.isPaused || link.state === 'over')) stopSelf();
  }

  #onContinue(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#agents.broadcast({ kind: 'resume' });
    this.#deadline?.start();
    this.#input?.resume();
  }

  #askWhere(onAnswers: (answers: Answers) => void): void {
    this.#where = new WhereaboutsQuery(this.#agents.links, onAnswers);
  }

  #sayWhere(where: readonly Whereabouts[], silent: readonly string[]): void {
    for (const line of this.#listWhere(where, silent)) this.#output.say(`tsmpirun: ${line}`);
  }

  #onTimeout(): void {
    const text = `the job did not end within ${this.#options.timeoutSeconds} s (--timeout)`;
    this.#askWhere(({ where, silent }) => {
      this.#end({ exitCode: 124, lines: this.#listWhere(where, silent), text }, OTHERS_GRACE_MS, BEFORE_ALL);
    });
  }

  #listWhere(where: readonly Whereabouts[], silent: readonly string[]): string[] {
    return [...where.map((rank) => this.#describe(rank)), ...silent.map((name) => `host ${name} does not answer`)];
  }

  #describe(where: Whereabouts): string {
    return describeWhereabouts(where, this.#isSpread ? this.#linkOf(where.rank).name : undefined);
  }

  #linkOf(rank: number): AgentLink {
    return this.#agents.links[this.#place.placement.hostOfRank[rank]!]!;
  }

  #noteUnused(): void {
    const { programOfRank, size } = this.#place.placement;
    const unused = this.#unused.filter((rank) => !this.#options.blocks[programOfRank[rank]!]!.exec);
    if (unused.length === 0) return;
    const all = unused.length === size;
    const what = all ? `no rank used tsmpi: ${size} ${size === 1 ? 'copy' : 'separate copies'} of the program ran` : undefined;
    const some = `${unused.length === 1 ? 'rank' : 'ranks'} ${listRanks(unused)} ended without ever using tsmpi`;
    this.#output.say(`tsmpirun: notice: ${what ?? some} (a program joins the job when it imports 'tsmpi')`);
  }
}
