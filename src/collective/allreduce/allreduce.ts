/**
 * Allreduce: everybody's data combined element by element, for everybody.
 */

import type { AllreduceArguments } from '../arguments.ts';
import { kindOf } from '../plan.ts';
import type { Policy } from '../policy.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Begin by the algorithm that selection chose. Standard: 6.9.6. */
export function allreduce(port: Port, args: AllreduceArguments, policy: Policy): Schedule {
  return policy.plansFor(port).allreduce.begin(port, args, args.input.byteLength, kindOf(args.op));
}
