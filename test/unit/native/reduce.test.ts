/** The addon's reductions against the loops in JavaScript: the same bits for every operator on every element type. */

import { describe, expect, test } from 'vitest';
import { OP_NAMES } from '../../../src/base/operation.ts';
import { bytesOf, createArray, ELEMENT_NAMES, F32, F64, I64, type TypedArray, U8 } from '../../../src/datatype/element-type.ts';
import * as operators from '../../../src/datatype/operator.ts';
import { checkOp, NO_OP, type Op, REPLACE, SUM } from '../../../src/datatype/operator.ts';
import { NATIVE_COUNT, reduceInto, reduceIntoBoth } from '../../../src/datatype/reduce-kernels.ts';
import { Random } from '../datatype/random.ts';
import { addon, missing, named } from './native-addon.ts';

const CODES = ELEMENT_NAMES.flatMap((name, code) => (code <= 11 ? [[name, code] as const] : []));
const OPS = OP_NAMES.map((name) => (operators as unknown as Record<string, Op>)[name]!).filter((op) => op !== NO_OP);
/** Fewer than NATIVE_COUNT, and whole pairs: the loops in JavaScript do it. */
const SLICE = NATIVE_COUNT - 2;
const SPECIAL = [0, -0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 1.4e-45, 3e38, 1e308];

function takes(op: Op, code: number): boolean {
  if (op === REPLACE) return true;
  try {
    checkOp(op, code, 0);
    return true;
  } catch {
    return false;
  }
}

/** Random bits, with small numbers that meet often, and among floats the special ones. */
function randomArray(random: Random, code: number, length: number, isShared: boolean): TypedArray {
  const like = createArray(code, 1);
  const byteLength = length * like.BYTES_PER_ELEMENT;
  const buffer = isShared ? new SharedArrayBuffer(byteLength) : new ArrayBuffer(byteLength);
  const array = new (like.constructor as new (buffer: ArrayBufferLike) => TypedArray)(buffer);
  random.fill(bytesOf(array));
  const isBig = array instanceof BigInt64Array || array instanceof BigUint64Array;
  for (let i = 0; i < length; i++) {
    const kind = random.below(4);
    if (kind === 0) array[i] = (isBig ? BigInt(random.below(3)) : random.below(3)) as never;
    else if (kind === 1 && (code === F32 || code === F64)) array[i] = random.pick(SPECIAL) as never;
  }
  return array;
}

/** The bytes, every NaN alike: its sign and payload are open. */
function bitsOf(array: TypedArray): Buffer {
  const copy = array.slice();
  if (copy instanceof Float32Array || copy instanceof Float64Array) {
    const words = new Uint32Array(copy.buffer);
    const step = words.length / copy.length;
    for (let i = 0; i < copy.length; i++) if (Number.isNaN(copy[i])) words.fill(0xffffffff, i * step, (i + 1) * step);
  }
  return Buffer.from(copy.buffer);
}

