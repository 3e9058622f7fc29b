/**
 * Limit: the time-out and the signal that an operation was posted with.
 *
 * The idea: whichever comes first gives the operation up. What can still be taken back is (an unmatched receive, a send
 * not handed over); anything else goes on underneath. An operation that is done lets go of its timer and its signal at
 * once, so that a loop of receives with a long time-out keeps nothing.
 * Limits: no timer fires under a blocking wait; the progress engine looks at `deadline` there.
 */

import { nowMs } from '../base/clock.ts';
import { MpiError } from '../base/errors.ts';
import type { Operation, OperationLimit, Options } from './request.ts';

/** What a timer of Node holds; it fires at once when it is given more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Limit implements OperationLimit {
  readonly signal: AbortSignal | undefined;
  readonly deadline: number;
  readonly #operation: Operation<unknown>;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(operation: Operation<unknown>, { signal, timeoutMs = Number.POSITIVE_INFINITY }: Options) {
    this.#operation = operation;
    this.signal = signal;
    this.deadline = nowMs() + checkTimeout(timeoutMs);
    this.#startTimer();
    signal?.addEventListener('abort', this);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.signal?.removeEventListener('abort', this);
  }

  expire(): void {
    const message = `${this.#operation.describe()} did not complete within its timeoutMs`;
    giveUp(this.#operation, new MpiError('ERR_MPI_TIMEOUT', message));
  }

  /** The signal fired. */
  handleEvent(): void {
    giveUp(this.#operation, this.signal!.reason);
  }

  #startTimer(): void {
    if (this.deadline === Number.POSITIVE_INFINITY) return;
    const leftMs = this.deadline - nowMs();
    this.#timer = setTimeout(
      () => (nowMs() < this.deadline ? this.#startTimer() : this.expire()),
      Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS),
    ).unref();
  }
}

/** Take back what can be taken back of an operation, and fail it. */
export function giveUp(operation: Operation<unknown>, reason: unknown): void {
  if (operation.done) return;
  operation.withdraw();
  operation.fail(reason);
}

/** Return the time-out, checked. */
export function checkTimeout(timeoutMs: unknown): number {
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return timeoutMs;
  throw new MpiError('ERR_MPI_ARG', `timeoutMs is ${String(timeoutMs)}: expected milliseconds, 0 or more`);
}
