/**
 * How partial results of a parallelReduce become one: in the order of the chunks, by an operator of numbers.
 */

import { MpiError } from '../base/errors.ts';
import { F64 } from '../datatype/element-type.ts';
import { type ArithOp, checkOp, MAX, MIN, type Operator, PROD, SUM } from '../datatype/operator.ts';
import type { Combine } from './loop.ts';

/** Return what combines partial results. */
export function combineBy(op: ArithOp): Combine<number> {
  checkOp(op, F64, 2);
  if (op.kind !== 'number') {
    throw new MpiError(
      'ERR_MPI_OP',
      `parallelReduce got ${(op as ArithOp).name}: a kernel returns one number, expected SUM, PROD, MIN, MAX or one made by createOp`,
    );
  }
  const combine = pairwise(op);
  return (partials, chunks) => {
    let result = partials[0]!;
    for (let k = 1; k < chunks; k++) result = combine(result, partials[k]!);
    return result;
  };
}

/** Return the result of an empty range. */
export function neutralOf(op: ArithOp): number {
  switch (op) {
    case SUM:
      return 0;
    case PROD:
      return 1;
    case MIN:
      return Number.POSITIVE_INFINITY;
    case MAX:
      return Number.NEGATIVE_INFINITY;
    default:
      throw new MpiError(
        'ERR_MPI_OP',
        `parallelReduce by ${op.name} got an empty range: expected one with a value, since the operator has no neutral element`,
      );
  }
}

function pairwise(op: ArithOp): (lower: number, higher: number) => number {
  switch (op) {
    case SUM:
      return (lower, higher) => lower + higher;
    case PROD:
      return (lower, higher) => lower * higher;
    case MIN:
      return (lower, higher) => Math.min(lower, higher);
    case MAX:
      return (lower, higher) => Math.max(lower, higher);
    default: {
      const { fn } = op as Operator;
      const input = new Float64Array(1);
      const inout = new Float64Array(1);
      return (lower, higher) => {
        input[0] = lower;
        inout[0] = higher;
        fn!(input, inout);
        return inout[0]!;
      };
    }
  }
}
