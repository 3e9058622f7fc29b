/**
 * JobRun: the life of one job as the launcher sees it.
 *
 * It starts the agent, sends it the job, and from then on reacts: to what the agent tells, to signals, to the deadline.
 * At the first cause it gives the verdict and has everything ended; when all output is out it says why the job ended.
 *
 *     started -> ranks end by themselves                  -> cleared -> exit code 0
 *             -> first cause -> `end` to the agent        -> cleared -> the cause's exit code
 *             -> the connection ends before `ended` came  -> agent lost -> 1
 */

import { hostname } from 'node:os';
import { isatty } from 'node:tty';
import type { AgentJob, FromAgent, RankExit } from '../agent/protocol.ts';
import { VERSION } from '../base/version.ts';
import { describeAgentJob, planInput } from './agent-job.ts';
import { Deadline } from './deadline.ts';
import { explainJob } from './explain.ts';
import { InputForwarder } from './input.ts';
import { watchNpm } from './npm-watch.ts';
import type { LaunchOptions } from './options.ts';
import { Output } from './output.ts';
import type { OutputFiles } from './output-files.ts';
import type { Placement } from './placement.ts';
import { listenForSignals, stopSelf } from './signals.ts';
import { type StartedAgent, startLocalAgent } from './starter/local.ts';
import { type Cause, causeOfExit, causeOfStuck, describeWhereabouts, listRanks, Verdict } from './verdict.ts';

/** Between SIGTERM and SIGKILL for the ranks that are not the cause. */
const OTHERS_GRACE_MS = 500;
/** How long output that nobody takes may hold up a job that was told to end. */
const BLOCKED_OUTPUT_MS = 1000;

type Started = Extract<FromAgent, { kind: 'started' }>;

export class JobRun {
  readonly #options: LaunchOptions;
  readonly #placement: Placement;
  readonly #output: Output;
  readonly #agent: StartedAgent;
  readonly #job: AgentJob;
  readonly #input: InputForwarder | undefined;
  readonly #deadline: Deadline | undefined;
  readonly #verdict: Verdict = new Verdict(() => this.#hostName);
  #hostName: string = hostname();
  #pids: readonly number[] = [];
  #unused: readonly number[] = [];
  /** The agent has said that nothing is left. */
  #isCleared = false;
  #isInterrupted = false;
  #isPaused = false;
  /** What is done with the whereabouts that were asked for. */
  #onWhere: 'print' | 'timeout' = 'print';
  #finish: () => void = () => {};

