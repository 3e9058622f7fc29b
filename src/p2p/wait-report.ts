/**
 * WaitReport: what a rank says of itself while it waits, for people who ask why a job stands still.
 *
 * The idea: nothing on the fast path. Once a wait has lasted REPORT_MS the rank writes what it waits for (and, for a
 * blocking wait, the line of the program) into its record in the segment, where the agent reads it; and whether all
 * ranks that it waits for have departed, in which case it waits in vain. A rank sends first and departs then, so one that
 * is seen to have departed is believed only after one more poll: what it sent has come by then. A moment after the report,
 * and then from time to time, what waits is asked first whether it can ever complete (collectives: whether another rank
 * called something else).
 */

import { nowMs } from '../base/clock.ts';
import { type CallSites, findCallSite } from './call-site.ts';
import type { Operation } from './request.ts';

/** A wait of this length is reported, in milliseconds. */
const REPORT_MS = 100;
/** So long after its report a wait is looked into, when others that wait as long have reported too; and again in so long. */
const LOOK_MS = 20;
const LOOK_AGAIN_MS = 1000;
/** An await looks at a departed rank again after so many milliseconds: a turn of the event loop lies between. */
const AGAIN_MS = 1;

/** Where a rank's words about itself go; the runtime binds it to the segment. */
export interface RankRecord {
  setText(text: string): void;
  /** World rank + 1 of a departed rank that is waited for, or 0. */
  setStuckOn(rankPlusOne: number): void;
  hasDeparted(worldRank: number): boolean;
  isOwn(worldRank: number): boolean;
  /** Whether nothing keeps the event loop alive; asked while parking does not hold it. */
  isIdle(): boolean;
  /** Why frames do not get to that rank; '': they do, or there were none. */
  describeTrouble(worldRank: number): string;
}

export class WaitReport {
  readonly #record: RankRecord | undefined;
  readonly #callSites: CallSites | undefined;
  #since = 0;
  #operation: Operation<unknown> | undefined = undefined;
  #isWritten = false;
  /** When to look into the wait. */
  #lookAtMs = 0;
  #timer: NodeJS.Timeout | undefined = undefined;
  /** World rank + 1 of a rank that the last look found departed, or 0. */
  #suspect = 0;

  constructor(record: RankRecord | undefined, callSites: CallSites | undefined) {
    this.#record = record;
    this.#callSites = callSites;
  }

  /** Whether nothing keeps the event loop alive; ask while parking does not hold it. */
  get isIdle(): boolean {
    return this.#record?.isIdle() === true;
  }

  /** A blocking wait is about to sleep. Return after how many milliseconds it wants to be asked again, -1: never. */
  beforeSleep(operation: Operation<unknown>): number {
    if (this.#record === undefined) return -1;
    if (this.#operation !== operation) {
      this.clear();
      this.#operation = operation;
      this.#since = nowMs();
      return REPORT_MS;
    }
    const left = this.#since + REPORT_MS - nowMs();
    if (left > 0) return left;
    if (!this.#isWritten) {
      const line = findCallSite();
      this.#write(`${operation.describe()}${line === undefined ? '' : `, wait() at ${line}`}`, [operation]);
    }
    const lookMs = this.#look([operation]);
    if (lookMs > 0 && lookMs <= LOOK_MS) return lookMs;
    // Who stands in a blocking wait cannot send to itself.
    return this.#checkDeparted([operation], true) < 0 ? lookMs : 0;
  }

  /**
   * The event loop gets control while those that `listWaiting` returns are awaited; `isIdle` says whether nothing else
   * keeps it alive.
   */
  beforeLoop(listWaiting: () => Operation<unknown>[], isIdle: () => boolean): void {
    if (this.#record === undefined) return;
    if (this.#isWritten) {
      this.#checkAwaited(listWaiting, isIdle);
      return;
    }
    if (this.#timer !== undefined) return;
    const [first] = listWaiting();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const waiting = listWaiting();
      if (waiting.length === 0) return;
      if (waiting[0] !== first) {
        this.beforeLoop(listWaiting, isIdle);
        return;
      }
      const names = waiting.slice(0, 4).map((operation) => this.#describe(operation));
      const more = waiting.length > 4 ? ` and ${waiting.length - 4} more` : '';
      this.#write(`await ${names.join(', ')}${more}`, waiting);
      this.#checkAwaited(listWaiting, isIdle);
    }, REPORT_MS);
    this.#timer.unref();
  }

  /** The wait is over. */
  clear(): void {
    this.#operation = undefined;
    if (!this.#isWritten) return;
    this.#isWritten = false;
    this.#suspect = 0;
    this.#record!.setText('');
    this.#record!.setStuckOn(0);
  }

  #write(text: string, operations: readonly Operation<unknown>[]): void {
    this.#isWritten = true;
    this.#lookAtMs = operations.some(({ mayStall }) => mayStall) ? nowMs() + LOOK_MS : Number.POSITIVE_INFINITY;
    this.#record!.setText(`${text}${this.#describeTrouble(operations)}`);
  }

  /**
   * Ask what waits whether it can ever complete, when it is time to. Return after how many milliseconds to look again, -1:
   * there is no need to; the first look is LOOK_MS away at most, and who has departed is to wait for it.
   */
  #look(waiting: readonly Operation<unknown>[]): number {
    const leftMs = this.#lookAtMs - nowMs();
    if (leftMs > 0) return leftMs === Number.POSITIVE_INFINITY ? -1 : leftMs;
    this.#lookAtMs = nowMs() + LOOK_AGAIN_MS;
    for (const operation of waiting) operation.stalled();
    return LOOK_AGAIN_MS;
  }

  /** Say of the first rank that cannot be reached why. */
  #describeTrouble(operations: readonly Operation<unknown>[]): string {
    for (const operation of operations) {
      const { ranks } = operation.waitsFor();
      for (let k = 0; k < ranks.length; k++) {
        const trouble = this.#record!.describeTrouble(ranks[k]!);
        if (trouble !== '') return `; ${trouble}`;
      }
    }
    return '';
  }

