/** Copies inside the process over every kind of memory, and to and from the memory of another process. */

import { describe, expect, test } from 'vitest';
import { addon, missing, named, startProgram } from './native-addon.ts';

const EFAULT = 14;
const ESRCH = 3;
const EINVAL = 22;

/** Views and buffers of `byteLength` bytes (a multiple of 8), each over memory of its own. */
const kinds: Record<string, (byteLength: number) => ArrayBufferView | ArrayBufferLike> = {
  Int8Array: (byteLength) => new Int8Array(byteLength),
  Uint8Array: (byteLength) => new Uint8Array(byteLength),
  Uint8ClampedArray: (byteLength) => new Uint8ClampedArray(byteLength),
  Int16Array: (byteLength) => new Int16Array(byteLength / 2),
  Uint16Array: (byteLength) => new Uint16Array(byteLength / 2),
  Int32Array: (byteLength) => new Int32Array(byteLength / 4),
  Uint32Array: (byteLength) => new Uint32Array(byteLength / 4),
  Float32Array: (byteLength) => new Float32Array(byteLength / 4),
  Float64Array: (byteLength) => new Float64Array(byteLength / 8),
  BigInt64Array: (byteLength) => new BigInt64Array(byteLength / 8),
  BigUint64Array: (byteLength) => new BigUint64Array(byteLength / 8),
  Buffer: (byteLength) =>
    Buffer.from('x'.repeat(8 + byteLength))
      .subarray(8)
      .fill(0),
  'subarray at an offset': (byteLength) => new Float64Array(byteLength / 8 + 3).subarray(3),
  'DataView at an offset': (byteLength) => new DataView(new ArrayBuffer(byteLength + 5), 5),
  ArrayBuffer: (byteLength) => new ArrayBuffer(byteLength),
  SharedArrayBuffer: (byteLength) => new SharedArrayBuffer(byteLength),
  'Int32Array over a SharedArrayBuffer': (byteLength) => new Int32Array(new SharedArrayBuffer(byteLength)),
  'DataView over a SharedArrayBuffer': (byteLength) => new DataView(new SharedArrayBuffer(byteLength + 8), 8),
  'memory of the addon': (byteLength) => addon.allocate(byteLength, false),
};

const bytesOf = (data: ArrayBufferView | ArrayBufferLike): Uint8Array =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);

describe.skipIf(missing)(named('copy'), () => {
  test.each(Object.keys(kinds))('copies into and out of %s', (kind) => {
    const pattern = Uint8Array.from({ length: 64 }, (_, index) => index * 7 + 1);
    const data = kinds[kind]?.(64) as ArrayBufferView;
    addon.copy(data, 0, pattern, 0, 64);
    expect(bytesOf(data)).toEqual(pattern);
    const back = new Uint8Array(64);
    addon.copy(back, 8, data, 3, 40);
    expect(back.subarray(8, 48)).toEqual(pattern.subarray(3, 43));
    expect(back.subarray(0, 8).some(Boolean) || back.subarray(48).some(Boolean)).toBe(false);
    expect(addon.addressOf(data)).toBe(addon.addressOf(bytesOf(data)));
    expect(() => addon.copy(data, 1, pattern, 0, 64)).toThrow('bytes 1 to 65 lie outside target, which has 64 bytes');
    expect(() => addon.copy(pattern, 0, data, 60, 5)).toThrow('bytes 60 to 65 lie outside source, which has 64 bytes');
  });

  test.each([1, 2, 3, 4, 8, 12, 16, 24, 32, 40])('blocks of %i bytes at distances of their own', (size) => {
    const source = Uint8Array.from({ length: 1000 }, (_, index) => (index * 7) & 255);
    const target = new Uint8Array(1000);
    const expected = new Uint8Array(1000);
    for (let k = 0; k < 9; k++) expected.set(source.subarray(900 - k * 50, 900 - k * 50 + size), 3 + k * (size + 5));
    addon.copyBlocks(target, 3, size + 5, source, 900, -50, size, 9);
    expect(target).toEqual(expected);
    addon.copyBlocks(target, 0, 0, source, 0, 0, size, 0);
    expect(target).toEqual(expected);
    expect(() => addon.copyBlocks(target, 0, 100, source, 0, 1, size, 11)).toThrow('lie outside target, which has 1000 bytes');
    expect(() => addon.copyBlocks(target, 0, 1, source, 99, -50, size, 3)).toThrow('blocks from byte -1 to');
  });

  test('an address counts from the first byte of the view', () => {
    const array = new Float64Array(100);
    expect(addon.addressOf(array.subarray(10)) - addon.addressOf(array.buffer)).toBe(80);
  });

  test('source and target may overlap', () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, index) => index);
    addon.copy(bytes, 10, bytes, 0, 90);
    expect(bytes[99]).toBe(89);
    expect(bytes[10]).toBe(0);
  });

  test('nothing can be copied out of nothing', () => {
    expect(() => addon.copy(new Uint8Array(0), 0, new ArrayBuffer(0), 0, 0)).not.toThrow();
    const array = new Uint8Array(8);
    structuredClone(array, { transfer: [array.buffer] });
    expect(() => addon.copy(array, 0, new Uint8Array(8), 0, 8)).toThrow('which has 0 bytes');
  });

  test.each([undefined, null, 5, 'text', {}, [1, 2], new Map()])('%s is no memory', (value) => {
    const expected = 'data is not a typed array, DataView, ArrayBuffer or SharedArrayBuffer';
    expect(() => addon.addressOf(value as unknown as ArrayBuffer)).toThrow(expected);
  });

  test("another process's memory is read and written", async () => {
    const program = startProgram('own-memory', [process.pid]);
    const [ptracer, address, count] = (await program.line()).split(' ').map(Number) as [number, number, number];
    expect([0, -EINVAL]).toContain(ptracer);
    const target = new Float64Array(count + 2);
    expect(addon.readMemory(program.pid, address, target, 8, 8 * count)).toBe(8 * count);
    expect(target.subarray(1, -1)).toEqual(Float64Array.from({ length: count }, (_, index) => index / 3));
    expect([target[0], target[count + 1]]).toEqual([0, 0]);
    expect(addon.writeMemory(program.pid, address + 8, Float64Array.of(1, 2, 3), 16, 8)).toBe(8);
    expect(() => addon.readMemory(program.pid, address, target, 16, 8 * count + 1)).toThrow(RangeError);
    expect(addon.readMemory(program.pid, 4096, target, 0, 8)).toBe(-EFAULT);
    program.say('show');
    expect(await program.line()).toBe('0 3');
    await program.ended();
    expect(addon.readMemory(program.pid, address, target, 0, 8)).toBe(-ESRCH);
  });
});
