/** Calls as numbers: what agrees, and that checks tell apart what does not. */

import { expect, test } from 'vitest';
import { CollectiveCall, checksum, NONE, opCode } from '../../../src/base/collective-call.ts';
import { OPERATION_NAMES, operationCode } from '../../../src/base/operation.ts';
import { BYTES, F32, F64, I32, I64 } from '../../../src/datatype/element-type.ts';
import { BOR, createOp, MAX, type Op, type Operator, SUM } from '../../../src/datatype/operator.ts';

const moving = (type: number, byteLength: number, root = 0) =>
  CollectiveCall.of(operationCode('bcast'), type, byteLength, root, NONE, 0);
const reducing = (op: Op, type: number, byteLength: number) =>
  CollectiveCall.of(operationCode('allreduce'), type, byteLength, NONE, opCode((op as Operator).id, op.isCommutative), 0);

test('names of operations fit seven bits, and no check is 0', () => {
  expect(OPERATION_NAMES.length).toBeLessThanOrEqual(128);
  for (const name of OPERATION_NAMES.slice(1)) {
    expect(CollectiveCall.of(operationCode(name), NONE, NONE, NONE, NONE, 0).messageCheck & 0x7f).toBe(operationCode(name));
  }
});

test('what may differ has equal checks', () => {
  for (const [a, b] of [
    [moving(BYTES, 800), moving(F64, 800)],
    [moving(F64, 800), moving(I64, 800)],
    [reducing(BOR, BYTES, 8), reducing(BOR, I32, 8)],
    [
      reducing(
        createOp(() => {}),
        F64,
        8,
      ),
      reducing(
        createOp(() => {}),
        F64,
        8,
      ),
    ],
  ] as const) {
    expect(a.checkOf(7)).toBe(b.checkOf(7));
    expect(a.messageCheck).toBe(b.messageCheck);
  }
  expect(moving(BYTES, 800).agreesWith(moving(F64, 800))).toBe(true);
  expect(moving(F64, 800).agreesWith(moving(I64, 800))).toBe(false);
});

test('one argument that differs changes both checks and the words', () => {
  const calls = [
    moving(F64, 800),
    moving(F64, 808),
    moving(F64, 800, 1),
    reducing(SUM, F64, 800),
    reducing(MAX, F64, 800),
    reducing(SUM, F32, 800),
    reducing(SUM, F64, 8),
    reducing(
      createOp(() => {}),
      F64,
      800,
    ),
    reducing(
      createOp(() => {}, { commutative: true }),
      F64,
      800,
    ),
  ];
  for (const told of [
    calls.map((call) => call.checkOf(1)),
    calls.map(({ messageCheck }) => messageCheck),
    calls.map((call) => call.describe()),
  ]) {
    expect(new Set<unknown>(told).size).toBe(calls.length);
  }
  expect(new Set(Array.from({ length: 1000 }, (_, number) => calls[0]!.checkOf(number))).size).toBe(1000);
});

test('roots are always told apart in messages', () => {
  expect(new Set(Array.from({ length: 512 }, (_, root) => moving(F64, 8, root).messageCheck)).size).toBe(512);
});

test('counts are compared as bytes, in their order', () => {
  expect(checksum([1, 2, 3], 8)).toBe(checksum([8, 16, 24], 1));
  expect(checksum([1, 2, 3], 8)).not.toBe(checksum([1, 3, 2], 8));
  expect(checksum([], 8)).not.toBe(0);
});
