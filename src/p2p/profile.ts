/**
 * Profile: what a rank has called and how long it waited, by regions of the program.
 *
 * The idea: calls and bytes are counted, each. Time is measured where that costs nothing beside what is measured: a sleep (of a
 * blocking wait, or of the event loop while requests are awaited) always; what is shorter, posting and polling, for the
 * first calls and then for one in SAMPLE, which stands for all, since reading the clock takes a fifth of a short message.
 * A region's time and calls are its own: what is in a region within it is not counted twice.
 *
 * Waits are timed by profiled.ts; the engine tells of its sends, runtime/profiling.ts of calls.
 * Limits: posting a receive is not timed; of flows that await at the same time the request awaited last gets all of the time.
 */

import { nowMs } from '../base/clock.ts';
import type { CollectiveCall } from '../base/collective-call.ts';
import { OPERATION_NAMES, operationCode } from '../base/operation.ts';
import type { Operation } from './request.ts';

/** Stretches that are timed all, before samples are taken. */
const FIRST = 256;
/** Then one in so many is timed, at random: calls come in a rhythm. A power of two. */
const SAMPLE = 256;

/** One operation within one region, on one rank. */
export interface OperationTally {
  readonly calls: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** One region on one rank. */
export interface RegionTally {
  /** Times that it was entered; of what lies outside of all regions: 1. */
  readonly calls: number;
  readonly seconds: number;
  /** By the operation's name. */
  readonly operations: Readonly<Record<string, OperationTally>>;
}

/** What one rank has to tell. */
export interface RankProfile {
  readonly seconds: number;
  /** The most memory that its process has had, in bytes, divided by the ranks in it. */
  readonly memoryBytes: number;
  /** By name; '' is what lies outside of all. */
  readonly regions: Readonly<Record<string, RegionTally>>;
}

/** What is counted in a region. */
class Region {
  entries: number = 0;
  ms: number = 0;
  /** By operation code. */
  readonly calls: Float64Array = new Float64Array(OPERATION_NAMES.length);
  readonly bytes: Float64Array = new Float64Array(OPERATION_NAMES.length);
  readonly times: Float64Array = new Float64Array(OPERATION_NAMES.length);

  /** Samples may stand for more time than there was. */
  tally(): RegionTally {
    const total = this.times.reduce((sum, ms) => sum + ms, 0);
    const seconds = this.ms / 1000;
    // A share, so that rounding takes no part beyond the whole.
    const secondsOf = (ms: number): number => (total > this.ms ? (ms / total) * seconds : ms / 1000);
    const operations = OPERATION_NAMES.flatMap((name, code) => {
      const [calls, bytes, ms] = [this.calls[code]!, this.bytes[code]!, this.times[code]!];
      return name !== '' && (calls > 0 || ms > 0) ? [[name, { calls, bytes, seconds: secondsOf(ms) }] as const] : [];
    });
    return { calls: this.entries, seconds, operations: Object.fromEntries(operations) };
  }
}

export class Profile {
  readonly #startMs: number = nowMs();
  readonly #ranksInProcess: number;
  readonly #regions = new Map<string, Region>();
  /** Those entered and not left, the outermost first. */
  readonly #entered: Region[] = [];
  #region: Region;
  /** The region's. */
  #calls: Float64Array;
  #bytes: Float64Array;
  #since: number = this.#startMs;
  #operation = 0;
  /** What a collective sends counts as its bytes where its call does not tell them. */
  #countsSends = false;
  #isTiming = false;
  #weight = 0;
  #stretches = 0;
  /** Stretches until the next that is timed. */
  #left = 0;
  #random = 1;

  /** Begin to measure. `ranksInProcess`: how many share the memory of this one's process. */
  constructor(ranksInProcess: number) {
    this.#ranksInProcess = ranksInProcess;
    this.#region = this.#regionOf('');
    ({ calls: this.#calls, bytes: this.#bytes } = this.#region);
    this.#region.entries = 1;
    this.#entered.push(this.#region);
  }

  // ---- regions -------------------------------------------------------------------------------
  /** Enter a region, and return it for leave(). */
  enter(name: string): Region {
    const region = this.#regionOf(name);
    region.entries++;
    this.#entered.push(region);
    this.#goTo(region);
    return region;
  }

  leave(region: Region): void {
    // The innermost, but where flows that await in turns have entered others.
    this.#entered.splice(this.#entered.lastIndexOf(region), 1);
    this.#goTo(this.#entered.at(-1)!);
  }

  /** What passed since the last change was the last region's. */
  #goTo(region: Region): void {
    const now = nowMs();
    this.#region.ms += now - this.#since;
    this.#since = now;
    this.#region = region;
    this.#calls = region.calls;
    this.#bytes = region.bytes;
  }

  #regionOf(name: string): Region {
    let region = this.#regions.get(name);
    if (region === undefined) {
      region = new Region();
      this.#regions.set(name, region);
    }
    return region;
  }

  // ---- calls ---------------------------------------------------------------------------------
  /** A call between two ranks is made. */
  beginCall(operation: number): void {
    this.#calls[operation]!++;
    this.#operation = operation;
    this.#countsSends = true;
  }

  beginCollective({ operation, byteLength }: CollectiveCall): void {
    this.#calls[operation]!++;
    this.#operation = operation;
    this.#countsSends = byteLength < 0;
    if (byteLength > 0) this.#bytes[operation]! += byteLength;
  }

  /** The call under way sends so many bytes. Return whether that is to be timed, by timeSend(). */
  isTimedSend(byteLength: number): boolean {
    if (this.#isTiming) return false;
    if (this.#countsSends) this.#bytes[this.#operation]! += byteLength;
    this.#weight = this.weigh();
    return this.#weight !== 0;
  }

  timeSend<T>(send: () => T): T {
    this.#isTiming = true;
    const start = nowMs();
    try {
      return send();
    } finally {
      this.#isTiming = false;
      this.#region.times[this.#operation]! += this.#weight * (nowMs() - start);
    }
  }

  // ---- time ----------------------------------------------------------------------------------
  /** For how many stretches the one that begins stands, if it is timed; 0: it is not. */
  weigh(): number {
    if (this.#left > 0) {
      this.#left--;
      return 0;
    }
    if (this.#stretches < FIRST) {
      this.#stretches++;
      return 1;
    }
    // From 0 to 2 SAMPLE - 2 are passed over (Numerical Recipes' generator), SAMPLE - 1 in the mean.
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) | 0;
    this.#left = (this.#random >>> 8) % (2 * SAMPLE - 1);
    return SAMPLE;
  }

  /** Waiting for an operation took so long. Not for messages: then it is none of ours. */
  addWaitTime(operation: Operation<unknown>, ms: number): void {
    const name = /^(?:(?:all|any|some) of \d+ requests: )?(\w+)/.exec(operation.describe())?.[1] ?? '';
    this.#region.times[operationCode(name)]! += ms;
  }

  /** Return what there is to tell so far. */
  report(): RankProfile {
    this.#goTo(this.#region);
    const regions = [...this.#regions].map(([name, region]) => [name, region.tally()] as const);
    const memoryBytes = (process.resourceUsage().maxRSS * 1024) / this.#ranksInProcess;
    return { seconds: (this.#since - this.#startMs) / 1000, memoryBytes, regions: Object.fromEntries(regions) };
  }
}
