import { describe, test } from 'vitest';
import type { AllreduceArguments, ReduceArguments } from '../../../src/collective/arguments.ts';
import { type OperationName, RESTRICTIONS, type Restriction } from '../../../src/collective/restrictions.ts';
import { createArray, F32, F64, I32, type TypedArray, U8, U64 } from '../../../src/datatype/element-type.ts';
import { BXOR, MAX, MAXLOC, type Op, SUM } from '../../../src/datatype/operator.ts';
import { algorithmsOf, isShared, rootsOf, runOnce, SIZES } from './check.ts';
import { contribution, expectSame, MATRIX_PRODUCT, reduceAll, wholeSum } from './model.ts';

const COUNTS = [0, 1, 2, 7, 34];
const LONG = 1001;

interface Case {
  readonly op: Op;
  readonly code: number;
  readonly count: number;
}

/** Operators, types and counts that an algorithm takes. */
function casesOf(operation: OperationName, name: string): Case[] {
  const { needsBuiltIn }: Restriction = (RESTRICTIONS[operation] as Record<string, Restriction>)[name]!;
  const counts = isShared(name) ? COUNTS : [...COUNTS, LONG];
  const cases: Case[] = counts.flatMap((count) => [
    { op: SUM, code: F64, count },
    { op: BXOR, code: U8, count },
    { op: MAX, code: U64, count },
    { op: SUM, code: F32, count },
    { op: MAXLOC, code: I32, count: count & ~1 },
  ]);
  if (needsBuiltIn) return cases;
  for (const count of counts) {
    cases.push({ op: wholeSum(count), code: F64, count });
    cases.push({ op: MATRIX_PRODUCT, code: I32, count: count & ~1 });
  }
  return cases;
}

function inputsOf({ code, count }: Case, size: number): TypedArray[] {
  return Array.from({ length: size }, (_, rank) => contribution(code, rank, count));
}

describe.each(algorithmsOf('reduce'))('reduce %s', (name) => {
  test.each(SIZES)('%i ranks, every root, operator and type', (size) => {
    let seed = size;
    for (const each of casesOf('reduce', name)) {
      const { op, code, count } = each;
      const expected = reduceAll(op, inputsOf(each, size));
      for (const root of rootsOf(size)) {
        for (const isInPlace of [false, true]) {
          const inputs = inputsOf(each, size);
          const output = isInPlace ? inputs[root]! : createArray(code, count);
          const args = (rank: number): ReduceArguments => ({
            input: inputs[rank]!,
            output: rank === root ? output : undefined,
            op,
            code,
            root,
          });
          runOnce('reduce', name, size, output.byteLength, args, seed++);
          expectSame([output], [expected], `${op.name} of ${count} at ${root}`);
          const read = inputs.filter((_, rank) => !isInPlace || rank !== root);
          const before = inputsOf(each, size).filter((_, rank) => !isInPlace || rank !== root);
          expectSame(read, before, 'what was read');
        }
      }
    }
  });
});

describe.each(algorithmsOf('allreduce'))('allreduce %s', (name) => {
  test.each(SIZES)('%i ranks, every operator and type', (size) => {
    let seed = size;
    for (const each of casesOf('allreduce', name)) {
      const { op, code, count } = each;
      const expected = reduceAll(op, inputsOf(each, size));
      for (const isInPlace of [false, true]) {
        const inputs = inputsOf(each, size);
        const outputs = isInPlace ? inputs : inputs.map(() => createArray(code, count));
        const args = (rank: number): AllreduceArguments => ({ input: inputs[rank]!, output: outputs[rank]!, op, code });
        runOnce('allreduce', name, size, expected.byteLength, args, seed++);
        expectSame(
          outputs,
          inputs.map(() => expected),
          `${op.name} of ${count}`,
        );
        if (!isInPlace) expectSame(inputs, inputsOf(each, size), 'what was read');
      }
    }
  });
});
