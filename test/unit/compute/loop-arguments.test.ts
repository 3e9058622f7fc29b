/** Arguments of kernels arrive as they were given, however they change from loop to loop. */

import { expect, test } from 'vitest';
import { ArgumentReader, ArgumentWriter, type SharedNews } from '../../../src/compute/loop-arguments.ts';
import { ARGUMENT_WORDS, MAX_ARGUMENTS } from '../../../src/compute/loop-memory.ts';

const words = new Float64Array(ARGUMENT_WORDS * MAX_ARGUMENTS);
const known = new Map<number, object>();
const writer = new ArgumentWriter(words, (news: SharedNews) => {
  if (news.kind === 'give') known.set(news.id, news.value);
  else known.delete(news.id);
});
const reader = new ArgumentReader(words, (id) => known.get(id)!);

function pass(...values: unknown[]): readonly unknown[] {
  writer.check('parallelFor', values);
  writer.write(values);
  return [...reader.read(values.length)];
}

test('scalars, to the last bit', () => {
  const values = [
    0,
    -0,
    1.5,
    Number.NaN,
    Infinity,
    2 ** 53,
    true,
    false,
    null,
    undefined,
    0n,
    -1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    2n ** 32n,
  ];
  for (const value of values) expect(Object.is(pass(value)[0], value), String(value)).toBe(true);
  expect(pass(...values)).toEqual(values);
});

test('views are of the same memory, and are kept while they stay the same', () => {
  const memory = new SharedArrayBuffer(64);
  const floats = new Float64Array(memory, 8, 3);
  const [seen] = pass(floats) as [Float64Array];
  expect([seen.buffer, seen.byteOffset, seen.length]).toEqual([memory, 8, 3]);
  expect(pass(floats)[0]).toBe(seen);
  expect(pass(1, floats)[0]).toBe(1);
  expect((pass(floats)[0] as Float64Array).byteOffset).toBe(8);
  for (const View of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array]) {
    const view = new View(memory as never, 4, 2);
    expect((pass(view)[0] as Int8Array).constructor).toBe(View);
    expect((pass(view)[0] as Int8Array).length).toBe(2);
  }
  expect((pass(new BigInt64Array(memory, 16, 1))[0] as BigInt64Array).byteOffset).toBe(16);
  expect((pass(new BigUint64Array(memory, 16, 1))[0] as BigUint64Array).constructor).toBe(BigUint64Array);
  expect((pass(new DataView(memory, 3, 5))[0] as DataView).byteLength).toBe(5);
  expect(pass(memory)[0]).toBe(memory);
});

test('memory is told of once', () => {
  const before = known.size;
  const memory = new SharedArrayBuffer(64);
  for (let k = 0; k < 8; k++) pass(new Uint8Array(memory, k), new Int8Array(memory, k));
  expect(known.size).toBe(before + 1);
});

test.each([
  [new Float64Array(1), /^parallelFor got a Float64Array over memory of this thread alone as argument 2 of its kernel: arrays/],
  [Buffer.alloc(1), /a Buffer as argument 2.*: expected a typed array or a DataView over shared memory$/],
  [new ArrayBuffer(1), /an object as argument 2.*: expected numbers, booleans, bigints and arrays over shared memory$/],
  [[1], /an array of values as argument 2/],
  ['text', /a string as argument 2/],
  [() => {}, /a function as argument 2/],
  [Symbol(), /a symbol as argument 2/],
  [2n ** 63n, /the bigint 9223372036854775808 as argument 2.*: expected one of 64 bits$/],
])('%o is refused', (value, message) => {
  expect(() => writer.check('parallelFor', [0, value])).toThrow(message);
});

test('more arguments than there is room for', () => {
  expect(() => writer.check('parallelFor', new Array(33).fill(0))).toThrow(
    'got 33 arguments for its kernel: expected 32 at most',
  );
});
