/**
 * Bcast: the root's data, for everybody.
 */

import type { BcastArguments } from '../arguments.ts';
import { BUILT_IN } from '../plan.ts';
import type { Policy } from '../policy.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Begin by the algorithm that selection chose. Standard: 6.4. */
export function bcast(port: Port, args: BcastArguments, policy: Policy): Schedule {
  return policy.plansFor(port).bcast.begin(port, args, args.data.byteLength, BUILT_IN);
}
