/**
 * Reduce-scatter as a binomial reduction to rank 0 and a scatter from there.
 *
 * Cost: ceil(log2 p) (α + n β + n γ) + (p - 1) α + n β, n the bytes of all blocks; 2 (p - 1) messages, p n bytes.
 * Needs: nothing.
 * Order: kept; the tree of the binomial reduction.
 * Wins when: ranks must be combined in order, or on whole arrays.
 * See: MPI 5.0, section 6.10: a reduce-scatter is a reduction followed by a scatter of parts.
 */

import { createArray } from '../../datatype/element-type.ts';
import type { ReduceScatterArguments } from '../arguments.ts';
import { reduceUp } from '../binomial-tree.ts';
import { blockStarts } from '../chunk.ts';
import type { Port, Schedule, Step } from '../schedule.ts';

/** Run a reduce-scatter. */
export function* reduceScatterv(port: Port, { input, output, counts, op, code }: ReduceScatterArguments): Schedule {
  const { rank, size } = port;
  const whole = rank === 0 ? createArray(code, input.length) : undefined;
  yield* reduceUp(port, input, whole, op, code, 0);
  if (whole === undefined) {
    yield port.recv(output, 0);
    return;
  }
  const starts = blockStarts(counts);
  let step: Step | undefined;
  for (let dest = 1; dest < size; dest++) step = port.send(whole.subarray(starts[dest]!, starts[dest + 1]!), dest);
  output.set(whole.subarray(0, counts[0]!) as never);
  if (step !== undefined) yield step;
}
