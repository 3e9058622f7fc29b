/**
 * Recursive halving: the phases of Rabenseifner's algorithms.
 *
 * The idea: the ranks are folded to a power of two q (of the first 2 (p - q) ranks each pair leaves one survivor that
 * holds the sum of both). Then in each of log2 q steps a survivor exchanges half of what it still works on with one at
 * half the previous distance, and combines what it gets; at the end survivor s holds the complete chunk s of q.
 *
 * Limits: combines ranks out of order, and different chunks in the same order but each by parts of the array: only for
 * commutative operators that work element by element.
 */

import { createArray, type TypedArray } from '../datatype/element-type.ts';
import type { Op } from '../datatype/operator.ts';
import { reduceInto } from '../datatype/reduce-kernels.ts';
import type { Port, Schedule } from './schedule.ts';

/** Return the largest power of two that is at most size. */
export function powerOfTwoBelow(size: number): number {
  return 1 << (31 - Math.clz32(size));
}

/** Who takes part after folding p ranks to a power of two. */
export interface Fold {
  /** Survivors: a power of two. */
  readonly survivors: number;
  /** This rank's number among them, -1 for a rank that was folded into its partner. */
  readonly self: number;
  /** The other rank of this rank's pair, -1 without one. */
  readonly partner: number;
  /** Return the rank of a survivor. */
  rankOf(survivor: number): number;
}

/** Fold `size` ranks; the odd rank of a pair survives, unless the even one is `keep`. */
export function foldRanks(rank: number, size: number, keep: number): Fold {
  const survivors = powerOfTwoBelow(size);
  const pairs = size - survivors;
  const rankOf = (survivor: number): number =>
    survivor >= pairs ? survivor + pairs : 2 * survivor === keep ? keep : 2 * survivor + 1;
  if (rank >= 2 * pairs) return { survivors, self: rank - pairs, partner: -1, rankOf };
  const self = rank >> 1;
  return { survivors, self: rankOf(self) === rank ? self : -1, partner: rank ^ 1, rankOf };
}

/**
 * Leave the complete chunk `fold.self` of `fold.survivors` in `accumulator`, which holds this rank's contribution before
 * and whose other parts are scratch afterwards; chunk k begins at element start(k). A folded rank only gives.
 */
export function* reduceScatter(
  port: Port,
  fold: Fold,
  accumulator: TypedArray,
  op: Op,
  code: number,
  start: (chunk: number) => number,
): Schedule {
  const { survivors, self, partner } = fold;
  const count = accumulator.length;
  if (self < 0) {
    yield port.send(accumulator, partner);
    return;
  }
  // No part of a half is longer than the longer half.
  const middle = start(survivors >> 1);
  const spare = createArray(code, partner >= 0 ? count : Math.max(middle, count - middle));
  if (partner >= 0) {
    yield port.recv(spare, partner);
    reduceInto(op, code, spare, accumulator, count);
  }
  let first = 0;
  for (let mask = survivors >> 1; mask > 0; mask >>= 1) {
    const isLower = (self & mask) === 0;
    const middle = first + mask;
    const low = accumulator.subarray(start(first), start(middle));
    const high = accumulator.subarray(start(middle), start(middle + mask));
    const kept = isLower ? low : high;
    const incoming = spare.subarray(0, kept.length);
    const peer = fold.rankOf(self ^ mask);
    yield port.exchange(isLower ? high : low, peer, incoming, peer);
    reduceInto(op, code, incoming, kept, kept.length);
    if (!isLower) first = middle;
  }
}
