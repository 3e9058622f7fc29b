import { describe, test } from 'vitest';
import type { AllgatherArguments, AlltoallArguments } from '../../../src/collective/arguments.ts';
import { refusal } from '../../../src/collective/restrictions.ts';
import { createArray, F64, I16, U8, U64 } from '../../../src/datatype/element-type.ts';
import { algorithmsOf, isShared, runOnce, SIZES, SLOT_BYTES } from './check.ts';
import { contribution, expectSame } from './model.ts';

const PLAIN = { isCommutative: true, isBuiltIn: true, hasBulk: false, hosts: 1, isContiguous: true, isDeterministic: false };

const TYPES = [U8, I16, F64, U64];

function isPossible(operation: 'allgather' | 'alltoall', name: string, size: number, bytes: number): boolean {
  const slotBytes = isShared(name) ? SLOT_BYTES : 0;
  return refusal(operation, name, { ...PLAIN, size, bytes, slotBytes }) === undefined;
}

describe.each(algorithmsOf('allgather'))('allgather %s', (name) => {
  const sizes = SIZES.filter((size) => isPossible('allgather', name, size, 8));
  test.each(sizes)('%i ranks', (size) => {
    let seed = size;
    for (const code of TYPES) {
      for (const count of isShared(name) ? [0, 1, 7, 62] : [0, 1, 7, 300]) {
        for (const isInPlace of [false, true]) {
          const blocks = Array.from({ length: size }, (_, rank) => contribution(code, rank, count));
          const into = Array.from({ length: size }, () => createArray(code, count * size));
          const expected = createArray(code, count * size);
          for (let rank = 0; rank < size; rank++) {
            expected.set(blocks[rank] as never, rank * count);
            if (isInPlace) into[rank]!.set(blocks[rank] as never, rank * count);
          }
          const args = (rank: number): AllgatherArguments => ({
            data: isInPlace ? undefined : blocks[rank],
            into: into[rank]!,
            count,
          });
          runOnce('allgather', name, size, count * expected.BYTES_PER_ELEMENT, args, seed++);
          expectSame(
            into,
            into.map(() => expected),
            `${count}`,
          );
        }
      }
    }
  });
});

describe.each(algorithmsOf('alltoall'))('alltoall %s', (name) => {
  test.each(SIZES)('%i ranks', (size) => {
    let seed = size;
    for (const code of TYPES) {
      for (const count of [0, 1, 3, 7, 50].filter((n) =>
        isPossible('alltoall', name, size, n * createArray(code, 0).BYTES_PER_ELEMENT),
      )) {
        for (const isInPlace of [false, true]) {
          const data = Array.from({ length: size }, (_, rank) => contribution(code, rank, count * size));
          const expected = data.map((_, rank) => {
            const array = createArray(code, count * size);
            for (let from = 0; from < size; from++) {
              array.set(data[from]!.subarray(rank * count, (rank + 1) * count) as never, from * count);
            }
            return array;
          });
          const into = data.map((array) => (isInPlace ? array.slice() : createArray(code, count * size)));
          const before = data.map((array) => array.slice());
          const args = (rank: number): AlltoallArguments => ({
            data: isInPlace ? undefined : data[rank],
            into: into[rank]!,
            count,
          });
          runOnce('alltoall', name, size, count * data[0]!.BYTES_PER_ELEMENT, args, seed++);
          expectSame([...into, ...data], [...expected, ...before], `${count}`);
        }
      }
    }
  });
});
