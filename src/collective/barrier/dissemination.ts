/**
 * Barrier by dissemination.
 *
 * In round k each rank tells the rank 2^k above it and hears from the rank 2^k below it (modulo p); after the last round
 * each has heard, directly or not, from all.
 *
 * Cost: ceil(log2 p) α; p ceil(log2 p) messages of 0 bytes.
 * Needs: nothing.
 * Order: no data.
 * Wins when: ranks have no memory in common; fewest rounds of all.
 * See: Hensgen, Finkel, Manber: Two algorithms for barrier synchronization (1988).
 */

import type { BarrierArguments } from '../arguments.ts';
import type { Port, Schedule } from '../schedule.ts';

const NOTHING = new Uint8Array(0);

/** Run a barrier. */
export function* dissemination(port: Port, _: BarrierArguments): Schedule {
  const { rank, size } = port;
  for (let distance = 1; distance < size; distance <<= 1) {
    yield port.exchange(NOTHING, (rank + distance) % size, NOTHING, (rank + size - distance) % size);
  }
}
