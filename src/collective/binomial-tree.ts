/**
 * Binomial tree: the phases up and down the tree that several algorithms are made of.
 *
 * The idea: positions are ranks shifted so that `root` stands at 0. In round k a position whose lowest set bit is 2^k
 * talks to the position without that bit. Up the tree each position combines its children's results in order of
 * position, nearest first, so the order of operations is that of a tree over positions 0…p-1, whatever the timing; the
 * same tree as area-turn.ts reduces slots by.
 */

import { createArray, type TypedArray } from '../datatype/element-type.ts';
import { isBuiltIn, type Op } from '../datatype/operator.ts';
import { reduceInto } from '../datatype/reduce-kernels.ts';
import { receiveReduced } from './receive-reduced.ts';
import type { Port, Schedule } from './schedule.ts';

const NOTHING = new Uint8Array(0);

/** Return the rank that stands at a position of the tree. */
export function rankAt(position: number, root: number, size: number): number {
  const rank = position + root;
  return rank < size ? rank : rank - size;
}

/** Return the position of a rank in the tree. */
export function positionOf(rank: number, root: number, size: number): number {
  return rank < root ? rank - root + size : rank - root;
}

/** Tell position 0, rank 0, that all have come. */
export function* signalUp(port: Port): Schedule {
  const { rank, size } = port;
  let mask = 1;
  for (; mask < size && (rank & mask) === 0; mask <<= 1) {
    if (rank + mask < size) yield port.recv(NOTHING, rank + mask);
  }
  if (rank !== 0) yield port.send(NOTHING, rank - mask);
}

/** Send `data` of the root down the tree into `data` of everybody. */
export function* broadcastDown(port: Port, data: TypedArray, root: number): Schedule {
  const { size } = port;
  const position = positionOf(port.rank, root, size);
  let mask = 1;
  while (mask < size && (position & mask) === 0) mask <<= 1;
  if (position !== 0) yield port.recv(data, rankAt(position - mask, root, size));
  // Farthest child first: it has the largest subtree to serve. All sends may be under way at once.
  let step: ReturnType<Port['send']> | undefined;
  for (mask >>= 1; mask > 0; mask >>= 1) {
    if (position + mask < size) step = port.send(data, rankAt(position + mask, root, size));
  }
  if (step !== undefined) yield step;
}

/**
 * Combine everybody's `input` up the tree into `output` on the root; elsewhere `output` is scratch, made where it is
 * undefined and needed. `input` may be `output`.
 */
export function* reduceUp(
  port: Port,
  input: TypedArray,
  output: TypedArray | undefined,
  op: Op,
  code: number,
  root: number,
): Schedule {
  const { size } = port;
  const count = input.length;
  const position = positionOf(port.rank, root, size);
  // What this position's subtree has given so far; `input` itself until there is something to add to it.
  let result = input;
  let spare: TypedArray | undefined;
  let mask = 1;
  for (; mask < size && (position & mask) === 0; mask <<= 1) {
    if (position + mask >= size) continue;
    if (spare === undefined) {
      const isFree = output !== undefined && output !== input && output !== result;
      spare = isFree ? output : createArray(code, count);
    }
    const last = result;
    const next = spare;
    const child = rankAt(position + mask, root, size);
    // The child's positions are the higher ones: its data is `inout`, where the result then lies.
    if (isBuiltIn(op)) yield receiveReduced(port, child, last, next, undefined, op, code);
    else {
      yield port.recv(next, child);
      reduceInto(op, code, last, next, count);
    }
    result = next;
    // `input` is the user's unless it is to be overwritten anyway.
    spare = last === input && input !== output ? undefined : last;
  }
  if (position !== 0) yield port.send(result, rankAt(position - mask, root, size));
  else if (output !== undefined && result !== output) output.set(result as never);
}
