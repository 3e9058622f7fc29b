import { describe, test } from 'vitest';
import type { AllgathervArguments, AlltoallvArguments, ScattervArguments } from '../../../src/collective/arguments.ts';
import { createArray, F64, I16, type TypedArray, U8, U64 } from '../../../src/datatype/element-type.ts';
import { algorithmsOf, rootsOf, runOnce, SIZES } from './check.ts';
import { contribution, expectSame } from './model.ts';

const TYPES = [U8, I16, F64, U64];
/** Room between the parts of one array. */
const STRIDE = 8;

/** Counts from none to seven; parts stand in descending order, with gaps. */
function partsOf(size: number, salt: number): { counts: number[]; displs: number[] } {
  const counts = Array.from({ length: size }, (_, rank) => (rank * 5 + salt) % 7);
  return { counts, displs: counts.map((_, rank) => (size - 1 - rank) * STRIDE) };
}

function part(array: TypedArray, { counts, displs }: { counts: number[]; displs: number[] }, of: number): TypedArray {
  return array.subarray(displs[of], displs[of]! + counts[of]!);
}

describe.each(algorithmsOf('scatterv'))('scatterv %s', (name) => {
  test.each(SIZES)('%i ranks, parts with gaps and of no length', (size) => {
    let seed = size;
    for (const code of TYPES) {
      for (const root of rootsOf(size)) {
        for (const isInPlace of [false, true]) {
          const parts = partsOf(size, 3);
          const data = contribution(code, root, size * STRIDE);
          const outputs = parts.counts.map((count) => createArray(code, count));
          const args = (rank: number): ScattervArguments => ({
            ...(rank === root ? { data, ...parts } : { data: undefined, counts: undefined, displs: undefined }),
            into: isInPlace && rank === root ? undefined : outputs[rank]!,
            root,
          });
          runOnce('scatterv', name, size, data.byteLength, args, seed++);
          const expected = outputs.map((output, rank) => (isInPlace && rank === root ? output : part(data, parts, rank)));
          expectSame(outputs, expected, `root ${root}`);
        }
      }
    }
  });
});

describe.each(algorithmsOf('allgatherv'))('allgatherv %s', (name) => {
  test.each(SIZES)('%i ranks, parts with gaps and of no length', (size) => {
    let seed = size;
    for (const code of TYPES) {
      for (const isInPlace of [false, true]) {
        const parts = partsOf(size, 1);
        const blocks = parts.counts.map((count, rank) => contribution(code, rank, count));
        const expected = createArray(code, size * STRIDE);
        for (const [rank, block] of blocks.entries()) expected.set(block as never, parts.displs[rank]);
        const outputs = blocks.map((block, rank) => {
          const output = createArray(code, size * STRIDE);
          if (isInPlace) output.set(block as never, parts.displs[rank]);
          return output;
        });
        const args = (rank: number): AllgathervArguments => ({
          data: isInPlace ? undefined : blocks[rank],
          into: outputs[rank]!,
          ...parts,
        });
        runOnce('allgatherv', name, size, expected.byteLength, args, seed++);
        expectSame(
          outputs,
          outputs.map(() => expected),
          'all parts',
        );
      }
    }
  });
});

describe.each(algorithmsOf('alltoallv'))('alltoallv %s', (name) => {
  /** How many elements rank `from` has for rank `to`. */
  const amount = (from: number, to: number): number => (from * 3 + to * 5) % 7;

  test.each(SIZES)('%i ranks, parts with gaps and of no length', (size) => {
    let seed = size;
    const ranks = Array.from({ length: size }, (_, rank) => rank);
    for (const code of TYPES) {
      const sent = ranks.map((rank) => ({ counts: ranks.map((to) => amount(rank, to)), displs: partsOf(size, 0).displs }));
      const taken = ranks.map((rank) => ({ counts: ranks.map((from) => amount(from, rank)), displs: partsOf(size, 0).displs }));
      const inputs = ranks.map((rank) => contribution(code, rank, size * STRIDE));
      const outputs = ranks.map(() => createArray(code, size * STRIDE));
      const args = (rank: number): AlltoallvArguments => ({
        data: inputs[rank],
        sendCounts: sent[rank]!.counts,
        sendDispls: sent[rank]!.displs,
        into: outputs[rank]!,
        ...taken[rank]!,
      });
      runOnce('alltoallv', name, size, inputs[0]!.byteLength, args, seed++);
      const expected = ranks.map((rank) => {
        const output = createArray(code, size * STRIDE);
        for (const from of ranks) output.set(part(inputs[from]!, sent[from]!, rank) as never, taken[rank]!.displs[from]);
        return output;
      });
      expectSame(outputs, expected, 'every part');
    }
  });

  test.each(SIZES)('%i ranks in place, where both sides of a pair have as much', (size) => {
    const ranks = Array.from({ length: size }, (_, rank) => rank);
    const parts = ranks.map((rank) => ({ counts: ranks.map((peer) => (rank + peer) % 7), displs: partsOf(size, 0).displs }));
    const arrays = ranks.map((rank) => contribution(F64, rank, size * STRIDE));
    const before = arrays.map((array) => array.slice());
    const args = (rank: number): AlltoallvArguments => ({
      data: undefined,
      sendCounts: parts[rank]!.counts,
      sendDispls: parts[rank]!.displs,
      into: arrays[rank]!,
      ...parts[rank]!,
    });
    runOnce('alltoallv', name, size, before[0]!.byteLength, args, size);
    const expected = ranks.map((rank) => {
      const output = before[rank]!.slice();
      for (const from of ranks) output.set(part(before[from]!, parts[from]!, rank) as never, parts[rank]!.displs[from]);
      return output;
    });
    expectSame(arrays, expected, 'every part');
  });
});
