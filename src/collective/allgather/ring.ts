/**
 * Allgather on a ring.
 *
 * In each step every rank passes the block it got last to the next rank.
 *
 * Cost: (p - 1) (α + n β); p (p - 1) messages, p (p - 1) n bytes.
 * Needs: nothing.
 * Order: no operator.
 * Wins when: n is long: neighbours only, and no block is copied.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005), section 3.1.
 */

import type { AllgatherArguments } from '../arguments.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run an allgather. */
export function* ring(port: Port, { data, into, count }: AllgatherArguments): Schedule {
  const { rank, size } = port;
  if (data !== undefined) into.set(data as never, rank * count);
  const next = (rank + 1) % size;
  const previous = (rank + size - 1) % size;
  for (let step = 0; step < size - 1; step++) {
    const out = ((rank + size - step) % size) * count;
    const back = ((rank + size - step - 1) % size) * count;
    yield port.exchange(into.subarray(out, out + count), next, into.subarray(back, back + count), previous);
  }
}
