/**
 * Scatter where the root sends to everybody.
 *
 * Cost: (p - 1) (α + n β), at the root; p - 1 messages of n bytes.
 * Needs: nothing.
 * Order: no operator.
 * Wins when: ranks are few or n is long: every byte moves once.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005).
 */

import type { ScatterArguments } from '../arguments.ts';
import type { Port, Schedule, Step } from '../schedule.ts';

/** Run a scatter. */
export function* linear(port: Port, { data, into, count, root }: ScatterArguments): Schedule {
  const { rank, size } = port;
  if (rank !== root) {
    yield port.recv(into!, root);
    return;
  }
  const block = (dest: number) => data!.subarray(dest * count, (dest + 1) * count);
  let step: Step | undefined;
  for (let dest = 0; dest < size; dest++) if (dest !== root) step = port.send(block(dest), dest);
  if (into !== undefined) into.set(block(root) as never);
  if (step !== undefined) yield step;
}
