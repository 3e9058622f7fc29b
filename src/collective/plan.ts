/**
 * Plan: selection for one operation of one communicator, done ahead.
 *
 * The idea: within a communicator only the bytes and the kind of operator vary from call to call, and the table has upper
 * limits only. So for each kind of operator the table is asked once at each of its limits, which leaves a short list of
 * byte limits and functions; a call walks it with numbers alone.
 */

import { isBuiltIn, type Op } from '../datatype/operator.ts';
import { payloadBytes } from './area-turn.ts';
import type { OperationName, Situation } from './restrictions.ts';
import type { Port, Schedule } from './schedule.ts';
import { RULES, select } from './selection.ts';

/** A collective's algorithm: makes the schedule of one call. */
export type Algorithm<Arguments> = (port: Port, args: Arguments) => Schedule;

/** What selection needs to know besides the call, equal on all ranks of the communicator. */
export interface PlanSettings {
  readonly size: number;
  /** Bytes of a slot of its area, 0 without one. */
  readonly slotBytes: number;
  /** Whether the area has bulk memory. */
  readonly hasBulk: boolean;
  /** Hosts that its ranks are on, and whether the ranks of each follow one another. */
  readonly hosts: number;
  readonly isContiguous: boolean;
  readonly isDeterministic: boolean;
  /** Return the algorithm that the user forces for an operation. */
  readonly forced: (operation: OperationName) => string | undefined;
}

/** Kinds of operator that make a difference; operations without one count as built in. */
export const BUILT_IN = 0;
export const USER_COMMUTATIVE = 1;
export const USER_ORDERED = 2;

interface Range<Arguments> {
  readonly maxBytes: number;
  readonly algorithm: Algorithm<Arguments>;
}

export class Plan<Arguments> {
  readonly #operation: OperationName;
  readonly #algorithms: Readonly<Record<string, Algorithm<Arguments>>>;
  readonly #settings: PlanSettings;
  /** By kind of operator; empty until first used. */
  readonly #ranges: Range<Arguments>[][] = [[], [], []];

  constructor(operation: OperationName, algorithms: Readonly<Record<string, Algorithm<Arguments>>>, settings: PlanSettings) {
    this.#operation = operation;
    this.#algorithms = algorithms;
    this.#settings = settings;
  }

  /** Make the schedule of one call, for so many bytes (Situation.bytes) and that kind of operator; take the area away. */
  begin(port: Port, args: Arguments, bytes: number, kind: number): Schedule {
    const schedule = this.choose(bytes, kind)(port, args);
    if (port.area !== undefined) port.area = undefined;
    return schedule;
  }

  /** Return the algorithm for so many bytes and that kind of operator. */
  choose(bytes: number, kind: number): Algorithm<Arguments> {
    const ranges = this.#ranges[kind]!;
    if (ranges.length === 0) this.#fill(ranges, kind);
    let index = 0;
    while (bytes > ranges[index]!.maxBytes) index++;
    return ranges[index]!.algorithm;
  }

  #fill(ranges: Range<Arguments>[], kind: number): void {
    const { size, slotBytes, hasBulk, hosts, isContiguous, isDeterministic } = this.#settings;
    const limits = new Set([Number.POSITIVE_INFINITY]);
    if (slotBytes > 0) {
      const room = payloadBytes(slotBytes);
      limits.add(room);
      // The most that still fits for each rank, padded to multiples of 8.
      limits.add(Math.floor(room / size) & ~7);
    }
    for (const { maxBytes, maxTotalBytes } of RULES[this.#operation]) {
      if (maxBytes !== undefined) limits.add(maxBytes);
      if (maxTotalBytes !== undefined) limits.add(Math.floor(maxTotalBytes / size));
    }
    const forced = this.#settings.forced(this.#operation);
    for (const maxBytes of [...limits].sort((a, b) => a - b)) {
      const situation: Situation = {
        size,
        bytes: maxBytes,
        isCommutative: kind !== USER_ORDERED,
        isBuiltIn: kind === BUILT_IN,
        slotBytes,
        hasBulk,
        hosts,
        isContiguous,
        isDeterministic,
      };
      ranges.push({ maxBytes, algorithm: this.#algorithmFor(situation, forced) });
    }
  }

  #algorithmFor(situation: Situation, forced: string | undefined): Algorithm<Arguments> {
    try {
      return this.#algorithms[select(this.#operation, situation, forced).algorithm]!;
    } catch (error) {
      // A forced algorithm that cannot run there: the error belongs to the calls that would need it.
      return () => {
        throw error;
      };
    }
  }
}

/** Return an operator's kind. */
export function kindOf(op: Op): number {
  if (isBuiltIn(op)) return BUILT_IN;
  return op.isCommutative ? USER_COMMUTATIVE : USER_ORDERED;
}
