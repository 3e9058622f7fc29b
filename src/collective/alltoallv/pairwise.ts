/**
 * All to all with parts of different lengths, by pairwise exchange.
 *
 * In step k each rank sends to the rank k above and receives from the rank k below.
 *
 * Cost: (p - 1) α + n β, n the bytes a rank sends or receives, when all parts of a step are alike; p (p - 1) messages.
 * Needs: nothing; in place, a copy.
 * Order: no operator.
 * Wins when: ranks are many: no rank is overrun.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005), section 3.2.
 */

import type { AlltoallvArguments } from '../arguments.ts';
import type { Port, Schedule } from '../schedule.ts';
import { copyOf } from '../scratch.ts';

/** Run an all-to-all of parts. */
export function* pairwise(port: Port, args: AlltoallvArguments): Schedule {
  const { into, counts, displs, sendCounts, sendDispls } = args;
  const { rank, size } = port;
  const source = args.data ?? copyOf(into);
  into.set(source.subarray(sendDispls[rank]!, sendDispls[rank]! + sendCounts[rank]!) as never, displs[rank]!);
  for (let step = 1; step < size; step++) {
    const dest = (rank + step) % size;
    const from = (rank + size - step) % size;
    const out = source.subarray(sendDispls[dest]!, sendDispls[dest]! + sendCounts[dest]!);
    yield port.exchange(out, dest, into.subarray(displs[from]!, displs[from]! + counts[from]!), from);
  }
}
