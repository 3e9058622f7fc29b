/**
 * Gather of blocks of different lengths, where everybody sends to the root.
 *
 * Cost: (p - 1) α + n β at the root, n the bytes of all others together; p - 1 messages.
 * Needs: nothing.
 * Order: no operator.
 * Wins when: always: only the root knows the lengths, so a tree could not be dealt out.
 * See: MPI 5.0, section 6.5.
 */

import type { GathervArguments } from '../arguments.ts';
import type { Port, Schedule, Step } from '../schedule.ts';

/** Run a gather of parts. */
export function* linear(port: Port, { data, into, counts, displs, root }: GathervArguments): Schedule {
  const { rank, size } = port;
  if (rank !== root) {
    yield port.send(data!, root);
    return;
  }
  let step: Step | undefined;
  for (let source = 0; source < size; source++) {
    const first = displs![source]!;
    if (source !== root) step = port.recv(into!.subarray(first, first + counts![source]!), source);
    else if (data !== undefined) into!.set(data as never, first);
  }
  if (step !== undefined) yield step;
}
