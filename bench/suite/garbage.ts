/**
 * Collections of garbage of this thread while something is measured: they are in the run, and are counted.
 */

import { PerformanceObserver } from 'node:perf_hooks';

export class GarbageWatch {
  #count = 0;
  #ms = 0;
  readonly #observer: PerformanceObserver;

  constructor() {
    const take = (entries: readonly { readonly duration: number }[]): void => {
      for (const { duration } of entries) {
        this.#count++;
        this.#ms += duration;
      }
    };
    this.#observer = new PerformanceObserver((list) => take(list.getEntries()));
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  async begin(): Promise<void> {
    await turn();
    this.#count = 0;
    this.#ms = 0;
  }

  /** Return what was collected since begin(). */
  async end(): Promise<{ count: number; ms: number }> {
    await turn();
    return { count: this.#count, ms: this.#ms };
  }

  close(): void {
    this.#observer.disconnect();
  }
}

/** Give the event loop two turns: entries come by way of it. */
async function turn(): Promise<void> {
  for (let k = 0; k < 2; k++) await new Promise((resolve) => setImmediate(resolve));
}
