/**
 * Schedule: a collective's algorithm as a generator over point-to-point steps.
 *
 * The idea: every call on the port posts an operation at once and never waits; `yield` hands control back until all
 * operations posted so far by this schedule are complete. So `yield port.send(x, 1)` sends and waits, and
 * `port.recv(a, 0); yield port.send(b, 1)` waits for both. One text serves blocking, awaited and persistent calls: the
 * driver (port.ts) resumes a schedule from whichever call makes progress.
 *
 * Limits: a schedule never blocks, never calls user code but operators, and touches a buffer only while it holds control.
 */

import type { ArrayLayout } from '../datatype/derived/array-layout.ts';
import type { TypedArray } from '../datatype/element-type.ts';
import type { ElementViews } from '../datatype/element-views.ts';

/** What is yielded: a marker that says "wait for all that I posted". */
export interface Step {
  readonly kind: 'step';
}

/** An algorithm under way; it returns nothing, results lie in the buffers it was given. */
export type Schedule = Generator<Step, void, void>;

/** The memory that the members of a communicator share on one host (segment/layout.ts: areas); one object a communicator. */
export interface Area {
  /** Views over the whole segment; byte offsets below index them after shifting. */
  readonly views: ElementViews;
  /** Byte offset of the area, a multiple of 64. */
  readonly byteOffset: number;
  readonly byteLength: number;
  /** Bytes that one rank may contribute in one turn (AREA_SLOT_BYTES). */
  readonly slotBytes: number;
  /** Memory for long data, made at its first use; undefined where there can be none. */
  readonly bulk: Bulk | undefined;
  /** Wake members that sleep; call it after the store that others wait for (sequentially consistent: Atomics.store). */
  wake(): void;
  /** The last turn taken (area-turn.ts): equal on all members once each has issued the same collectives. Starts at 0. */
  turn: number;
  /** The last turn that this rank has finished with. Starts at 0. */
  finished: number;
  /** The last turn that this rank knows every member to have arrived at. Starts at 0. */
  settled: number;
}

/** The memory that the members of a communicator share for long data (bulk.ts); one object a communicator. */
export interface Bulk {
  /** Bytes of a slot: the longest piece. A multiple of 64. */
  readonly pieceBytes: number;
  /** The last turn taken, and the last that this rank has finished with. */
  readonly turn: number;
  readonly finished: number;
  /** Views over the whole of it; undefined until all members have it mapped. */
  readonly views: ElementViews | undefined;
  /** Take the next turn: when the collective is called, so that turns are in the order of issue. */
  takeTurn(): number;
  /** Wait until this rank has finished the turn before, and all members have the memory or know that there is none. */
  enter(area: Area, port: Port, turn: number): Schedule;
  /** Say that this rank is through with its turn. */
  finish(area: Area, port: Port, turn: number): void;
  /** Wait until this rank has finished a turn; a later one has been taken. */
  untilFinished(area: Area, port: Port, turn: number): Step;
  /** Take so many steps for a turn under way. Return the number of the first. */
  takeSteps(steps: number): number;
  /** Return the byte offset of the slot that `source` fills at that step with its piece for `owner`. */
  slot(source: number, owner: number, step: number): number;
  /** Return how many steps members must be through with before slots of `step` are written. */
  reuses(step: number): number;
  /** Say how many steps this rank has filled, reduced or copied (bulk.ts: FILLED, REDUCED, COPIED). */
  publish(area: Area, rank: number, what: number, steps: number): void;
  /** Return whether a rank has filled, reduced or copied so many steps. */
  hasReached(rank: number, what: number, steps: number): boolean;
  /** Wait for hasReached(). */
  untilReached(port: Port, rank: number, what: number, steps: number): Step;
  /** Write what this rank called, before it first publishes in its turn. */
  writeCheck(port: Port): void;
  /** Throw unless a rank that has filled the first step of the turn called the same as this one; before that step is reduced. */
  compareWith(port: Port, rank: number): void;
  /** Give the memory up; no turn is under way or will be taken. */
  close(): void;
}

/** The ranks of a communicator by the host that they run on (hosts.ts). */
export interface Hosts {
  /** By host: its ranks, ascending. */
  readonly ranksOf: readonly (readonly number[])[];
  /** Number of the host of each rank. */
  readonly hostOf: readonly number[];
  /** Whether the ranks of each host follow one another. */
  readonly isContiguous: boolean;
}

/** What an algorithm sees of its communicator. Ranks are the communicator's. */
export interface Port {
  readonly rank: number;
  readonly size: number;
  /**
   * Shared memory of all members; undefined when they are not all on one host, or none was left. Set back to undefined by
   * the first collective that a schedule begins (collectives.ts): a field of each collective's own port.
   */
  area: Area | undefined;
  /** The ranks by host; undefined when they are all on one. */
  readonly hosts: Hosts | undefined;
  /** What the collective that runs here is, as one number, equal on all ranks that called the same. */
  readonly check: number;
  /** Make the error for a rank (-1: some rank) that called another collective. */
  mismatch(rank: number): Error;
  send(data: TypedArray | ArrayLayout, dest: number): Step;
  /**
   * `onPart`, for arrays only, is called for each part of `into` once elements `start` up to `end` are there, while others may
   * still come: whole multiples of 16 bytes but for the last, which together are the message. It may touch `into` only within
   * the part.
   */
  recv(into: TypedArray | ArrayLayout, source: number, onPart?: (start: number, end: number) => void): Step;
  /** Both at once. */
  exchange(data: TypedArray, dest: number, into: TypedArray, source: number, onPart?: (start: number, end: number) => void): Step;
  /**
   * Be resumed once the Int32 at index `word` of the segment, or of `memory`, has reached `value` (wrapping comparison:
   * (load - value) | 0 >= 0). Whoever stores to that word calls area.wake() afterwards. Only where there is an area.
   */
  until(word: number, value: number, memory?: Int32Array): Step;
}
