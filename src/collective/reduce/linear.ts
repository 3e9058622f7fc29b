/**
 * Reduction on the root, rank after rank.
 *
 * Everybody sends to the root, which combines from the left: ((x0 ∘ x1) ∘ x2) ∘ …
 *
 * Cost: (p - 1) (α + n β + n γ), all at the root; p - 1 messages of n bytes.
 * Needs: nothing.
 * Order: kept, strictly from the left.
 * Wins when: the bracketing must be that of a loop over ranks; by force only.
 * See: MPI 5.0, section 6.9.1, the canonical order of evaluation.
 */

import { createArray } from '../../datatype/element-type.ts';
import { reduceInto } from '../../datatype/reduce-kernels.ts';
import type { ReduceArguments } from '../arguments.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run a reduction. */
export function* linear(port: Port, { input, output, op, code, root }: ReduceArguments): Schedule {
  const { rank, size } = port;
  const count = input.length;
  if (rank !== root) {
    yield port.send(input, root);
    return;
  }
  if (output === undefined) return;
  let result = createArray(code, count);
  let spare = output === input ? createArray(code, count) : output;
  for (let source = 0; source < size; source++) {
    if (source === root) spare.set(input as never);
    else yield port.recv(spare, source);
    // The contribution is `inout`, the lower ranks' result `input`: the new result lies in spare.
    if (source > 0) reduceInto(op, code, result, spare, count);
    [result, spare] = [spare, result];
  }
  if (result !== output) output.set(result as never);
}
