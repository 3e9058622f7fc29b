/**
 * Allreduce on a ring: reduce-scatter, then allgather.
 *
 * The array is cut into p chunks. For p - 1 steps each rank sends the chunk it has just added to to the next rank and adds
 * what it gets from the previous; then each holds one complete chunk, which goes round once more.
 *
 * Cost: 2 (p - 1) α + 2 (p - 1)/p n β + (p - 1)/p n γ; 2 p (p - 1) messages, 2 (p - 1) n bytes.
 * Needs: an operator that is commutative and works element by element.
 * Order: not kept; two ranks have only one.
 * Wins when: n is long, whatever p; neighbours only.
 * See: Patarasuk, Yuan: Bandwidth optimal all-reduce algorithms for clusters of workstations (2009).
 */

import { createArray, type TypedArray } from '../../datatype/element-type.ts';
import { unitOf } from '../../datatype/operator.ts';
import type { AllreduceArguments } from '../arguments.ts';
import { chunkStart } from '../chunk.ts';
import { receiveReduced } from '../receive-reduced.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run an allreduce. */
export function* ring(port: Port, { input, output, op, code }: AllreduceArguments): Schedule {
  const { rank, size } = port;
  const count = input.length;
  const unit = unitOf(op);
  if (size === 1 && output !== input) output.set(input as never);
  const chunk = (array: TypedArray, index: number) => {
    const which = (index + 2 * size) % size;
    return array.subarray(chunkStart(count, size, which, unit), chunkStart(count, size, which + 1, unit));
  };
  const next = (rank + 1) % size;
  const previous = (rank + size - 1) % size;
  // Chunk 0 is never shorter than another.
  const scratch = output === input ? createArray(code, chunkStart(count, size, 1, unit)) : undefined;
  for (let step = 0; step < size - 1; step++) {
    const index = rank - step - 1;
    receiveReduced(port, previous, chunk(input, index), chunk(output, index), scratch, op, code);
    yield port.send(chunk(step === 0 ? input : output, rank - step), next);
  }
  for (let step = 0; step < size - 1; step++) {
    yield port.exchange(chunk(output, rank + 1 - step), next, chunk(output, rank - step), previous);
  }
}
