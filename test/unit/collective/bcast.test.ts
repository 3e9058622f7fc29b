import { describe, expect, test } from 'vitest';
import type { BcastArguments } from '../../../src/collective/arguments.ts';
import { PIECE_BYTES } from '../../../src/collective/bcast/pipelined-chain.ts';
import { bytesOf, createArray, F64, I16, U8, U64 } from '../../../src/datatype/element-type.ts';
import { algorithmsOf, isShared, rootsOf, runOnce, SIZES } from './check.ts';
import { contribution, expectSame } from './model.ts';

describe.each(algorithmsOf('bcast'))('bcast %s', (name) => {
  const counts = [0, 1, 7, 50, ...(isShared(name) ? [] : [1000])];

  test.each(SIZES)('%i ranks get the data of any root', (size) => {
    let seed = size;
    for (const code of [U8, I16, F64, U64]) {
      for (const count of counts) {
        for (const root of rootsOf(size)) {
          const data = Array.from({ length: size }, (_, rank) =>
            rank === root ? contribution(code, 3, count) : createArray(code, count),
          );
          const bytes = data[0]!.byteLength;
          runOnce<BcastArguments>('bcast', name, size, bytes, (rank) => ({ data: data[rank]!, root }), seed++);
          expectSame(
            data,
            data.map(() => contribution(code, 3, count)),
            `${count} from ${root}`,
          );
        }
      }
    }
  });

  test('ranks may see the same bytes as bytes', () => {
    const source = contribution(F64, 1, 13);
    const data = Array.from({ length: 5 }, (_, rank) =>
      rank === 2 ? source : rank % 2 === 0 ? Buffer.alloc(104) : createArray(F64, 13),
    );
    runOnce<BcastArguments>('bcast', name, 5, 104, (rank) => ({ data: data[rank]!, root: 2 }), 4);
    for (const array of data) expect(bytesOf(array)).toEqual(bytesOf(source));
  });

  // A slot holds no long data.
  if (isShared(name)) return;
  test('long data in many pieces', () => {
    const count = (PIECE_BYTES / 8) * 3 + 5;
    const data = Array.from({ length: 4 }, (_, rank) => (rank === 1 ? contribution(F64, 3, count) : createArray(F64, count)));
    runOnce<BcastArguments>('bcast', name, 4, count * 8, (rank) => ({ data: data[rank]!, root: 1 }), 9);
    expectSame(
      data,
      data.map(() => contribution(F64, 3, count)),
      'long data',
    );
  });
});
