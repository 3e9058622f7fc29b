/**
 * Crew: a team as its rank's thread holds it: the workers, the line of loops, and what passes between them.
 *
 * The idea: piscina makes the workers and gives each one join task (team-worker.ts), after which they watch the team's
 * memory; its queue stays for tasks. Kernels and shared memory are numbered and told to workers by a message port each,
 * which a worker reads when it meets a number that it does not know, so no loop waits for an event loop.
 *
 * Limits: one loop at a time. A worker that dies ends the rank: what it was doing to shared memory cannot be known.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { MessagePort, Worker } from 'node:worker_threads';
import { MessageChannel, receiveMessageOnPort, threadId } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { nowMs } from '../base/clock.ts';
import { MpiError } from '../base/errors.ts';
import { packageRoot } from '../base/package-root.ts';
import { boundCore, HOLDER_VARIABLE, type WaitMode } from '../bootstrap/job.ts';
import type { ArithOp } from '../datatype/operator.ts';
import { DoneOperation } from '../p2p/done-operation.ts';
import type { Progress } from '../p2p/progress.ts';
import type { Options, Request } from '../p2p/request.ts';
import type { Rank } from '../runtime/rank.ts';
import { checkKernel, type KernelHandle, type KernelReference, listKernels, loadKernel } from './kernel.ts';
import { decodeThrown, placeOf, type ThrownValue } from './kernel-error.ts';
import { type Combine, Loop, type LoopCrew } from './loop.ts';
import { ArgumentWriter } from './loop-arguments.ts';
import { LoopMemory, MAX_TEAM_THREADS } from './loop-memory.ts';
import { planLoop, type Range } from './loop-plan.ts';
import { combineBy, neutralOf } from './reduction.ts';
import type { Team } from './team.ts';
import {
  type CrewNews,
  type JoinTask,
  type Patience,
  type RunOutcome,
  type RunTask,
  TASK_STATE,
  type WorkerStreams,
} from './worker-protocol.ts';

/** How often a blocked thread looks whether its workers live. */
const LOOK_MS = 500;

/** Ends the job; given, since what is loaded late may import nothing that starts the rank (build-later.mjs). */
type Abort = (code: number, reason: string) => never;
type AnyKernel = (from: number, to: number, ...args: readonly unknown[]) => unknown;

/** How long workers look for the next loop before they sleep, in milliseconds: without, then with giving their core away. */
const PATIENCE = {
  spin: { spinMs: 100, yieldMs: 0 },
  alone: { spinMs: 0.1, yieldMs: 1.9 },
  crowded: { spinMs: 0, yieldMs: 0.05 },
  park: { spinMs: 0, yieldMs: 0 },
} as const;

/** Start the workers and wait until they have come. */
export async function openCrew(rank: Rank, abort: Abort, threads: number = rank.description.threadsPerRank): Promise<Team> {
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_TEAM_THREADS) {
    throw new MpiError(
      'ERR_MPI_ARG',
      `team got ${String(threads)} for its threads: expected an integer from 1 to ${MAX_TEAM_THREADS}`,
    );
  }
  const crew = new Crew(rank, abort, threads);
  await crew.start();
  return crew;
}

class Crew implements Team, LoopCrew {
  readonly size: number;
  readonly progress: Progress;
  readonly memory: LoopMemory;
  readonly isCrowded: boolean;
  readonly #rank: Rank;
  readonly #abort: Abort;
  readonly #ports: MessagePort[] = [];
  readonly #arguments: ArgumentWriter;
  readonly #kernelIds = new Map<KernelReference, number>();
  readonly #kernels: AnyKernel[] = [];
  readonly #line: Loop<unknown>[] = [];
  #pool: Piscina | undefined;
  #current: Loop<unknown> | undefined;
  #isInKernel = false;
  #isClosed = false;

  constructor(rank: Rank, abort: Abort, size: number) {
    const { cores, localRanks } = rank.description;
    this.size = size;
    this.progress = rank.progress;
    this.memory = new LoopMemory(size);
    this.isCrowded = localRanks.length * size > cores;
    this.#rank = rank;
    this.#abort = abort;
    this.#arguments = new ArgumentWriter(this.memory.arguments, (news) => this.#tell(news));
  }

