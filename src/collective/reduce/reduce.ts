/**
 * Reduce: everybody's data combined element by element, for the root.
 */

import type { ReduceArguments } from '../arguments.ts';
import { kindOf } from '../plan.ts';
import type { Policy } from '../policy.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Begin by the algorithm that selection chose. Standard: 6.9.1. */
export function reduce(port: Port, args: ReduceArguments, policy: Policy): Schedule {
  return policy.plansFor(port).reduce.begin(port, args, args.input.byteLength, kindOf(args.op));
}
