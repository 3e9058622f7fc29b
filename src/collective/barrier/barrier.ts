/**
 * Barrier: nobody leaves before all have come.
 */

import type { BarrierArguments } from '../arguments.ts';
import { BUILT_IN } from '../plan.ts';
import type { Policy } from '../policy.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Begin by the algorithm that selection chose. Standard: 6.3. */
export function barrier(port: Port, args: BarrierArguments, policy: Policy): Schedule {
  return policy.plansFor(port).barrier.begin(port, args, 0, BUILT_IN);
}
