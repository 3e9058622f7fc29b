/**
 * Scatter down a binomial tree.
 *
 * The root sends each subtree its blocks as one message; each rank keeps its own and passes the rest on. Positions and
 * subtrees are those of the gather; a subtree that goes round the end of the ranks needs a copy at the root.
 *
 * Cost: ceil(log2 p) α + (p - 1) n β at the root; p - 1 messages, at most ceil(log2 p) p n / 2 bytes.
 * Needs: nothing; scratch for the subtree.
 * Order: no operator.
 * Wins when: n is small and p is more than a few: the root sends log2 p messages, not p - 1.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005).
 */

import type { TypedArray } from '../../datatype/element-type.ts';
import type { ScatterArguments } from '../arguments.ts';
import { positionOf, rankAt } from '../binomial-tree.ts';
import type { Port, Schedule, Step } from '../schedule.ts';
import { createScratch } from '../scratch.ts';

/** Run a scatter. */
export function* binomial(port: Port, { data, into, count, root }: ScatterArguments): Schedule {
  const { size } = port;
  const position = positionOf(port.rank, root, size);
  if (position === 0) {
    yield* deal(port, data!, into, count, root);
    return;
  }
  const lowest = position & -position;
  const blocks = Math.min(lowest, size - position);
  const own = blocks === 1 ? into! : createScratch(into!, blocks * count);
  yield port.recv(own, rankAt(position - lowest, root, size));
  let step: Step | undefined;
  for (let mask = lowest >> 1; mask > 0; mask >>= 1) {
    if (mask >= blocks) continue;
    const part = own.subarray(mask * count, Math.min(2 * mask, blocks) * count);
    step = port.send(part, rankAt(position + mask, root, size));
  }
  if (own !== into) into!.set(own.subarray(0, count) as never);
  if (step !== undefined) yield step;
}

/** The root's part: send the subtrees of positions …, 4, 2, 1, the largest first. */
function* deal(port: Port, data: TypedArray, into: TypedArray | undefined, count: number, root: number): Schedule {
  const { size } = port;
  let mask = 1;
  while (mask < size) mask <<= 1;
  let step: Step | undefined;
  for (mask >>= 1; mask > 0; mask >>= 1) {
    const blocks = Math.min(mask, size - mask);
    const first = rankAt(mask, root, size);
    let part: TypedArray;
    if (first + blocks <= size) {
      part = data.subarray(first * count, (first + blocks) * count);
    } else {
      part = createScratch(data, blocks * count);
      part.set(data.subarray(first * count) as never);
      part.set(data.subarray(0, (first + blocks - size) * count) as never, (size - first) * count);
    }
    step = port.send(part, first);
  }
  if (into !== undefined) into.set(data.subarray(root * count, (root + 1) * count) as never);
  if (step !== undefined) yield step;
}