  #describe(operation: Operation<unknown>): string {
    const line = this.#callSites?.lineOf(operation);
    return line === undefined ? operation.describe() : `${operation.describe()} at ${line}`;
  }

  #checkAwaited(listWaiting: () => Operation<unknown>[], isIdle: () => boolean): void {
    const lookMs = this.#look(listWaiting());
    const isFirst = lookMs > 0 && lookMs <= LOOK_MS;
    const departedMs = isFirst ? -1 : this.#checkDeparted(listWaiting(), isIdle());
    const againMs = departedMs < 0 ? lookMs : lookMs < 0 ? departedMs : Math.min(departedMs, lookMs);
    if (againMs < 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // Another wait may have begun meanwhile, which set no timer of its own beside this one.
      if (listWaiting().length !== 0) this.beforeLoop(listWaiting, isIdle);
    }, againMs).unref();
  }

  /**
   * Say whether one of them waits in vain. `isIdle`: nothing of this rank's own is under way that might still send to it.
   * Return after how many milliseconds and a poll to look once more, -1: when something happens.
   */
  #checkDeparted(operations: readonly Operation<unknown>[], isIdle: boolean): number {
    const record = this.#record!;
    let onOwn = 0;
    let departed = -1;
    for (const operation of operations) {
      const { ranks, all } = operation.waitsFor();
      let gone = -1;
      let alive = 0;
      let own = 0;
      for (let k = 0; k < ranks.length; k++) {
        if (record.isOwn(ranks[k]!)) own++;
        else if (record.hasDeparted(ranks[k]!)) gone = ranks[k]!;
        else alive++;
      }
      if (gone < 0) continue;
      if (!all || alive + own === 0) return this.#suspectRank(gone);
      if (alive !== 0) continue;
      // Only a message of its own could still come: from another flow of this rank, if there is one.
      onOwn++;
      departed = gone;
    }
    const onlyOwn = onOwn !== 0 && onOwn === operations.length;
    if (onlyOwn && isIdle) return this.#suspectRank(departed);
    this.#suspect = 0;
    record.setStuckOn(0);
    // No bell rings when the last of this rank's own timers and sockets ends.
    return onlyOwn ? REPORT_MS : -1;
  }

  /** A rank has departed: what it sent before may have come since the last poll, so it takes two looks to say so. */
  #suspectRank(rank: number): number {
    if (this.#suspect !== rank + 1) {
      this.#suspect = rank + 1;
      return AGAIN_MS;
    }
    this.#record!.setStuckOn(rank + 1);
    return -1;
  }
}
