/** Naive models of the collectives: what each rank must hold afterwards, by loops over all ranks' data. */

import { expect } from 'vitest';
import { bytesOf, createArray, elementCode, type TypedArray } from '../../../src/datatype/element-type.ts';
import { createOp, type Op } from '../../../src/datatype/operator.ts';
import { reduceInto } from '../../../src/datatype/reduce-kernels.ts';

/** Return an array of small integers that differ by rank and place: sums of them are exact in every type. */
export function contribution(code: number, rank: number, count: number): TypedArray {
  const array = createArray(code, count);
  const isBig = array instanceof BigInt64Array || array instanceof BigUint64Array;
  for (let i = 0; i < count; i++) {
    const value = ((rank * 7 + i * 3 + ((rank * i) % 5)) % 7) + 1;
    array[i] = (isBig ? BigInt(value) : value) as never;
  }
  return array;
}

/** Expect arrays of one type to hold the same bytes; toEqual, which is slow, only to say where they differ. */
export function expectSame(actual: readonly TypedArray[], expected: readonly TypedArray[], label: string): void {
  const isSame = (array: TypedArray, index: number): boolean => Buffer.compare(bytesOf(array), bytesOf(expected[index]!)) === 0;
  if (actual.length !== expected.length || !actual.every(isSame)) expect(actual, label).toEqual(expected);
}

/** Reduce from the left, rank after rank. */
export function reduceAll(op: Op, inputs: readonly TypedArray[]): TypedArray {
  let result = inputs[0]!.slice();
  for (const input of inputs.slice(1)) {
    const next = input.slice();
    reduceInto(op, elementCode(next), result, next, next.length);
    result = next;
  }
  return result;
}

/**
 * An operator that is associative and not commutative: pairs (a, b) stand for the matrix [[a, b], [0, 1]], modulo 97; a
 * last element without a partner is the higher rank's, so ∘ takes the right one.
 */
export const MATRIX_PRODUCT: Op = createOp(function matrixProduct(input, inout) {
  for (let i = 0; i + 1 < inout.length; i += 2) {
    const [a, b] = [Number(input[i]), Number(input[i + 1])];
    const [c, d] = [Number(inout[i]), Number(inout[i + 1])];
    inout[i] = ((a * c) % 97) as never;
    inout[i + 1] = ((a * d + b) % 97) as never;
  }
});

/** A commutative operator of the user that must see whole arrays: it adds, and checks what it is given. */
export function wholeSum(count: number): Op {
  return createOp(
    function wholeSum(input, inout) {
      if (input.length !== count || inout.length !== count)
        throw new Error(`${input.length} and ${inout.length} elements of ${count}`);
      for (let i = 0; i < inout.length; i++) inout[i] = ((input[i] as number) + (inout[i] as number)) as never;
    },
    { commutative: true },
  );
}
