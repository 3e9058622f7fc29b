/**
 * All to all, everything posted at once.
 *
 * Each rank posts all its receives and sends, beginning with its neighbour so that not all begin with the same rank, and
 * waits once. MPICH calls it scattered, others spread-out.
 *
 * Cost: (p - 1) (α + n β), with p - 1 messages under way at each rank; p (p - 1) messages of n bytes.
 * Needs: nothing; in place, a copy.
 * Order: no operator.
 * Wins when: ranks are few, or n middling: nobody waits for anybody in particular.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005), section 3.2.
 */

import type { AlltoallArguments } from '../arguments.ts';
import type { Port, Schedule, Step } from '../schedule.ts';
import { copyOf } from '../scratch.ts';

/** Run an all-to-all. */
export function* spread(port: Port, { data, into, count }: AlltoallArguments): Schedule {
  const { rank, size } = port;
  const source = data ?? copyOf(into);
  let step: Step | undefined;
  for (let distance = 1; distance < size; distance++) {
    const peer = (rank + size - distance) % size;
    step = port.recv(into.subarray(peer * count, (peer + 1) * count), peer);
  }
  for (let distance = 1; distance < size; distance++) {
    const peer = (rank + distance) % size;
    step = port.send(source.subarray(peer * count, (peer + 1) * count), peer);
  }
  into.set(source.subarray(rank * count, (rank + 1) * count) as never, rank * count);
  if (step !== undefined) yield step;
}
