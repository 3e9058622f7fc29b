import { describe, expect, test } from 'vitest';
import type { GatherArguments, GathervArguments, ScatterArguments } from '../../../src/collective/arguments.ts';
import { bytesOf, createArray, F64, I16, type TypedArray, U8, U64 } from '../../../src/datatype/element-type.ts';
import { algorithmsOf, isShared, rootsOf, runOnce, SIZES } from './check.ts';
import { contribution, expectSame } from './model.ts';

const TYPES = [U8, I16, F64, U64];

/** Blocks of all ranks behind one another. */
function joined(code: number, blocks: readonly TypedArray[]): TypedArray {
  const all = createArray(
    code,
    blocks.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const block of blocks) {
    all.set(block as never, at);
    at += block.length;
  }
  return all;
}

/** Counts of a block; those of scatter's slot shared by all ranks are small. */
function countsOf(name: string, size: number, isPerSlot: boolean): number[] {
  if (!isShared(name)) return [0, 1, 7, 300];
  return isPerSlot ? [0, 1, Math.floor(496 / size / 8)] : [0, 1, 7, 62];
}

describe.each(algorithmsOf('gather'))('gather %s', (name) => {
  test.each(SIZES)('%i ranks, every root', (size) => {
    let seed = size;
    for (const code of TYPES) {
      for (const count of countsOf(name, size, false)) {
        for (const root of rootsOf(size)) {
          for (const isInPlace of [false, true]) {
            const blocks = Array.from({ length: size }, (_, rank) => contribution(code, rank, count));
            const into = createArray(code, count * size);
            if (isInPlace) into.set(blocks[root] as never, root * count);
            const args = (rank: number): GatherArguments => ({
              data: isInPlace && rank === root ? undefined : blocks[rank],
              into: rank === root ? into : undefined,
              count,
              root,
            });
            runOnce('gather', name, size, count * into.BYTES_PER_ELEMENT, args, seed++);
            expectSame([into], [joined(code, blocks)], `${count} at ${root}`);
          }
        }
      }
    }
  });

  test('ranks may see the same bytes as bytes', () => {
    const blocks = Array.from({ length: 6 }, (_, rank) => contribution(F64, rank, 5));
    const into = Buffer.alloc(6 * 40);
    const args = (rank: number): GatherArguments =>
      rank % 2 === 0
        ? { data: Buffer.from(bytesOf(blocks[rank]!)), into: rank === 4 ? into : undefined, count: 40, root: 4 }
        : { data: blocks[rank], into: undefined, count: 5, root: 4 };
    runOnce('gather', name, 6, 40, args, 3);
    expect(Buffer.compare(into, bytesOf(joined(F64, blocks)))).toBe(0);
  });
});

describe.each(algorithmsOf('gatherv'))('gatherv %s', (name) => {
  test.each(SIZES)('%i ranks, parts with gaps and of no length', (size) => {
    let seed = size;
    for (const code of TYPES) {
      for (const root of rootsOf(size)) {
        for (const isInPlace of [false, true]) {
          const counts = Array.from({ length: size }, (_, rank) => (rank * 5) % 7);
          const displs = counts.map((_, rank) => (size - 1 - rank) * 8);
          const blocks = counts.map((count, rank) => contribution(code, rank, count));
          const into = createArray(code, size * 8);
          const expected = createArray(code, size * 8);
          for (let rank = 0; rank < size; rank++) expected.set(blocks[rank] as never, displs[rank]);
          if (isInPlace) into.set(blocks[root] as never, displs[root]);
          const args = (rank: number): GathervArguments =>
            rank === root
              ? { data: isInPlace ? undefined : blocks[rank], into, counts, displs, root }
              : { data: blocks[rank], into: undefined, counts: undefined, displs: undefined, root };
          const bytes = counts.reduce((sum, count) => sum + count, 0) * into.BYTES_PER_ELEMENT;
          runOnce('gatherv', name, size, bytes, args, seed++);
          expectSame([into], [expected], `at ${root}`);
        }
      }
    }
  });
});

describe.each(algorithmsOf('scatter'))('scatter %s', (name) => {
  test.each(SIZES)('%i ranks, every root', (size) => {
    let seed = size;
    for (const code of TYPES) {
      for (const count of countsOf(name, size, true)) {
        for (const root of rootsOf(size)) {
          for (const isInPlace of [false, true]) {
            const data = contribution(code, 2, count * size);
            const before = data.slice();
            const parts = Array.from({ length: size }, () => createArray(code, count));
            const args = (rank: number): ScatterArguments => ({
              data: rank === root ? data : undefined,
              into: isInPlace && rank === root ? undefined : parts[rank],
              count,
              root,
            });
            runOnce('scatter', name, size, count * data.BYTES_PER_ELEMENT, args, seed++);
            if (isInPlace) parts[root]!.set(before.subarray(root * count, (root + 1) * count) as never);
            expectSame([joined(code, parts), data], [before, before], `${count} from ${root}`);
          }
        }
      }
    }
  });
});
