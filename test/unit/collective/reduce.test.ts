import { describe, test } from 'vitest';
import type { AllreduceArguments, ReduceArguments } from '../../../src/collective/arguments.ts';
import { createArray } from '../../../src/datatype/element-type.ts';
import { algorithmsOf, rootsOf, runOnce, SIZES } from './check.ts';
import { expectSame, reduceAll } from './model.ts';
import { casesOf, inputsOf } from './reduction-cases.ts';

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
