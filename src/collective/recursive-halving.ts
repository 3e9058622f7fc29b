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
import { receiveReduced } from './receive-reduced.ts';
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
 * Leave the complete chunk `fold.self` of `fold.survivors` in `accumulator`, whose other parts are scratch afterwards; chunk
 * k begins at element start(k). `input` is this rank's contribution; it may be `accumulator`. A folded rank only gives.
 */
export function* reduceScatter(
  port: Port,
  fold: Fold,
  input: TypedArray,
  accumulator: TypedArray,
  op: Op,
  code: number,
  start: (chunk: number) => number,
): Schedule {
  const { survivors, self, partner } = fold;
  const count = accumulator.length;
  if (self < 0) {
    yield port.send(input, partner);
    return;
  }
  // Where this rank's own data lies: the first combination leaves it in the accumulator.
  let own = input;
  let scratch: TypedArray | undefined;
  const scratchFor = (length: number): TypedArray | undefined => {
    if (own !== accumulator) return undefined;
    // No later step takes more than the first that needs scratch.
    scratch ??= createArray(code, length);
    return scratch;
  };
  if (partner >= 0) {
    yield receiveReduced(port, partner, own, accumulator, scratchFor(count), op, code);
    own = accumulator;
  }
  let first = 0;
  for (let mask = survivors >> 1; mask > 0; mask >>= 1) {
    const isLower = (self & mask) === 0;
    const middle = first + mask;
    const [begin, border, end] = [start(first), start(middle), start(middle + mask)];
    const [from, to] = isLower ? [begin, border] : [border, end];
    const peer = fold.rankOf(self ^ mask);
    const kept = accumulator.subarray(from, to);
    receiveReduced(port, peer, own.subarray(from, to), kept, scratchFor(Math.max(border - begin, end - border)), op, code);
    yield port.send(isLower ? own.subarray(border, end) : own.subarray(begin, border), peer);
    own = accumulator;
    if (!isLower) first = middle;
  }
  if (own !== accumulator) accumulator.set(own as never);
}
