/**
 * Allreduce as a binomial reduction to rank 0 followed by a binomial broadcast.
 *
 * Cost: 2 ceil(log2 p) (α + n β) + ceil(log2 p) n γ; 2 (p - 1) messages of n bytes.
 * Needs: nothing.
 * Order: kept; one tree over ranks 0…p-1, independent of timing and placement.
 * Wins when: the result must not depend on placement, or messages are dearer than rounds (many more ranks than cores).
 * See: Thakur, Rabenseifner, Gropp (2005), section 3.5.
 */

import type { AllreduceArguments } from '../arguments.ts';
import { broadcastDown, reduceUp } from '../binomial-tree.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run an allreduce. */
export function* reduceBcast(port: Port, { input, output, op, code }: AllreduceArguments): Schedule {
  // Off rank 0 output is scratch on the way up; in place it must not be: reduceUp never writes its input.
  yield* reduceUp(port, input, output, op, code, 0);
  yield* broadcastDown(port, output, 0);
}
