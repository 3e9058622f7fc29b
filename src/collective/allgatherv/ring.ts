/**
 * Allgather of blocks of different lengths on a ring.
 *
 * In each step every rank passes the block it got last to the next rank.
 *
 * Cost: (p - 1) α + n β, n the bytes of all blocks together, at most (p - 1) times the longest; p (p - 1) messages,
 * (p - 1) n bytes.
 * Needs: nothing.
 * Order: no operator.
 * Wins when: ranks are many: neighbours only, no block is copied.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005), section 3.1.
 */

import type { AllgathervArguments } from '../arguments.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run an allgather of parts. */
export function* ring(port: Port, { data, into, counts, displs }: AllgathervArguments): Schedule {
  const { rank, size } = port;
  const part = (of: number) => into.subarray(displs[of]!, displs[of]! + counts[of]!);
  if (data !== undefined) part(rank).set(data as never);
  const next = (rank + 1) % size;
  const previous = (rank + size - 1) % size;
  for (let step = 0; step < size - 1; step++) {
    yield port.exchange(part((rank + size - step) % size), next, part((rank + size - step - 1) % size), previous);
  }
}
