/**
 * Broadcast as a scatter followed by an allgather.
 *
 * The root's data is cut into p chunks that go down a binomial tree, each position keeping the chunk of its number;
 * then the chunks go round a ring until all have all. No rank sends the whole data more than about twice.
 *
 * Cost: (ceil(log2 p) + p - 1) α + 2 (p - 1)/p n β; at most (p - 1) (p + 1) messages, at most n ceil(log2 p) / 2 + (p - 1) n bytes.
 * Needs: nothing; chunks are multiples of 8 bytes, those behind the end of short data are empty.
 * Order: no operator.
 * Wins when: n is long and p more than a few: the root is no longer the bottleneck.
 * See: van de Geijn: Efficient global combine operations (1991); Thakur, Rabenseifner, Gropp (2005), section 3.3.
 */

import type { BcastArguments } from '../arguments.ts';
import { positionOf, rankAt } from '../binomial-tree.ts';
import { alignedShare } from '../chunk.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run a broadcast. */
export function* scatterAllgather(port: Port, { data, root }: BcastArguments): Schedule {
  const { rank, size } = port;
  const { length } = data;
  const share = alignedShare(data, size);
  const start = (chunk: number): number => Math.min(chunk * share, length);
  const position = positionOf(rank, root, size);

  // Scatter: the subtree of a position with lowest set bit `mask` holds positions up to position + mask.
  let mask = 1;
  while (mask < size && (position & mask) === 0) mask <<= 1;
  if (position !== 0) {
    const part = data.subarray(start(position), start(Math.min(position + mask, size)));
    if (part.length > 0) yield port.recv(part, rankAt(position - mask, root, size));
  }
  for (mask >>= 1; mask > 0; mask >>= 1) {
    const child = position + mask;
    if (child >= size) continue;
    const part = data.subarray(start(child), start(Math.min(child + mask, size)));
    if (part.length > 0) yield port.send(part, rankAt(child, root, size));
  }

  // Allgather on a ring of positions.
  const next = rankAt((position + 1) % size, root, size);
  const previous = rankAt((position + size - 1) % size, root, size);
  for (let step = 0; step < size - 1; step++) {
    const out = (position + size - step) % size;
    const back = (position + size - step - 1) % size;
    yield port.exchange(data.subarray(start(out), start(out + 1)), next, data.subarray(start(back), start(back + 1)), previous);
  }
}
