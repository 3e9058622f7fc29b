/**
 * Request: an operation in flight, and Operation, the class behind every one of them.
 *
 * The idea: a core without promises. An operation completes by setting `done`; who wants a promise asks for one by
 * `then`, which polls once, then registers with the progress engine, which spins for all waiters from nextTick.
 * An owner (a schedule, a combined request) is told of completion at once, synchronously.
 *
 * Limits: no operation calls user code but through promises and collective operators.
 */

import { MpiError } from '../base/errors.ts';
import type { CallSites } from './call-site.ts';
import type { Membership } from './context.ts';
import type { Status } from './status.ts';

/**
 * An operation that was posted when it was called. `await` it, or `wait()` for it, or ask `test()`.
 *
 * Buffers are lent to the operation until it is done. A failed request that nobody looks at ends the job.
 * Standard: 3.7.
 */
export interface Request<out T> extends Promise<T> {
  /**
   * Block this thread until the operation is complete and return its result. Timers, sockets and every other flow of
   * this rank stand still meanwhile. Throws the operation's MpiError, or ERR_MPI_TIMEOUT after `timeoutMs`
   * milliseconds, which only stops the waiting.
   */
  wait(options?: { timeoutMs?: number }): T;
  /** Make progress, then say whether the operation is complete. Throws its error. */
  test(): boolean;
  /** Whether the operation is complete. Only reads: a loop on it never ends. */
  readonly done: boolean;
  /** The result; throws while the operation is not complete, and its error. */
  readonly result: T;
  /** Status of a completed receive or probe. */
  readonly status: Status;
  /** Withdraw a receive that was not matched yet. Return whether it was. */
  cancel(): boolean;
}

/** Options of everything that can wait. */
export interface Options {
  /** Rejects the request with the signal's reason when it fires; needs the event loop, so not for `wait()`. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the request rejects with ERR_MPI_TIMEOUT. */
  readonly timeoutMs?: number | undefined;
}

/** The time-out and the signal of an operation (limit.ts). */
export interface OperationLimit {
  readonly signal: AbortSignal | undefined;
  /** nowMs() at which the operation gives up; Infinity: never. */
  readonly deadline: number;
  /** The operation is done. */
  stop(): void;
  /** The time is over. */
  expire(): void;
}

/** Who is told at once when an operation completes or fails. */
export interface Owner {
  onDone(operation: Operation<unknown>): void;
}

/** What an operation asks of the progress engine (progress.ts). */
export interface Driver {
  readonly unseen: { add(operation: Operation<unknown>): void; delete(operation: object): void };
  /** With TSMPI_CALL_SITES=1. */
  readonly callSites: CallSites | undefined;
  block(operation: Operation<unknown>, timeoutMs: number | undefined): void;
  test(): void;
  pollBriefly(operation: Operation<unknown>): void;
  onWaiter(operation: Operation<unknown>): void;
  onSettled(count: number): void;
  mustTurn(): boolean;
  turn(): Promise<void>;
}

/** The value's type is erased, so that an Operation<T> is an Operation<unknown>. */
interface Waiter {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

export abstract class Operation<T> implements Request<T> {
  done = false;
  error: unknown = undefined;
  /** Whether a failure was looked at. */
  isSeen = false;
  /** Its time-out and signal, until it is done. */
  limit: OperationLimit | undefined = undefined;
  owner: Owner | undefined = undefined;
  /** Lists that wait for it among others (combined.ts). */
  listeners: Owner[] | undefined = undefined;
  readonly progress: Driver;
  #waiters: Waiter[] | undefined = undefined;

  constructor(progress: Driver) {
    this.progress = progress;
    if (progress.callSites !== undefined) progress.callSites.note(this);
  }

  /** The result of a complete, successful operation. */
  abstract get value(): T;
  /** What it waits for, in words: `recv(source 1, tag 7) on world`. */
  abstract describe(): string;
  /** World ranks it waits for; it is stuck when `all` of them (else any of them) have departed. */
  abstract waitsFor(): { readonly ranks: ArrayLike<number>; readonly all: boolean };
  /** Whether it can find out, when it is waited for long, that it never completes. */
  get mayStall(): boolean {
    return false;
  }

