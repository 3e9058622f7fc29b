/**
 * Reduction up a binomial tree.
 *
 * Each rank combines what its children give it and passes the result to its parent. With a commutative operator the tree
 * has its root at the root; otherwise it has it at rank 0, so that ranks are combined in order, and rank 0 passes the
 * result on.
 *
 * Cost: ceil(log2 p) (α + n β + n γ), and α + n β more for a root other than 0 when not commutative; p - 1 messages (p) of n bytes.
 * Needs: nothing.
 * Order: kept; one tree over ranks, independent of timing.
 * Wins when: n is small, or the operator must not be given parts.
 * See: Thakur, Rabenseifner, Gropp (2005), section 3.4.
 */

import { createArray } from '../../datatype/element-type.ts';
import type { ReduceArguments } from '../arguments.ts';
import { reduceUp } from '../binomial-tree.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run a reduction. */
export function* binomial(port: Port, { input, output, op, code, root }: ReduceArguments): Schedule {
  const { rank } = port;
  if (op.isCommutative || root === 0) {
    yield* reduceUp(port, input, rank === root ? output : undefined, op, code, root);
    return;
  }
  const result = rank === 0 ? createArray(code, input.length) : undefined;
  yield* reduceUp(port, input, result, op, code, 0);
  if (result !== undefined) yield port.send(result, root);
  if (rank === root && output !== undefined) yield port.recv(output, 0);
}
