/**
 * All to all by Bruck.
 *
 * Blocks are kept by how far they have to go. In round k those whose distance has bit k travel 2^k ranks up, packed into
 * one message; after the last round each is where it belongs.
 *
 * Cost: ceil(log2 p) (α + p/2 n β), and three copies of p n bytes; p ceil(log2 p) messages, at most
 * p ceil(log2 p) ceil(p/2) n bytes.
 * Needs: nothing; scratch for 2 p blocks.
 * Order: no operator.
 * Wins when: n is tiny and p more than a few: few messages, each byte moved log2 p / 2 times.
 * See: Bruck, Ho, Kipnis, Upfal, Weathersby: Efficient algorithms for all-to-all communications (1997).
 */

import type { TypedArray } from '../../datatype/element-type.ts';
import type { AlltoallArguments } from '../arguments.ts';
import type { Port, Schedule } from '../schedule.ts';
import { createScratch } from '../scratch.ts';

/** Run an all-to-all. */
export function* bruck(port: Port, { data, into, count }: AlltoallArguments): Schedule {
  const { rank, size } = port;
  const source = data ?? into;
  const block = (array: TypedArray, index: number) => array.subarray(index * count, (index + 1) * count);
  // Block d has d ranks to go.
  const blocks = createScratch(into, size * count);
  const split = (size - rank) * count;
  blocks.set(source.subarray(rank * count) as never);
  blocks.set(source.subarray(0, rank * count) as never, split);

  const most = (size + 1) >> 1;
  const outgoing = createScratch(into, most * count);
  const incoming = createScratch(into, most * count);
  for (let mask = 1; mask < size; mask <<= 1) {
    let packed = 0;
    for (let d = mask; d < size; d++) if ((d & mask) !== 0) outgoing.set(block(blocks, d) as never, packed++ * count);
    const length = packed * count;
    const below = (rank + size - mask) % size;
    yield port.exchange(outgoing.subarray(0, length), (rank + mask) % size, incoming.subarray(0, length), below);
    let taken = 0;
    for (let d = mask; d < size; d++) if ((d & mask) !== 0) blocks.set(block(incoming, taken++) as never, d * count);
  }
  // What came d ranks far is from the rank d below.
  for (let d = 0; d < size; d++) into.set(block(blocks, d) as never, ((rank + size - d) % size) * count);
}