  /** It has been waited for long: fail if it never completes. */
  stalled(): void {}

  /** The communicator on which it fails, where there is one. */
  get members(): Membership | undefined {
    return undefined;
  }

  /** Take back what can still be taken back (unmatched receive, send not handed over). Return whether that was done. */
  withdraw(): boolean {
    return false;
  }

  get [Symbol.toStringTag](): string {
    return 'Request';
  }

  wait(options?: { timeoutMs?: number }): T {
    if (!this.done) this.progress.block(this, options?.timeoutMs);
    return this.take();
  }

  test(): boolean {
    if (!this.done) this.progress.test();
    if (!this.done) return false;
    if (this.error !== undefined) this.take();
    return true;
  }

  get result(): T {
    if (!this.done) throw new MpiError('ERR_MPI_REQUEST', `${this.describe()} is not complete: await it, wait() or test() first`);
    return this.take();
  }

  get status(): Status {
    throw new MpiError('ERR_MPI_REQUEST', `${this.describe()} has no status: only receives and probes have one`);
  }

  cancel(): boolean {
    this.markSeen();
    return false;
  }

  then<A = T, B = never>(
    onDone?: ((value: T) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    if (!this.done) this.progress.pollBriefly(this);
    if (!this.done) {
      this.isSeen = true;
      const promise = new Promise<T>((resolve, reject) => {
        this.#waiters ??= [];
        this.#waiters.push({ resolve, reject });
        this.progress.onWaiter(this);
      });
      return promise.then(onDone, onError);
    }
    this.markSeen();
    if (this.progress.mustTurn())
      return this.progress
        .turn()
        .then(() => this.take())
        .then(onDone, onError);
    return (this.error === undefined ? Promise.resolve(this.value) : Promise.reject(this.error)).then(onDone, onError);
  }

  catch<B = never>(onError?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, onError);
  }

  finally(onEnd?: (() => void) | null): Promise<T> {
    return this.then().finally(onEnd);
  }

  /** The operation succeeded: its value can be had. */
  complete(): void {
    if (this.done) return;
    this.done = true;
    if (this.limit !== undefined) this.#forgetLimit();
    if (this.#waiters !== undefined) this.#settle();
    if (this.owner !== undefined) this.owner.onDone(this);
    if (this.listeners !== undefined) this.#tell();
  }

  /** The operation failed. */
  fail(error: unknown): void {
    if (this.done) return;
    this.error = error;
    this.done = true;
    // The program's own signal is no failure of the communicator.
    if (error !== this.limit?.signal?.reason) this.members?.onError?.(error);
    if (this.limit !== undefined) this.#forgetLimit();
    if (!this.isSeen && this.owner === undefined) this.progress.unseen.add(this);
    if (this.#waiters !== undefined) this.#settle();
    if (this.owner !== undefined) this.owner.onDone(this);
    if (this.listeners !== undefined) this.#tell();
  }

  /** Return the value or throw the error of a complete operation, which then counts as looked at. */
  take(): T {
    if (this.error !== undefined) {
      this.markSeen();
      throw this.error;
    }
    return this.value;
  }

  markSeen(): void {
    if (this.isSeen) return;
    this.isSeen = true;
    if (this.error !== undefined) this.progress.unseen.delete(this);
  }

  #forgetLimit(): void {
    this.limit!.stop();
    this.limit = undefined;
  }

  #tell(): void {
    const listeners = this.listeners!;
    this.listeners = undefined;
    for (const listener of listeners) listener.onDone(this);
  }

  #settle(): void {
    const waiters = this.#waiters!;
    this.#waiters = undefined;
    this.progress.onSettled(waiters.length);
    for (const { resolve, reject } of waiters) {
      if (this.error === undefined) resolve(this.value as never);
      else reject(this.error);
    }
  }
}
