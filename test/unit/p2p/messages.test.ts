/** Messages of every type and size between ranks of one thread, on scarce buffers. */

import { describe, expect, test } from 'vitest';
import type { TypedArray } from '../../../src/datatype/element-type.ts';
import { ANY_SOURCE, ANY_TAG, PROC_NULL } from '../../../src/p2p/matching-queue.ts';
import { createWorlds } from '../ranks.ts';

const TYPES = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;
const SIZES = [0, 1, 3, 4, 5, 31, 32, 33, 1000, 1024, 1025, 8192, 8193, 16_384, 16_385, 40_000, 100_000];

function pattern(type: (typeof TYPES)[number], length: number): TypedArray {
  const array = new type(length);
  for (let i = 0; i < length; i++) array[i] = (typeof array[0] === 'bigint' ? BigInt(i % 100) : i % 100) as never;
  return array;
}

/** By Buffer.compare(), for toEqual() takes seconds for what is long. */
function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

describe.each(TYPES.map((type) => [type.name, type] as const))('%s', (_name, type) => {
  test.each([true, false])('all sizes, receive posted first: %s', async (isPosted) => {
    const [a, b] = createWorlds(2);
    for (const size of SIZES) {
      const data = pattern(type, size);
      const into = new type(size + 2);
      const send = isPosted ? undefined : a!.send(data, 1, 5);
      const receive = b!.recv(into.subarray(1, size + 1), 0, 5);
      const [status] = await Promise.all([receive, send ?? a!.send(data, 1, 5)]);
      expect(status).toMatchObject({ source: 0, tag: 5, count: size, byteLength: data.byteLength, cancelled: false });
      expect(Buffer.compare(bytesOf(into.subarray(1, size + 1)), bytesOf(data))).toBe(0);
      expect([Number(into[0]), Number(into[size + 1])]).toEqual([0, 0]);
    }
  });
});

test('arrays over a SharedArrayBuffer, views, bytes against elements, numbers', async () => {
  const [a, b] = createWorlds(2);
  const shared = new Float64Array(new SharedArrayBuffer(80_000));
  const [status] = await Promise.all([
    b!.recv(shared, 0),
    a!.send(
      Float64Array.from({ length: 10_000 }, (_, i) => i),
      1,
    ),
  ]);
  expect([status.count, shared[9999]]).toEqual([10_000, 9999]);

  const bytes = Buffer.from('0123456789abcdef');
  const floats = new Float64Array(2);
  const [asFloats] = await Promise.all([b!.recv(floats, 0), a!.send(bytes, 1)]);
  expect(asFloats).toMatchObject({ count: 2, type: 'bytes' });
  expect(Buffer.from(floats.buffer).toString()).toBe('0123456789abcdef');

  const view = new DataView(new ArrayBuffer(16), 4, 8);
  await Promise.all([b!.recv(view, 0), a!.send(-2.5, 1)]);
  expect(view.getFloat64(0, true)).toBe(-2.5);

  const big = new BigInt64Array(1);
  await Promise.all([b!.recv(big, 0), a!.send(-(2n ** 40n), 1)]);
  expect(big[0]).toBe(-(2n ** 40n));
});

test('messages of one pair arrive in the order sent, whatever their sizes', async () => {
  const [a, b] = createWorlds(2);
  const lengths = Array.from({ length: 300 }, (_, k) => [1, 40, 900, 2000, 9000][k % 5]!);
  const sends = lengths.map((length, k) => a!.send(new Int32Array(length).fill(k), 1, 3));
  for (const [k, length] of lengths.entries()) {
    const into = new Int32Array(9000);
    const status = await b!.recv(into, k % 2 === 0 ? 0 : ANY_SOURCE, k % 3 === 0 ? ANY_TAG : 3);
    expect([status.count, into[0], into[length - 1]]).toEqual([length, k, k]);
  }
  await Promise.all(sends);
});

