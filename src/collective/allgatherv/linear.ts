/**
 * Allgather of blocks of different lengths, everything posted at once.
 *
 * Each rank sends its block to everybody and receives everybody's, and waits once.
 *
 * Cost: (p - 1) α + n β, n the bytes of all blocks together; p (p - 1) messages, (p - 1) n bytes.
 * Needs: nothing.
 * Order: no operator.
 * Wins when: ranks are few: one round.
 * See: MPI 5.0, section 6.7.
 */

import type { AllgathervArguments } from '../arguments.ts';
import type { Port, Schedule, Step } from '../schedule.ts';

/** Run an allgather of parts. */
export function* linear(port: Port, { data, into, counts, displs }: AllgathervArguments): Schedule {
  const { rank, size } = port;
  const part = (of: number) => into.subarray(displs[of]!, displs[of]! + counts[of]!);
  const mine = part(rank);
  if (data !== undefined) mine.set(data as never);
  let step: Step | undefined;
  for (let distance = 1; distance < size; distance++) {
    const peer = (rank + size - distance) % size;
    step = port.recv(part(peer), peer);
  }
  for (let distance = 1; distance < size; distance++) step = port.send(mine, (rank + distance) % size);
  if (step !== undefined) yield step;
}