describe.skipIf(missing)(named('reduce'), () => {
  describe.each(CODES)('on %s', (_, code) => {
    test.each(OPS.filter((op) => takes(op, code)).map((op) => [op.name, op] as const))(
      '%s gives the bits of the loop',
      (_name, op) => {
        const random = new Random(1000 * OP_NAMES.indexOf(op.name as never) + code);
        for (const count of [0, 2, 30, 126, 128, 258, 3000]) {
          for (const [inputIndex, inoutIndex] of [
            [0, 0],
            [3, 1],
            [2, 7],
          ] as const) {
            const isShared = random.below(2) === 0;
            const input = randomArray(random, code, count + 8, isShared);
            const inout = randomArray(random, code, count + 8, !isShared);
            const expected = inout.slice();
            for (let at = 0; at < count; at += SLICE) {
              reduceInto(op, code, input, expected, Math.min(SLICE, count - at), inputIndex + at, inoutIndex + at);
            }
            const before = Buffer.from(bytesOf(input));
            const byDispatch = inout.slice();
            reduceInto(op, code, input, byDispatch, count, inputIndex, inoutIndex);
            addon.reduce(OP_NAMES.indexOf(op.name as never), code, input, inputIndex, inout, inoutIndex, count);
            expect(bitsOf(inout).equals(bitsOf(expected)), `${count} elements from ${inputIndex} to ${inoutIndex}`).toBe(true);
            expect(bitsOf(byDispatch).equals(bitsOf(expected)), `${count} elements through reduceInto`).toBe(true);
            expect(before.equals(bytesOf(input)), 'the input').toBe(true);
          }
        }
      },
    );
  });

  test('a sum of ill-conditioned numbers is rounded at each step, in f32 to f32', () => {
    const random = new Random(7);
    for (const code of [F32, F64]) {
      const parts = Array.from({ length: 5 }, () => {
        const part = createArray(code, 1000);
        for (let i = 0; i < part.length; i++) part[i] = ((random.unit() - 0.5) * 10 ** random.below(30)) as never;
        return part;
      });
      const native = parts[0]!.slice();
      const naive = Array.from(parts[0]!, Number);
      for (const part of parts.slice(1)) {
        addon.reduce(OP_NAMES.indexOf('SUM'), code, part, 0, native, 0, 1000);
        for (let i = 0; i < 1000; i++) {
          const sum = Number(part[i]) + naive[i]!;
          naive[i] = code === F32 ? Math.fround(sum) : sum;
        }
      }
      expect(Array.from(native, Number)).toEqual(naive);
    }
  });

  test('the result is written to a second place too, which may be that of the input', () => {
    for (const code of [U8, F32, F64, I64]) {
      for (const count of [1, 127, 128, 8191, 20_000]) {
        const filled = (factor: number) => {
          const array = createArray(code, count + 5);
          for (let i = 0; i < array.length; i++) array[i] = (code === I64 ? BigInt(i * factor) : (i * factor) % 256) as never;
          return array;
        };
        const [input, inout, expected, copy] = [filled(3), filled(5), filled(5), filled(7)];
        const [ends, before] = [copy.slice(count + 1), copy.slice(0, 1)];
        reduceInto(SUM, code, input, expected, count, 2, 3);
        reduceIntoBoth(SUM, code, input, inout, count, 2, 3, copy, 1);
        expect(bitsOf(inout).equals(bitsOf(expected)), `${count} elements`).toBe(true);
        expect(copy.subarray(1, count + 1)).toEqual(expected.subarray(3, count + 3));
        expect([copy.slice(count + 1), copy.slice(0, 1)]).toEqual([ends, before]);
        const again = filled(5);
        reduceIntoBoth(SUM, code, input, again, count, 2, 3, input, 2);
        expect(input.subarray(2, count + 2)).toEqual(expected.subarray(3, count + 3));
      }
    }
    const [input, inout] = [new Float64Array(10), new Float64Array(10)];
    expect(() => addon.reduce(0, F64, input, 0, inout, 0, 10, input, 1)).toThrow(
      'bytes 8 to 88 lie outside copy, which has 80 bytes',
    );
    expect(() => addon.reduce(0, F64, input, 0, inout, 0, 10, input)).toThrow('copyIndex');
    expect([...inout]).toEqual(new Array(10).fill(0));
  });

  test('nothing outside of the views is touched', () => {
    const [input, inout] = [new Float64Array(10), new Float64Array(10)];
    expect(() => addon.reduce(0, F64, input, 1, inout, 0, 10)).toThrow('bytes 8 to 88 lie outside input, which has 80 bytes');
    expect(() => addon.reduce(0, F64, input, 0, inout, 3, 8)).toThrow('bytes 24 to 88 lie outside inout, which has 80 bytes');
    expect(() => addon.reduce(0, F64, input, -1, inout, 0, 1)).toThrow('inputIndex is -1, expected an integer from 0 to 2^53');
  });

  test.each([
    [OP_NAMES.indexOf('SUM'), 0],
    [OP_NAMES.indexOf('LAND'), F64],
    [OP_NAMES.indexOf('NO_OP'), F64],
    [-1, F64],
    [0, 12],
    [0, -1],
  ])('operator %i on type %i is no reduction', (op, code) => {
    expect(() => addon.reduce(op, code, new Uint8Array(8), 0, new Uint8Array(8), 0, 1)).toThrow('op or code names no reduction');
  });
});
