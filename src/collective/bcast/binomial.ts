/**
 * Broadcast down a binomial tree.
 *
 * In each round every rank that has the data passes it to one that has not, so their number doubles.
 *
 * Cost: ceil(log2 p) (α + n β); p - 1 messages of n bytes.
 * Needs: nothing.
 * Order: no operator.
 * Wins when: n is small, where α counts, or p is at most 2.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005), section 3.3.
 */

import type { BcastArguments } from '../arguments.ts';
import { broadcastDown } from '../binomial-tree.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run a broadcast. */
export function binomial(port: Port, { data, root }: BcastArguments): Schedule {
  return broadcastDown(port, data, root);
}
