/**
 * Loop: a parallelFor or parallelReduce under way, as the rank's thread sees it.
 *
 * The idea: posting it opens the gate for workers; then the rank's own thread runs what it claims, looks for a moment whether the
 * others are done, and goes on. What is left is watched by the progress engine: it takes parts of threads that do not come, closes the gate when
 * nobody is inside, and completes the request. A team runs one loop at a time; others wait in a line of their own.
 * With a signal the rank's thread runs a chunk at each turn of the event loop, since nothing could fire otherwise.
 *
 * Limits: a loop that gave up (signal, time-out) is done for its program, but goes on here until the workers have left it.
 */

import type { Active } from '../p2p/progress.ts';
import { type Driver, Operation, type OperationLimit } from '../p2p/request.ts';
import type { KernelReference } from './kernel.ts';
import { type LoopMemory, STOP } from './loop-memory.ts';
import type { LoopPlan } from './loop-plan.ts';

/** Looks at the gate before the call returns, with a core for each thread: some microseconds (bench/team/loop). */
const BRIEF_LOOKS = 400;
/** Looks after which a thread that spins but has not taken its part is not waited for: it has lost its core. */
const PATIENT_LOOKS = 2000;

/** Return the result from what the chunks gave. */
export type Combine<T> = (partials: Float64Array, chunks: number) => T;

/** What a loop needs of its team. */
export interface LoopCrew {
  readonly progress: Driver;
  readonly memory: LoopMemory;
  /** More threads than cores: nobody spins. */
  readonly isCrowded: boolean;
  /** Write the description into the memory. */
  describe(loop: Loop<unknown>): void;
  /** Run a chunk in this thread. */
  runChunk(loop: Loop<unknown>, chunk: number): void;
  /** Return what a worker's kernel threw. */
  takeThrown(): { readonly error: unknown } | undefined;
  /** The loop has ended, and nobody is inside. */
  onLoopOver(): void;
  /** Until when (nowMs) a blocked thread may go without a look at the workers. */
  nextLook(): number;
  /** End the rank if a worker is no more. */
  checkWorkers(): void;
}

export class Loop<T> extends Operation<T> implements Active {
  readonly kernel: KernelReference;
  readonly plan: LoopPlan;
  readonly values: readonly unknown[];
  readonly isReduction: boolean;
  readonly #call: string;
  readonly #crew: LoopCrew;
  readonly #combine: Combine<T> | undefined;
  readonly #takesTurns: boolean;
  #value: T | undefined = undefined;
  #hasStarted = false;
  #isOver = false;
  #looks = 0;
  /** What the rank's own part threw. */
  #thrown: { readonly error: unknown } | undefined = undefined;

  constructor(
    crew: LoopCrew,
    call: string,
    kernel: KernelReference,
    plan: LoopPlan,
    values: readonly unknown[],
    combine: Combine<T> | undefined,
    hasSignal: boolean,
  ) {
    super(crew.progress);
    this.#crew = crew;
    this.#call = call;
    this.kernel = kernel;
    this.plan = plan;
    this.values = values;
    this.#combine = combine;
    this.isReduction = combine !== undefined;
    this.#takesTurns = hasSignal;
  }

  get value(): T {
    return this.#value as T;
  }