test('announced messages overtake none, and a later tag gets through 10^4 unreceived ones', async () => {
  const [a, b] = createWorlds(2);
  const flood = Array.from({ length: 10_000 }, (_, k) => a!.send(Int32Array.of(k), 1, 1));
  const last = a!.send(Int32Array.of(-7), 1, 2);
  const into = new Int32Array(1);
  await b!.recv(into, 0, 2);
  expect(into[0]).toBe(-7);
  for (let k = 0; k < flood.length; k++) {
    await b!.recv(into, 0, 1);
    if (into[0] !== k) throw new Error(`message ${into[0]} came where ${k} was expected`);
  }
  await Promise.all([...flood, last]);
});

test('everybody sends a megabyte to everybody before anybody receives', async () => {
  const worlds = createWorlds(4);
  const all: Promise<unknown>[] = [];
  for (const world of worlds)
    for (let to = 0; to < 4; to++) all.push(world.send(new Uint8Array(1 << 20).fill(10 * world.rank + to), to));
  const arrived = worlds.map(() => Array.from({ length: 4 }, () => new Uint8Array(1 << 20)));
  for (const world of worlds) for (let from = 0; from < 4; from++) all.push(world.recv(arrived[world.rank]![from]!, from));
  await Promise.all(all);
  for (let to = 0; to < 4; to++)
    for (let from = 0; from < 4; from++) expect(arrived[to]![from]!.every((byte) => byte === 10 * from + to)).toBe(true);
});

test('messages to oneself: short, eager, long, synchronous, more than are kept', async () => {
  const [world] = createWorlds(1);
  for (const length of [0, 1, 100, 5000, 200_000]) {
    const data = new Float64Array(length).fill(length);
    const early = world!.send(data, 0, 1);
    const into = new Float64Array(length);
    await world!.recv(into, 0, 1);
    await early;
    const receive = world!.recv(into.fill(0), 0, 2);
    await world!.ssend(data, 0, 2);
    expect((await receive).count).toBe(length);
    expect(into).toEqual(data);
  }
  const many = Array.from({ length: 1000 }, (_, k) => world!.send(new Int32Array(k % 30).fill(k), 0, 3));
  for (let k = 0; k < 1000; k++) expect((await world!.recv(new Int32Array(30), 0, 3)).count).toBe(k % 30);
  await Promise.all(many);
});

test('PROC_NULL', async () => {
  const [world] = createWorlds(1);
  const into = Int32Array.of(5);
  expect(await world!.send(into, PROC_NULL)).toBeUndefined();
  expect(await world!.recv(into, PROC_NULL)).toMatchObject({ source: PROC_NULL, tag: ANY_TAG, count: 0 });
  expect(await world!.sendrecv(into, PROC_NULL, new Int32Array(1), PROC_NULL)).toMatchObject({ count: 0 });
  expect(into[0]).toBe(5);
});

test('sendrecv and sendrecvReplace around a ring', async () => {
  const worlds = createWorlds(3);
  const next = (rank: number): number => (rank + 1) % 3;
  const previous = (rank: number): number => (rank + 2) % 3;
  const got = worlds.map(() => new Float64Array(3000));
  const first = worlds.map((world, rank) =>
    world.sendrecv(new Float64Array(3000).fill(rank), next(rank), got[rank]!, previous(rank)),
  );
  expect((await Promise.all(first)).map(({ source }) => source)).toEqual([2, 0, 1]);
  await Promise.all(
    worlds.map((world, rank) => world.sendrecvReplace(got[rank]!, next(rank), previous(rank), { sendTag: 4, recvTag: 4 })),
  );
  expect(got.map((array) => array[2999])).toEqual([1, 2, 0]);
});

test('a synchronous send is complete only when its receive has started', async () => {
  const [a, b] = createWorlds(2);
  const send = a!.ssend(Int32Array.of(3), 1);
  for (let k = 0; k < 5; k++) await new Promise(setImmediate);
  expect(send.done).toBe(false);
  const into = new Int32Array(1);
  await Promise.all([b!.recv(into, 0), send]);
  expect([send.done, into[0]]).toEqual([true, 3]);
});
