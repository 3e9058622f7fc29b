/**
 * All to all by pairwise exchange.
 *
 * In step k each rank exchanges blocks with the rank whose number differs by the bits of k (p a power of two), or sends to
 * the rank k above and receives from the rank k below.
 *
 * Cost: (p - 1) (α + n β), with one message under way at each rank; p (p - 1) messages of n bytes.
 * Needs: nothing; in place, a copy.
 * Order: no operator.
 * Wins when: n is long: no rank is overrun.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005), section 3.2.
 */

import type { AlltoallArguments } from '../arguments.ts';
import type { Port, Schedule } from '../schedule.ts';
import { copyOf } from '../scratch.ts';

/** Run an all-to-all. */
export function* pairwise(port: Port, { data, into, count }: AlltoallArguments): Schedule {
  const { rank, size } = port;
  const source = data ?? copyOf(into);
  const isPowerOfTwo = (size & (size - 1)) === 0;
  into.set(source.subarray(rank * count, (rank + 1) * count) as never, rank * count);
  for (let step = 1; step < size; step++) {
    const dest = isPowerOfTwo ? rank ^ step : (rank + step) % size;
    const from = isPowerOfTwo ? rank ^ step : (rank + size - step) % size;
    const out = source.subarray(dest * count, (dest + 1) * count);
    yield port.exchange(out, dest, into.subarray(from * count, (from + 1) * count), from);
  }
}
