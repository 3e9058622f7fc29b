/**
 * Reduce-scatter by pairwise exchange.
 *
 * In step k each rank sends its part of the block of the rank k above and adds what it gets from the rank k below to its
 * own block.
 *
 * Cost: (p - 1) α + n β + n γ, n the bytes of all blocks; p (p - 1) messages, (p - 1) n bytes.
 * Needs: an operator that is commutative and works element by element.
 * Order: not kept; two ranks have only one.
 * Wins when: n is long: every byte moves once, and scratch is one block.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005), section 3.4.
 */

import { createArray } from '../../datatype/element-type.ts';
import type { ReduceScatterArguments } from '../arguments.ts';
import { blockStarts } from '../chunk.ts';
import { receiveReduced } from '../receive-reduced.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run a reduce-scatter. */
export function* pairwise(port: Port, { input, output, counts, op, code }: ReduceScatterArguments): Schedule {
  const { rank, size } = port;
  const starts = blockStarts(counts);
  const block = (of: number) => input.subarray(starts[of]!, starts[of + 1]!);
  const count = counts[rank]!;
  // Not in `output`, which may be the beginning of `input`.
  const result = createArray(code, count);
  const scratch = size > 2 ? createArray(code, count) : undefined;
  if (size === 1) result.set(input as never);
  for (let step = 1; step < size; step++) {
    const dest = (rank + step) % size;
    // The first combination brings the own block into the result.
    const isFirst = step === 1;
    receiveReduced(port, (rank + size - step) % size, block(rank), result, isFirst ? undefined : scratch, op, code);
    yield port.send(block(dest), dest);
  }
  output.set(result as never);
}