  constructor(options: LaunchOptions, placement: Placement, files: OutputFiles | undefined) {
    const isTerminal = isatty(0);
    const stdin = planInput(options.stdin, placement.size, isTerminal);
    // First of all, so that its start and ours overlap.
    this.#agent = startLocalAgent(stdin.from === 'inherit');
    this.#options = options;
    this.#placement = placement;
    const id = `${process.pid.toString(36)}-${Date.now().toString(36)}`;
    this.#job = describeAgentJob(id, this.#hostName, options, placement, stdin);
    this.#agent.connection.send({ kind: 'start', job: this.#job });
    this.#output = new Output(options.tagOutput, files, {
      onCredit: (rank, byteLength) => this.#agent.connection.send({ kind: 'credit', rank, byteLength }),
      onClosed: () => this.#end({ exitCode: 141 }, OTHERS_GRACE_MS),
      onFileError: (message) => this.#end({ exitCode: 1, text: message }, OTHERS_GRACE_MS),
    });
    if (stdin.ranks.length > 0 && stdin.from === 'forward') {
      this.#input = new InputForwarder(
        isTerminal,
        (bytes) => this.#agent.connection.send({ kind: 'stdin' }, bytes),
        () => this.#agent.connection.send({ kind: 'stdinEnd' }),
      );
    }
    const { timeoutSeconds } = options;
    if (timeoutSeconds !== undefined) this.#deadline = new Deadline(timeoutSeconds * 1000, () => this.#askWhere('timeout'));
  }

  /** Resolve with the exit code when nothing of the job is left. */
  async run(): Promise<number> {
    const { connection, ended } = this.#agent;
    const isGone = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    connection.onMessage = (message, body) => this.#onMessage(message, body);
    connection.onEnd = () => this.#finish();
    const unlisten = listenForSignals({
      onInterrupt: (count) => this.#onInterrupt(count),
      onTerminate: (signal) => this.#onTerminate(signal),
      onQuit: () => this.#askWhere('print'),
      onStop: () => this.#onStop(),
      onContinue: () => this.#onContinue(),
    });
    const unwatch = watchNpm(() => this.#end({ exitCode: 143, text: 'npm, which started this job, has ended' }, 0));
    await isGone;
    const how = await ended;
    if (!this.#isCleared) this.#onAgentLost(how);
    this.#deadline?.pause();
    this.#input?.stop();
    unwatch?.();
    await this.#output.close();
    if (!this.#verdict.isGiven && !this.#options.quiet) this.#noteUnused();
    for (const line of this.#verdict.lines()) this.#output.say(line);
    await this.#output.close();
    unlisten();
    return this.#verdict.exitCode;
  }

  #onMessage(message: FromAgent, body: Uint8Array): void {
    switch (message.kind) {
      case 'hello':
        this.#onHello(message.version, message.hostName);
        break;
      case 'started':
        this.#onStarted(message);
        break;
      case 'failed':
        this.#end({ exitCode: message.exitCode, text: message.message }, 0);
        break;
      case 'output':
        this.#output.push(message.rank, message.stream, body as Buffer);
        break;
      case 'exit':
        this.#onExit(message);
        break;
      case 'closed':
        this.#output.finish(message.rank);
        if (message.note !== undefined) this.#verdict.note(message.rank, message.note);
        return;
      case 'stuck':
        this.#end(causeOfStuck(message.pairs, message.where), OTHERS_GRACE_MS);
        break;
      case 'where':
        this.#onWhereabouts(message.where.map(describeWhereabouts));
        break;
      case 'stdinCredit':
        this.#input?.giveBack(message.byteLength);
        break;
      case 'stdinClosed':
        this.#input?.stop();
        break;
      case 'paused':
        stopSelf();
        break;
      case 'ended':
        this.#isCleared = true;
        this.#unused = message.unused;
    }
  }

  #onHello(version: string, hostName: string): void {
    this.#hostName = hostName;
    if (version === VERSION) return;
    this.#end({ exitCode: 1, text: `the launcher is tsmpi ${VERSION} and the agent on ${hostName} is ${version}` }, 0);
  }

  #onStarted(started: Started): void {
    this.#pids = started.pids;
    this.#deadline?.start();
    this.#input?.resume();
    const { size } = this.#placement;
    const { explain, quiet, blocks, bindTo } = this.#options;
    for (const notice of quiet ? [] : started.notices) this.#output.say(`tsmpirun: notice: ${notice}`);
    if (size > started.cores && !quiet) {
      this.#output.say(`tsmpirun: notice: ${size} ranks share ${started.cores} ${started.cores === 1 ? 'core' : 'cores'}`);
    }
    if (!explain) return;
    const programs = blocks.map((block) => [block.program, ...block.args].join(' '));
    const { programOfRank } = this.#placement;
    const job = {
      ...started,
      id: this.#job.id,
      hostName: this.#hostName,
      agentPid: this.#agent.pid,
      programs,
      programOfRank,
      bindTo,
    };
    for (const line of explainJob(job)) this.#output.say(`tsmpirun: ${line}`);
  }

  #onExit(exit: RankExit): void {
    if (exit.isLeft)
      this.#output.say(`tsmpirun: rank ${exit.rank} (pid ${exit.pid}) did not end although it was killed; it is left`);
    if (exit.code === 0 || this.#verdict.isGiven) return;
    if (this.#isInterrupted && (exit.signal === 'SIGINT' || exit.code === 130)) {
      // Ranks that handle the signal have the grace to end by themselves.
      if (this.#verdict.give({ exitCode: 130, text: 'interrupted' })) {
        setTimeout(
          () => this.#agent.connection.send({ kind: 'end', graceMs: OTHERS_GRACE_MS }),
          this.#options.graceSeconds * 1000,
        ).unref();
      }
      return;
    }
    this.#end(causeOfExit(exit), OTHERS_GRACE_MS);
  }

  /** Give the verdict, if there is none yet, and have all ranks ended. */
  #end(cause: Cause, graceMs: number): void {
    this.#verdict.give(cause);
    this.#agent.connection.send({ kind: 'end', graceMs });
  }

  #onInterrupt(count: number): void {
    this.#isInterrupted = true;
    if (count === 1) this.#agent.connection.send({ kind: 'signal', signal: 'SIGINT' });
    else if (count > 2) this.#agent.kill();
    else this.#endByUser({ exitCode: 130, text: 'interrupted' }, OTHERS_GRACE_MS);
  }

  #onTerminate(signal: 'SIGTERM' | 'SIGHUP'): void {
    const exitCode = signal === 'SIGTERM' ? 143 : 129;
    this.#endByUser({ exitCode, text: `ended by ${signal}` }, this.#options.graceSeconds * 1000);
  }

  /** Somebody wants the job gone: a reader who takes no output must not keep it. */
  #endByUser(cause: Cause, graceMs: number): void {
    this.#end(cause, graceMs);
    setTimeout(() => this.#output.discardBlocked(), graceMs + BLOCKED_OUTPUT_MS).unref();
  }

  #onStop(): void {
    this.#isPaused = true;
    this.#input?.pause();
    this.#deadline?.pause();
    this.#agent.connection.send({ kind: 'pause' });
  }

  #onContinue(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#agent.connection.send({ kind: 'resume' });
    this.#deadline?.start();
    this.#input?.resume();
  }

  #askWhere(why: 'print' | 'timeout'): void {
    this.#onWhere = why;
    this.#agent.connection.send({ kind: 'where' });
  }

  #onWhereabouts(lines: readonly string[]): void {
    if (this.#onWhere === 'print') {
      for (const line of lines) this.#output.say(`tsmpirun: ${line}`);
      return;
    }
    const text = `the job did not end within ${this.#options.timeoutSeconds} s (--timeout)`;
    this.#end({ exitCode: 124, lines, text }, OTHERS_GRACE_MS);
  }

  #onAgentLost(how: string): void {
    this.#verdict.give({ exitCode: 1, text: `lost the agent on ${this.#hostName} (pid ${this.#agent.pid}): ${how}` });
    // The agent's watchdog and the ranks' lifelines do the same; here nobody has to wait for them.
    for (const pid of this.#pids) {
      try {
        if (pid > 0) process.kill(-pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
    }
  }

  #noteUnused(): void {
    const { programOfRank, size } = this.#placement;
    const unused = this.#unused.filter((rank) => !this.#options.blocks[programOfRank[rank]!]!.exec);
    if (unused.length === 0) return;
    const all = unused.length === size;
    const what = all ? `no rank used tsmpi: ${size} ${size === 1 ? 'copy' : 'separate copies'} of the program ran` : undefined;
    const some = `${unused.length === 1 ? 'rank' : 'ranks'} ${listRanks(unused)} ended without ever using tsmpi`;
    this.#output.say(`tsmpirun: notice: ${what ?? some} (a program joins the job when it imports 'tsmpi')`);
  }
}