  // ---- workers -------------------------------------------------------------------------------
  async start(): Promise<void> {
    if (this.size === 1) return;
    const pool = this.#startPool(this.size - 1);
    const joins = Array.from({ length: this.size - 1 }, (_, index) => {
      const { port1, port2 } = new MessageChannel();
      this.#ports.push(port1);
      return pool.run(this.#joinTask(index + 1, port2), { transferList: [port2] });
    });
    await Promise.all(joins);
  }

  #startPool(threads: number): Piscina {
    const { worldRank } = this.#rank;
    const { Piscina } = createRequire(import.meta.url)('piscina') as typeof import('piscina');
    const env = { ...process.env, [HOLDER_VARIABLE]: `${worldRank}@${process.pid}.${threadId}` };
    const pool = new Piscina({
      filename: join(packageRoot() ?? '', 'dist', 'team-worker.js'),
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      atomics: 'disabled',
      env,
      workerData: { stdout: descriptorOf(process.stdout, 1), stderr: descriptorOf(process.stderr, 2) } satisfies WorkerStreams,
    });
    // Their ends are told below; without a listener the pool's own event would be an uncaught error.
    pool.on('error', () => {});
    for (const [index, worker] of pool.threads.entries()) this.#watch(worker, index + 1);
    this.#pool = pool;
    return pool;
  }

  #watch(worker: Worker, number: number): void {
    worker.once('error', (error) => this.#onDeath(number, `failed with ${inspect(error)}`));
    worker.once('exit', (code) => this.#onDeath(number, `ended with exit code ${code}`));
  }

  #joinTask(member: number, port: MessagePort): JoinTask {
    const { description, localRank, parking } = this.#rank;
    return {
      kind: 'join',
      member,
      size: this.size,
      port,
      memory: this.memory.buffer,
      bell: parking.describeBell(),
      patience: patienceOf(description.wait, this.isCrowded),
      core: boundCore(description, localRank, member),
    };
  }

  #tell(news: CrewNews): void {
    for (const port of this.#ports) port.postMessage(news);
  }

  #onDeath(number: number, how: string): void {
    if (!this.#isClosed) this.#abort(1, `worker ${number} of the team of rank ${this.#rank.worldRank} ${how}`);
  }

  /** Until when a blocked thread may go without looking. */
  nextLook(): number {
    return nowMs() + LOOK_MS;
  }

  /** End the rank if a worker is no more, of which a blocked thread hears nothing. */
  checkWorkers(): void {
    const { dead } = this.memory;
    if (dead !== undefined) this.#onDeath(dead.member, `ended with exit code ${dead.exitCode}`);
    for (let member = 1; member < this.size; member++) {
      const thread = this.memory.threadIdOf(member);
      if (thread !== 0 && !existsSync(`/proc/self/task/${thread}`)) this.#onDeath(member, 'has died');
    }
  }

  // ---- loops ---------------------------------------------------------------------------------
  kernels(url: URL): never {
    return listKernels(url) as never;
  }

  parallelFor(kernel: KernelHandle<never>, range: Range | number, ...values: readonly unknown[]): Request<void> {
    return this.#post<void>('parallelFor', kernel, range, values, undefined, () => undefined);
  }

  parallelReduce(
    kernel: KernelHandle<never>,
    range: Range | number,
    op: ArithOp,
    ...values: readonly unknown[]
  ): Request<number> {
    return this.#post('parallelReduce', kernel, range, values, combineBy(op), () => neutralOf(op));
  }

