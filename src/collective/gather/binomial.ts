/**
 * Gather up a binomial tree.
 *
 * Each rank collects the blocks of its subtree, which are neighbours in the order of positions (binomial-tree.ts), and
 * passes them on as one message. At the root blocks land where they belong, but for a subtree that goes round the end of
 * the ranks, which needs a copy.
 *
 * Cost: ceil(log2 p) α + (p - 1) n β at the root; p - 1 messages, at most ceil(log2 p) p n / 2 bytes.
 * Needs: nothing; scratch for the subtree.
 * Order: no operator.
 * Wins when: n is small and p is more than a few: the root receives log2 p messages, not p - 1.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005).
 */

import type { TypedArray } from '../../datatype/element-type.ts';
import type { GatherArguments } from '../arguments.ts';
import { positionOf, rankAt } from '../binomial-tree.ts';
import type { Port, Schedule, Step } from '../schedule.ts';
import { createScratch } from '../scratch.ts';

/** Run a gather. */
export function* binomial(port: Port, { data, into, count, root }: GatherArguments): Schedule {
  const { size } = port;
  const position = positionOf(port.rank, root, size);
  if (position === 0) {
    yield* collect(port, into!, data, count, root);
    return;
  }
  // Positions of the subtree: up to the next multiple of the lowest set bit.
  const lowest = position & -position;
  const blocks = Math.min(lowest, size - position);
  const own = blocks === 1 ? data! : createScratch(data!, blocks * count);
  let step: Step | undefined;
  for (let mask = 1; mask < blocks; mask <<= 1) {
    const part = own.subarray(mask * count, Math.min(2 * mask, blocks) * count);
    step = port.recv(part, rankAt(position + mask, root, size));
  }
  if (own !== data) own.set(data as never);
  if (step !== undefined) yield step;
  yield port.send(own, rankAt(position - lowest, root, size));
}

/** The root's part: receive the subtrees of positions 1, 2, 4, … */
function* collect(port: Port, into: TypedArray, data: TypedArray | undefined, count: number, root: number): Schedule {
  const { size } = port;
  let wrapped: TypedArray | undefined;
  let wrappedRank = 0;
  let step: Step | undefined;
  for (let mask = 1; mask < size; mask <<= 1) {
    const blocks = Math.min(mask, size - mask);
    const first = rankAt(mask, root, size);
    if (first + blocks <= size) {
      step = port.recv(into.subarray(first * count, (first + blocks) * count), first);
    } else {
      // At most one subtree goes round the end.
      wrapped = createScratch(into, blocks * count);
      wrappedRank = first;
      step = port.recv(wrapped, first);
    }
  }
  if (data !== undefined) into.set(data as never, root * count);
  if (step !== undefined) yield step;
  if (wrapped !== undefined) {
    const split = (size - wrappedRank) * count;
    into.set(wrapped.subarray(0, split) as never, wrappedRank * count);
    into.set(wrapped.subarray(split) as never, 0);
  }
}
