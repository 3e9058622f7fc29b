/**
 * Scatter of parts of different lengths, where the root sends to everybody.
 *
 * Cost: (p - 1) α + n β at the root, n the bytes of all others together; p - 1 messages.
 * Needs: nothing.
 * Order: no operator.
 * Wins when: always: only the root knows the lengths, so a tree could not be dealt out.
 * See: MPI 5.0, section 6.6.
 */

import type { ScattervArguments } from '../arguments.ts';
import type { Port, Schedule, Step } from '../schedule.ts';

/** Run a scatter of parts. */
export function* linear(port: Port, { data, into, counts, displs, root }: ScattervArguments): Schedule {
  const { rank, size } = port;
  if (rank !== root) {
    yield port.recv(into!, root);
    return;
  }
  let step: Step | undefined;
  for (let dest = 0; dest < size; dest++) {
    const first = displs![dest]!;
    const part = data!.subarray(first, first + counts![dest]!);
    if (dest !== root) step = port.send(part, dest);
    else if (into !== undefined) into.set(part as never);
  }
  if (step !== undefined) yield step;
}
