/**
 * Allgather by recursive doubling.
 *
 * In round k each rank exchanges the 2^k blocks it has with the rank whose number differs in bit k.
 *
 * Cost: log2 p α + (p - 1) n β; p log2 p messages, p (p - 1) n bytes.
 * Needs: p a power of two.
 * Order: no operator.
 * Wins when: n is small or middling and p a power of two: fewest rounds, and no block is copied.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005), section 3.1.
 */

import type { AllgatherArguments } from '../arguments.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run an allgather. */
export function* recursiveDoubling(port: Port, { data, into, count }: AllgatherArguments): Schedule {
  const { rank, size } = port;
  if (data !== undefined) into.set(data as never, rank * count);
  for (let mask = 1; mask < size; mask <<= 1) {
    const peer = rank ^ mask;
    const mine = (rank & -mask) * count;
    const theirs = (peer & -mask) * count;
    yield port.exchange(into.subarray(mine, mine + mask * count), peer, into.subarray(theirs, theirs + mask * count), peer);
  }
}
