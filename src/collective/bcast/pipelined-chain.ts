/**
 * Broadcast along a chain, in pieces.
 *
 * Each rank passes piece k to the next while it receives piece k + 1 from the one before: once the chain is full, all
 * its links work at once.
 *
 * Cost: (p - 2 + k) (α + n/k β) for k pieces; (p - 1) k messages, (p - 1) n bytes.
 * Needs: nothing.
 * Order: no operator.
 * Wins when: n is so long that k is much larger than p.
 * See: Träff, Ripke: Optimal broadcast for fully connected processor-node networks (2008), linear pipeline.
 */

import type { BcastArguments } from '../arguments.ts';
import { positionOf, rankAt } from '../binomial-tree.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Long enough that α is small beside it, short enough to stay in a core's cache between receiving and sending. */
export const PIECE_BYTES = 131072;

/** Run a broadcast. */
export function* pipelinedChain(port: Port, { data, root }: BcastArguments): Schedule {
  const { rank, size } = port;
  const position = positionOf(rank, root, size);
  const step = PIECE_BYTES / data.BYTES_PER_ELEMENT;
  const pieces = Math.ceil(data.length / step);
  const piece = (index: number) => data.subarray(index * step, Math.min((index + 1) * step, data.length));
  const hasPrevious = position > 0;
  const hasNext = position < size - 1;
  const previous = hasPrevious ? rankAt(position - 1, root, size) : rank;
  const next = hasNext ? rankAt(position + 1, root, size) : rank;

  if (hasPrevious && pieces > 0) yield port.recv(piece(0), previous);
  for (let index = 0; index < pieces; index++) {
    const hasMore = hasPrevious && index + 1 < pieces;
    if (hasMore && hasNext) yield port.exchange(piece(index), next, piece(index + 1), previous);
    else if (hasMore) yield port.recv(piece(index + 1), previous);
    else if (hasNext) yield port.send(piece(index), next);
  }
}
