/**
 * All to all with parts of different lengths, everything posted at once.
 *
 * Each rank posts all its receives and sends, beginning with its neighbour so that not all begin with the same rank, and
 * waits once. MPICH calls it scattered, others spread-out.
 *
 * Cost: (p - 1) α + n β, n the bytes a rank sends or receives; p (p - 1) messages.
 * Needs: nothing; in place, a copy.
 * Order: no operator.
 * Wins when: ranks are few, or lengths differ much: nobody waits for anybody in particular.
 * See: MPI 5.0, section 6.8.
 */

import type { AlltoallvArguments } from '../arguments.ts';
import type { Port, Schedule, Step } from '../schedule.ts';
import { copyOf } from '../scratch.ts';

/** Run an all-to-all of parts. */
export function* spread(port: Port, args: AlltoallvArguments): Schedule {
  const { into, counts, displs, sendCounts, sendDispls } = args;
  const { rank, size } = port;
  const source = args.data ?? copyOf(into);
  let step: Step | undefined;
  for (let distance = 1; distance < size; distance++) {
    const peer = (rank + size - distance) % size;
    step = port.recv(into.subarray(displs[peer]!, displs[peer]! + counts[peer]!), peer);
  }
  for (let distance = 1; distance < size; distance++) {
    const peer = (rank + distance) % size;
    step = port.send(source.subarray(sendDispls[peer]!, sendDispls[peer]! + sendCounts[peer]!), peer);
  }
  into.set(source.subarray(sendDispls[rank]!, sendDispls[rank]! + sendCounts[rank]!) as never, displs[rank]!);
  if (step !== undefined) yield step;
}
