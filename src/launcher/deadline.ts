/**
 * Deadline: a time limit that stands still while the job is stopped.
 */

/** Longest delay that a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Deadline {
  readonly #onOver: () => void;
  #leftMs: number;
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number, onOver: () => void) {
    this.#leftMs = limitMs;
    this.#onOver = onOver;
  }

  /** Begin, or go on after a pause. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#startedMs = performance.now();
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(this.#leftMs, 0), MAX_TIMER_MS));
  }

  pause(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs -= performance.now() - this.#startedMs;
  }

  #look(): void {
    this.pause();
    if (this.#leftMs <= 1) this.#onOver();
    else this.start();
  }
}
