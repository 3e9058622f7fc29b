/**
 * Progress: what rank 0 says while the run goes on: one line that is rewritten on a terminal, plain lines otherwise.
 */

import type { Integrals } from './diagnostics.ts';

/** Least time between two updates on a terminal. */
const UPDATE_MS = 100;

export class Progress {
  readonly #isTerminal = process.stdout.isTTY === true;
  readonly #startMs = performance.now();
  readonly #firstDay: number;
  #lastMs = 0;

  /** The run begins at that day. */
  constructor(firstDay: number) {
    this.#firstDay = firstDay;
  }

  /** Show where the run is after `day` of `days`; plain lines come once a day. */
  show(day: number, days: number, { energy }: Integrals, first: Integrals): void {
    const nowMs = performance.now();
    const isDue = this.#isTerminal ? nowMs - this.#lastMs >= UPDATE_MS : Number.isInteger(day);
    if (!isDue) return;
    this.#lastMs = nowMs;
    const perMinute = (60_000 * (day - this.#firstDay)) / (nowMs - this.#startMs);
    const change = ((energy - first.energy) / first.energy).toExponential(2);
    const line = `day ${day} of ${days}  energy ${change}  ${perMinute.toFixed(0)} simulated days/min`;
    process.stdout.write(this.#isTerminal ? `\r\x1b[2K${line}` : `${line}\n`);
  }

  /** Leave the terminal's line. */
  end(): void {
    if (this.#isTerminal && this.#lastMs > 0) process.stdout.write('\r\x1b[2K');
  }
}
