/**
 * Progress: what rank 0 says while the run goes on: one line that is rewritten on a terminal, plain lines otherwise.
 */

/** Least time between two updates on a terminal. */
const UPDATE_MS = 100;
/** Steps between two plain lines. */
const PLAIN_STEPS = 100;

export class Progress {
  readonly #cells: number;
  readonly #dt: number;
  readonly #isTerminal = process.stdout.isTTY === true;
  readonly #startMs = performance.now();
  #lastMs = 0;
  #line = '';

  constructor(cells: number, dt: number) {
    this.#cells = cells;
    this.#dt = dt;
  }

  /** Show step number `step` with its residual, when it is time for it. */
  show(step: number, residual: number): void {
    const nowMs = performance.now();
    const isDue = this.#isTerminal ? nowMs - this.#lastMs >= UPDATE_MS : step === 1 || step % PLAIN_STEPS === 0;
    if (!isDue) return;
    this.#lastMs = nowMs;
    const perSecond = (1000 * step) / (nowMs - this.#startMs);
    const speed = `${perSecond.toFixed(0)} steps/s, ${((perSecond * this.#cells) / 1e6).toFixed(2)} M cell updates/s`;
    this.#line = `step ${step}  t ${(step * this.#dt).toFixed(2)}  residual ${residual.toExponential(2)}  ${speed}`;
    process.stdout.write(this.#isTerminal ? `\r\x1b[2K${this.#line}` : `${this.#line}\n`);
  }

  /** Leave the terminal's line. */
  end(): void {
    if (this.#isTerminal && this.#line !== '') process.stdout.write('\r\x1b[2K');
  }
}
