import { describe, test } from 'vitest';
import type { ReduceScatterArguments, ScanArguments } from '../../../src/collective/arguments.ts';
import { blockStarts } from '../../../src/collective/chunk.ts';
import { createArray } from '../../../src/datatype/element-type.ts';
import { unitOf } from '../../../src/datatype/operator.ts';
import { algorithmsOf, runOnce, SIZES } from './check.ts';
import { expectSame, reduceAll } from './model.ts';
import { casesOf, inputsOf } from './reduction-cases.ts';

describe.each([
  ['scan', 0],
  ['exscan', 1],
] as const)('%s', (operation, skipped) => {
  describe.each(algorithmsOf(operation))('%s', (name) => {
    test.each(SIZES)('%i ranks, every operator and type', (size) => {
      let seed = size;
      for (const each of casesOf(operation, name)) {
        const { op, code, count } = each;
        const all = inputsOf(each, size);
        for (const isInPlace of [false, true]) {
          const inputs = inputsOf(each, size);
          const outputs = isInPlace ? inputs : inputs.map(() => createArray(code, count));
          // An exclusive scan leaves rank 0's result as it was.
          const expected = all.map((_, rank) =>
            rank < skipped ? outputs[rank]!.slice() : reduceAll(op, all.slice(0, rank + 1 - skipped)),
          );
          const args = (rank: number): ScanArguments => ({ input: inputs[rank]!, output: outputs[rank]!, op, code });
          runOnce(operation, name, size, inputs[0]!.byteLength, args, seed++);
          expectSame(outputs, expected, `${op.name} of ${count}`);
          if (!isInPlace) expectSame(inputs, all, 'what was read');
        }
      }
    });
  });
});

describe.each(algorithmsOf('reduceScatter'))('reduceScatter %s', (name) => {
  test.each(SIZES)('%i ranks, blocks alike, uneven and empty, every operator and type', (size) => {
    let seed = size;
    for (const each of casesOf('reduceScatter', name)) {
      const { op, code } = each;
      const unit = unitOf(op);
      const ways = [
        (_: number) => Math.floor(each.count / size / unit) * unit,
        (rank: number) => (rank === size - 1 ? each.count : 0),
        (rank: number) => ((rank * 5) % 4) * unit,
      ];
      for (const way of ways) {
        const counts = Array.from({ length: size }, (_, rank) => way(rank));
        const starts = blockStarts(counts);
        const count = starts[size]!;
        if (op.name === 'wholeSum' && count !== each.count) continue;
        const all = inputsOf({ ...each, count }, size);
        const whole = reduceAll(op, all);
        for (const isInPlace of [false, true]) {
          const inputs = inputsOf({ ...each, count }, size);
          const outputs = inputs.map((input, rank) =>
            isInPlace ? input.subarray(0, counts[rank]) : createArray(code, counts[rank]!),
          );
          const args = (rank: number): ReduceScatterArguments => ({
            input: inputs[rank]!,
            output: outputs[rank]!,
            counts,
            op,
            code,
          });
          runOnce('reduceScatter', name, size, whole.byteLength, args, seed++);
          const expected = counts.map((_, rank) => whole.subarray(starts[rank]!, starts[rank + 1]!));
          expectSame(outputs, expected, `${op.name} of ${counts}`);
          if (!isInPlace) expectSame(inputs, all, 'what was read');
        }
      }
    }
  });
});