  #post<T>(
    call: string,
    kernel: unknown,
    range: Range | number,
    values: readonly unknown[],
    combine: Combine<T> | undefined,
    ofNothing: () => T,
  ): Request<T> {
    checkKernel(call, kernel);
    this.#checkUsable(call);
    const plan = planLoop(call, range, this.size);
    this.#arguments.check(call, values);
    this.#idOf(kernel);
    if (plan.chunks === 0) return new DoneOperation(ofNothing(), call, undefined, this.progress);
    const options: Options = typeof range === 'number' ? {} : range;
    const loop = new Loop<T>(this, call, kernel, plan, values, combine, options.signal !== undefined);
    if (typeof range !== 'number') this.progress.limit(loop as Loop<unknown>, options);
    const current = this.#current;
    if (current !== undefined) current.advance();
    if (this.#current === undefined) this.#begin(loop as Loop<unknown>, true);
    else this.#line.push(loop as Loop<unknown>);
    if (!loop.isOver) this.progress.activate(loop);
    return loop;
  }

  #checkUsable(call: string): void {
    if (this.#isClosed) throw new MpiError('ERR_MPI_OTHER', `${call} on a team that was disposed of`);
    if (this.#isInKernel) {
      throw new MpiError('ERR_MPI_OTHER', `${call} was called by a kernel of the same team: kernels start no loops of their own`);
    }
  }

  #begin(loop: Loop<unknown>, isPosting: boolean): void {
    this.#current = loop;
    loop.start(isPosting);
  }

  /** The current loop has ended. */
  onLoopOver(): void {
    this.#current = undefined;
    const next = this.#line.shift();
    if (next !== undefined) this.#begin(next, false);
  }

  /** Write the description of a loop. */
  describe({ kernel, plan, values, isReduction }: Loop<unknown>): void {
    const { memory } = this;
    plan.writeBounds(memory.bounds);
    this.#arguments.write(values);
    memory.describe(this.#idOf(kernel), plan.schedule, plan.chunks, plan.to, plan.grain, values.length, isReduction);
  }

  /** Run a chunk in this thread. */
  runChunk({ kernel, values }: Loop<unknown>, chunk: number): void {
    const { memory } = this;
    const from = memory.startOf(chunk);
    const to = memory.startOf(chunk + 1);
    this.#isInKernel = true;
    try {
      const result = this.#kernels[this.#kernelIds.get(kernel)!]!(from, to, ...values);
      memory.note(chunk, result, kernel.name);
    } catch (error) {
      if (error instanceof Error) error.stack = `${error.stack}\n${placeOf(kernel.name, from, to, 0)}`;
      throw error;
    } finally {
      this.#isInKernel = false;
    }
  }

  /** Return what a worker's kernel threw; undefined: none did. */
  takeThrown(): { readonly error: unknown } | undefined {
    let first: { readonly error: unknown } | undefined;
    for (const port of this.#ports) {
      for (let news = receiveMessageOnPort(port); news !== undefined; news = receiveMessageOnPort(port)) {
        first ??= { error: decodeThrown(news.message as ThrownValue) };
      }
    }
    return first;
  }

  #idOf(kernel: KernelReference): number {
    const known = this.#kernelIds.get(kernel);
    if (known !== undefined) return known;
    const id = this.#kernels.length;
    this.#kernels.push(loadKernel(kernel.url, kernel.name) as AnyKernel);
    this.#kernelIds.set(kernel, id);
    this.#tell({ kind: 'kernel', id, url: kernel.url, name: kernel.name });
    return id;
  }

  // ---- tasks ---------------------------------------------------------------------------------
  async run<P, R>(
    kernel: KernelHandle<(argument: P) => R>,
    argument: P,
    { signal }: Pick<Options, 'signal'> = {},
  ): Promise<Awaited<R>> {
    checkKernel('run', kernel);
    this.#checkUsable('run');
    signal?.throwIfAborted();
    const state = new Int32Array(new SharedArrayBuffer(4));
    const task: RunTask = { kind: 'run', url: kernel.url, name: kernel.name, argument, state };
    this.memory.addTasks(1);
    const outcome = (this.#pool ?? this.#startPool(1)).run(task).finally(() => this.memory.addTasks(-1)) as Promise<RunOutcome>;
    const result = outcome.then((given) => {
      if ('thrown' in given) throw decodeThrown(given.thrown);
      return given.value as Awaited<R>;
    });
    return signal === undefined ? result : unlessAborted(result, signal, state);
  }

  // ---- the end -------------------------------------------------------------------------------
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.memory.close();
    for (const port of this.#ports) port.close();
    await this.#pool?.destroy();
  }

  [Symbol.dispose](): void {
    void this[Symbol.asyncDispose]();
  }
}

function patienceOf(wait: WaitMode, isCrowded: boolean): Patience {
  if (wait !== 'auto') return PATIENCE[wait];
  return isCrowded ? PATIENCE.crowded : PATIENCE.alone;
}

/** A task that has not begun is called off (it is piscina's still, and does nothing); the result of one that has is dropped. */
function unlessAborted<T>(result: Promise<T>, signal: AbortSignal, state: Int32Array): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      Atomics.compareExchange(state, 0, TASK_STATE.waiting, TASK_STATE.calledOff);
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    void result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** The descriptor of a standard stream of this rank; ranks that are threads have some of their own. */
function descriptorOf(stream: NodeJS.WriteStream, usual: number): number {
  return (stream as { fd?: number }).fd ?? usual;
}
