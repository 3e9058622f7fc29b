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

import type { TypedArray } from '../datatype/element-type.ts';

/** What is yielded: a marker that says "wait for all that I posted". */
export interface Step {
  readonly kind: 'step';
}

/** An algorithm under way; it returns nothing, results lie in the buffers it was given. */
export type Schedule = Generator<Step, void, void>;

/** The memory that the members of a communicator share on one host (segment/layout.ts: areas). */
export interface Area {
  /** Views over the whole segment; offsets below index them after shifting. */
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly u8: Uint8Array;
  /** Byte offset of the area, a multiple of 64. */
  readonly byteOffset: number;
  readonly byteLength: number;
  /** Bytes that one rank may contribute in one turn (AREA_SLOT_BYTES). */
  readonly slotBytes: number;
  /** Copy `count` elements of data, from index `from`, to that byte offset of the segment (8-aligned). */
  write(data: TypedArray, from: number, count: number, byteOffset: number): void;
  /** Copy `count` elements at that byte offset of the segment into `into` from index `at`. */
  read(byteOffset: number, into: TypedArray, at: number, count: number): void;
  /** A typed view of `data`'s element type over the segment, for operators: `count` elements at that byte offset. */
  view(data: TypedArray, byteOffset: number, count: number): TypedArray;
  /**
   * Be resumed once the Int32 at `word` has reached `value` (wrapping comparison: (load - value) | 0 >= 0).
   * Whoever stores to that word calls wake() afterwards.
   */
  until(word: number, value: number): Step;
  /** Wake members that sleep; call it after the store that others wait for (sequentially consistent: Atomics.store). */
  wake(): void;
  /** Counts the collectives that used the area: equal on all members; its lowest bit chooses the turn's slots. */
  turn: number;
}

/** What an algorithm sees of its communicator. Ranks are the communicator's. */
export interface Port {
  readonly rank: number;
  readonly size: number;
  /** Shared memory of all members; undefined when they are not all on one host, or no area was left. */
  readonly area: Area | undefined;
  send(data: TypedArray, dest: number): Step;
  recv(into: TypedArray, source: number): Step;
  /** Both at once. */
  exchange(data: TypedArray, dest: number, into: TypedArray, source: number): Step;
}