  /** Whether nothing of it is left to be done here. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get waitsForRoom(): boolean {
    return true;
  }

  /** Begin; the gate is closed. `isPosting`: this is the program's own call, in which its thread takes part. */
  start(isPosting: boolean): void {
    this.#hasStarted = true;
    // It gave up while it stood in line.
    if (this.done) {
      this.#isOver = true;
      this.#crew.onLoopOver();
      return;
    }
    const { memory } = this.#crew;
    const { hasCaller } = this.plan;
    const runsNow = isPosting && hasCaller && !this.#takesTurns;
    memory.setHot(0, runsNow);
    this.#crew.describe(this as Loop<unknown>);
    memory.open();
    if (runsNow) {
      this.#runOwn();
      memory.setHot(0, false);
      for (let looks = this.#crew.isCrowded ? 1 : BRIEF_LOOKS; looks > 0; looks--) if (this.#tryEnd()) return;
    } else if (hasCaller && this.#takesTurns) setImmediate(this.#turn);
  }

  advance(): boolean {
    if (!this.#hasStarted || this.#isOver) return false;
    if (this.plan.hasCaller && !this.#takesTurns) {
      const chunk = this.#crew.memory.claim(0, ++this.#looks > PATIENT_LOOKS ? 'everybody' : 'absent');
      if (chunk >= 0) {
        this.#run(chunk);
        return true;
      }
    }
    return this.#tryEnd();
  }

  prepareSleep(): boolean {
    if (this.#isOver || !this.#hasStarted) return false;
    this.#looks = PATIENT_LOOKS;
    return this.#crew.memory.askForBell();
  }

  /** Give up: chunks that nobody has claimed are not run. */
  override withdraw(): boolean {
    if (this.#hasStarted) this.#crew.memory.stop(STOP.aborted);
    return false;
  }

  override wait(options?: { timeoutMs?: number }): T {
    // Nobody tells a thread that blocks of the end of another; in the event loop workers' ends are events.
    if (!this.done) this.limit = new WorkerLook(this.limit, this.#crew);
    return super.wait(options);
  }

  describe(): string {
    const { from, to } = this.plan;
    return `${this.#call}(${this.kernel.name}, [${from}, ${to}))`;
  }

  waitsFor(): { ranks: number[]; all: boolean } {
    return { ranks: [], all: true };
  }

  readonly #turn = (): void => {
    if (this.#isOver) return;
    const chunk = this.#crew.memory.claim(0, 'everybody');
    if (chunk < 0) {
      this.#tryEnd();
      return;
    }
    this.#run(chunk);
    setImmediate(this.#turn);
  };

  #runOwn(): void {
    const { memory } = this.#crew;
    for (let chunk = memory.claim(0, 'absent'); chunk >= 0; chunk = memory.claim(0, 'absent')) this.#run(chunk);
  }

  #run(chunk: number): void {
    const { memory } = this.#crew;
    try {
      this.#crew.runChunk(this as Loop<unknown>, chunk);
    } catch (error) {
      if (memory.stop(STOP.failed)) this.#thrown = { error };
    }
  }

  #tryEnd(): boolean {
    const { memory } = this.#crew;
    if (!memory.tryClose()) return false;
    this.#isOver = true;
    const reason = memory.stopReason;
    const failure = reason === STOP.failed ? (this.#thrown ?? this.#crew.takeThrown()) : undefined;
    if (!this.done) {
      if (failure !== undefined) this.fail(failure.error);
      else {
        if (this.#combine !== undefined) this.#setValue(this.#combine);
        if (!this.done) this.complete();
      }
    }
    this.#crew.onLoopOver();
    return true;
  }

  #setValue(combine: Combine<T>): void {
    try {
      this.#value = combine(this.#crew.memory.partials, this.plan.chunks);
    } catch (error) {
      this.fail(error); // a user's operator
    }
  }
}

/** Looks now and then, while the rank's thread blocks, whether the workers live; beside the loop's own limit. */
class WorkerLook implements OperationLimit {
  readonly #inner: OperationLimit | undefined;
  readonly #crew: LoopCrew;
  #lookAt: number;

  constructor(inner: OperationLimit | undefined, crew: LoopCrew) {
    this.#inner = inner;
    this.#crew = crew;
    this.#lookAt = crew.nextLook();
  }

  get signal(): AbortSignal | undefined {
    return this.#inner?.signal;
  }

  get deadline(): number {
    return Math.min(this.#lookAt, this.#inner?.deadline ?? Number.POSITIVE_INFINITY);
  }

  stop(): void {
    this.#inner?.stop();
  }

  expire(): void {
    if (this.#inner !== undefined && this.#inner.deadline <= this.#lookAt) {
      this.#inner.expire();
      return;
    }
    this.#crew.checkWorkers();
    this.#lookAt = this.#crew.nextLook();
  }
}
