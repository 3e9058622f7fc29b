/**
 * Gather where everybody sends to the root.
 *
 * Cost: (p - 1) (α + n β), at the root; p - 1 messages of n bytes.
 * Needs: nothing.
 * Order: no operator.
 * Wins when: ranks are few or n is long: every byte moves once.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005).
 */

import type { GatherArguments } from '../arguments.ts';
import type { Port, Schedule, Step } from '../schedule.ts';

/** Run a gather. */
export function* linear(port: Port, { data, into, count, root }: GatherArguments): Schedule {
  const { rank, size } = port;
  if (rank !== root) {
    yield port.send(data!, root);
    return;
  }
  let step: Step | undefined;
  for (let source = 0; source < size; source++) {
    if (source !== root) step = port.recv(into!.subarray(source * count, (source + 1) * count), source);
  }
  if (data !== undefined) into!.set(data as never, root * count);
  if (step !== undefined) yield step;
}
