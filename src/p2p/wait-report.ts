/**
 * WaitReport: what a rank says of itself while it waits, for people who ask why a job stands still.
 *
 * The idea: nothing on the fast path. Once a wait has lasted REPORT_MS the rank writes what it waits for (and, for a
 * blocking wait, the line of the program) into its record in the segment, where the agent reads it; and whether all
 * ranks that it waits for have departed, in which case it waits in vain.
 */

import type { Operation } from './request.ts';

/** A wait of this length is reported, in milliseconds. */
const REPORT_MS = 100;

/** Where a rank's words about itself go; the runtime binds it to the segment. */
export interface RankRecord {
  setText(text: string): void;
  /** World rank + 1 of a departed rank that is waited for, or 0. */
  setStuckOn(rankPlusOne: number): void;
  hasDeparted(worldRank: number): boolean;
}

export class WaitReport {
  readonly #record: RankRecord | undefined;
  #since = 0;
  #operation: Operation<unknown> | undefined = undefined;
  #isWritten = false;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(record: RankRecord | undefined) {
    this.#record = record;
  }

  /** A blocking wait is about to sleep. Return after how many milliseconds it wants to be asked again, -1: never. */
  beforeSleep(operation: Operation<unknown>): number {
    if (this.#record === undefined) return -1;
    if (this.#operation !== operation) {
      this.clear();
      this.#operation = operation;
      this.#since = performance.now();
      return REPORT_MS;
    }
    const left = this.#since + REPORT_MS - performance.now();
    if (left > 0) return left;
    if (!this.#isWritten) this.#write(`${operation.describe()}${callSite()}`);
    this.#checkDeparted([operation]);
    return -1;
  }

  /** The event loop gets control while those that `listWaiting` returns are awaited. */
  beforeLoop(listWaiting: () => Operation<unknown>[]): void {
    if (this.#record === undefined) return;
    if (this.#isWritten) {
      this.#checkDeparted(listWaiting());
      return;
    }
    if (this.#timer !== undefined) return;
    const [first] = listWaiting();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const waiting = listWaiting();
      if (waiting.length === 0) return;
      if (waiting[0] !== first) {
        this.beforeLoop(listWaiting);
        return;
      }
      const names = waiting.slice(0, 4).map((operation) => operation.describe());
      const more = waiting.length > 4 ? ` and ${waiting.length - 4} more` : '';
      this.#write(`await ${names.join(', ')}${more}`);
      this.#checkDeparted(waiting);
    }, REPORT_MS);
    this.#timer.unref();
  }

  /** The wait is over. */
  clear(): void {
    this.#operation = undefined;
    if (!this.#isWritten) return;
    this.#isWritten = false;
    this.#record!.setText('');
    this.#record!.setStuckOn(0);
  }

  #write(text: string): void {
    this.#isWritten = true;
    this.#record!.setText(text);
  }

  #checkDeparted(operations: Iterable<Operation<unknown>>): void {
    const record = this.#record!;
    for (const operation of operations) {
      const { ranks, all } = operation.waitsFor();
      let departed = -1;
      let alive = 0;
      for (let k = 0; k < ranks.length; k++) {
        if (record.hasDeparted(ranks[k]!)) departed = ranks[k]!;
        else alive++;
      }
      if (departed >= 0 && (alive === 0 || !all)) {
        record.setStuckOn(departed + 1);
        return;
      }
    }
    record.setStuckOn(0);
  }
}

/** Where in the program the blocking call stands: `, wait() at sim.ts:12`. */
function callSite(): string {
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  // The library is one file, that of the first frame; in tests of the sources it is this folder.
  const own = frames[0]?.match(/([^\s(]+):\d+:\d+\)?$/)?.[1] ?? '';
  const frame = frames.find((line) => !line.includes(own) && !line.includes('/p2p/') && !line.includes('(node:'));
  const place = frame?.match(/([^/\\(]+:\d+):\d+\)?$/)?.[1];
  return place === undefined ? '' : `, wait() at ${place}`;
}
