/**
 * Every element type and many sizes around the switch points, between two ranks, in both directions at once; receives
 * posted before and after the message, completed by wait() and by await; guards around each buffer stay as they were.
 */

import assert from 'node:assert/strict';
import { type TypedArray, whenAll, world } from 'tsmpi';

const TYPES = [
  [Int8Array, 'i8'],
  [Uint8Array, 'u8'],
  [Uint8ClampedArray, 'u8c'],
  [Int16Array, 'i16'],
  [Uint16Array, 'u16'],
  [Int32Array, 'i32'],
  [Uint32Array, 'u32'],
  [Float32Array, 'f32'],
  [Float64Array, 'f64'],
  [BigInt64Array, 'i64'],
  [BigUint64Array, 'u64'],
] as const;
/** In bytes: inside the cell up to 32, at once up to 16 KiB, in pieces of 128 KiB or by single copies of 1 MiB. */
const SIZES = [
  0,
  8,
  24,
  32,
  40,
  1000,
  8192,
  16_376,
  16_384,
  16_392,
  32_760,
  32_768,
  32_776,
  100_000,
  131_072,
  131_080,
  (1 << 20) + 8,
];
const GUARD = 8;

const peer = 1 - world.rank;
/** What rank r sends: no byte pattern of it is a NaN, and shifted by any power of two it differs. */
const patterns = [0, 1].map((rank) => Uint8Array.from({ length: SIZES.at(-1)! }, (_, i) => (i * 7 + (i >> 8) + 31 * rank) & 63));
let count = 0;
for (const [type, name] of TYPES) {
  const wide = type.BYTES_PER_ELEMENT;
  for (const size of SIZES) {
    const length = size / wide;
    const out = new type(patterns[world.rank].buffer, 0, length) as TypedArray;
    for (const isPosted of [true, false]) {
      const memory = new Uint8Array(size + 2 * GUARD).fill(0xaa);
      const into = new type(memory.buffer, GUARD, length) as TypedArray;
      const isBlocking = count++ % 2 === 0;
      let receive = isPosted ? world.recv(into, peer, count) : undefined;
      const send = world.send(out, peer, count);
      if (receive === undefined) {
        const seen = isBlocking ? world.probe(peer, count).wait() : await world.probe(peer, count);
        assert.deepEqual(seen, { source: peer, tag: count, count: length, byteLength: size, type: name, cancelled: false });
        receive = world.recv(into, peer, count);
      }
      const both = whenAll([receive, send]);
      const [status] = isBlocking ? both.wait() : await both;
      assert.deepEqual(status, { source: peer, tag: count, count: length, byteLength: size, type: name, cancelled: false });
      const what = `${name}, ${size} bytes`;
      assert.equal(Buffer.compare(memory.subarray(GUARD, GUARD + size), patterns[peer].subarray(0, size)), 0, what);
      for (const guard of [memory.subarray(0, GUARD), memory.subarray(GUARD + size)]) {
        assert.deepEqual([...guard], new Array(GUARD).fill(0xaa), what);
      }
    }
  }
}

// Bytes agree with every type, at whatever offset they lie.
for (const size of SIZES) {
  const memory = new ArrayBuffer(size + 8);
  const out = new DataView(patterns[world.rank].buffer, 0, size);
  const receive = world.recv(new DataView(memory, 3, size), peer);
  await whenAll([receive, world.send(size % 16 === 0 ? out : Buffer.from(patterns[world.rank].buffer, 0, size), peer)]);
  assert.equal(receive.status.count, size);
  assert.equal(Buffer.compare(new Uint8Array(memory, 3, size), patterns[peer].subarray(0, size)), 0);
}
console.log(`rank ${world.rank}: ${count} messages`);
