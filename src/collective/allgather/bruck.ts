/**
 * Allgather by Bruck.
 *
 * Each rank keeps blocks in the order of ranks from its own on. In round k it gets 2^k more (in the last round what is
 * left) from the rank 2^k above it, and gives as many to the rank 2^k below; at the end blocks are turned into place.
 *
 * Cost: ceil(log2 p) α + (p - 1) n β, and a copy of p n bytes; p ceil(log2 p) messages, p (p - 1) n bytes.
 * Needs: nothing; scratch for p blocks.
 * Order: no operator.
 * Wins when: n is small and p no power of two.
 * See: Bruck, Ho, Kipnis, Upfal, Weathersby: Efficient algorithms for all-to-all communications (1997).
 */

import type { AllgatherArguments } from '../arguments.ts';
import type { Port, Schedule } from '../schedule.ts';
import { createScratch } from '../scratch.ts';

/** Run an allgather. */
export function* bruck(port: Port, { data, into, count }: AllgatherArguments): Schedule {
  const { rank, size } = port;
  const blocks = createScratch(into, size * count);
  blocks.set((data ?? into.subarray(rank * count, (rank + 1) * count)) as never);
  for (let have = 1; have < size; have <<= 1) {
    const more = Math.min(have, size - have);
    const incoming = blocks.subarray(have * count, (have + more) * count);
    yield port.exchange(blocks.subarray(0, more * count), (rank + size - have) % size, incoming, (rank + have) % size);
  }
  const split = (size - rank) * count;
  into.set(blocks.subarray(0, split) as never, rank * count);
  into.set(blocks.subarray(split) as never, 0);
}
