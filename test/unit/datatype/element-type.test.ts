/** Element types: codes, names, sizes, and what data is recognised as. */

import { createContext, runInContext } from 'node:vm';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Fresh, Into } from '../../../src/datatype/data.ts';
import type { Layout } from '../../../src/datatype/derived/datatype.ts';
import {
  arrayConstructor,
  BYTES,
  bytesOf,
  createArray,
  ELEMENT_NAMES,
  ELEMENT_SHIFT,
  elementCode,
  elementCount,
  F64,
  I64,
  isCompatible,
  OBJECT,
  type RawBytes,
  U8,
} from '../../../src/datatype/element-type.ts';
import { ElementViews } from '../../../src/datatype/element-views.ts';

const ARRAYS = [
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
];

describe('element codes', () => {
  it('are fixed: they travel in frames', () => {
    expect(ELEMENT_NAMES).toEqual(['bytes', 'i8', 'u8', 'u8c', 'i16', 'u16', 'i32', 'u32', 'f32', 'f64', 'i64', 'u64', 'object']);
    expect(ARRAYS.map((array) => elementCode(new array(3)))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(ARRAYS.map((array, i) => array.BYTES_PER_ELEMENT - 2 ** ELEMENT_SHIFT[i + 1])).toEqual(ARRAYS.map(() => 0));
  });

  it('take raw memory and Buffer as bytes', () => {
    for (const data of [Buffer.alloc(3), new DataView(new ArrayBuffer(3)), new ArrayBuffer(3), new SharedArrayBuffer(3)]) {
      expect(elementCode(data)).toBe(BYTES);
      expect(elementCount(BYTES, data)).toBe(3);
      expect(bytesOf(data).byteLength).toBe(3);
    }
  });

  it('take a subclass as its base, an array over shared or resizable memory as any other', () => {
    class Field extends Float64Array {}
    class Names extends Uint8Array {}
    expect(elementCode(new Field(2))).toBe(F64);
    expect(elementCode(Object.assign(new Field(2), { constructor: Object }))).toBe(F64);
    expect(elementCode(new Names(2))).toBe(U8);
    expect(elementCode(new Float64Array(new SharedArrayBuffer(16)))).toBe(F64);
    const resizable = Reflect.construct(ArrayBuffer, [16, { maxByteLength: 64 }]) as ArrayBuffer;
    expect(elementCode(new Float64Array(resizable))).toBe(F64);
    expect(elementCode(resizable)).toBe(BYTES);
  });

  it('know arrays of another realm', () => {
    const context = createContext({});
    expect(elementCode(runInContext('new Float64Array(4)', context))).toBe(F64);
    expect(elementCode(runInContext('new Uint8Array(4)', context))).toBe(U8);
    expect(elementCode(runInContext('new DataView(new ArrayBuffer(4))', context))).toBe(BYTES);
    expect(elementCode(runInContext('new ArrayBuffer(4)', context))).toBe(BYTES);
  });

  it('refuse whatever is no data', () => {
    const pretender = { constructor: Float64Array, [Symbol.toStringTag]: 'Float64Array', length: 3 };
    for (const value of [null, undefined, 1, 1n, 'abc', [1, 2], {}, pretender, Float64Array, () => 1, Symbol('x'), new Map()]) {
      expect(elementCode(value)).toBe(-1);
    }
  });

  it('agree with themselves and with bytes, objects with objects only', () => {
    for (let a = 0; a <= OBJECT; a++) {
      for (let b = 0; b <= OBJECT; b++) {
        const expected = a === b || (a !== OBJECT && b !== OBJECT && (a === BYTES || b === BYTES));
        expect(isCompatible(a, b)).toBe(expected);
      }
    }
  });
});

describe('arrays by code', () => {
  it('have the type and length asked for', () => {
    for (let code = 0; code < OBJECT; code++) {
      const array = createArray(code, 5);
      expect(elementCode(array)).toBe(code === BYTES ? U8 : code);
      expect(elementCount(code, array)).toBe(5);
      expect(array.constructor).toBe(arrayConstructor(code));
      expect(array.buffer).toBeInstanceOf(ArrayBuffer);
    }
    expect(() => createArray(OBJECT, 1)).toThrow('no array holds elements of code 12');
  });

  it('show exactly their own bytes', () => {
    const whole = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect([...bytesOf(new Int16Array(whole.buffer, 4, 3))]).toEqual([4, 5, 6, 7, 8, 9]);
    expect([...bytesOf(new DataView(whole.buffer, 30))]).toEqual([30, 31]);
    expect(bytesOf(whole.buffer).buffer).toBe(whole.buffer);
  });
});

describe('types', () => {
  it('of results and of receive buffers follow the data', () => {
    expectTypeOf<Fresh<Float64Array<SharedArrayBuffer>>>().toEqualTypeOf<Float64Array<ArrayBuffer>>();
    expectTypeOf<Fresh<Buffer>>().toEqualTypeOf<Uint8Array<ArrayBuffer>>();
    expectTypeOf<Fresh<number>>().toEqualTypeOf<Float64Array<ArrayBuffer>>();
    expectTypeOf<Into<bigint>>().toEqualTypeOf<BigInt64Array | Layout<BigInt64Array>>();
    expectTypeOf<Into<DataView>>().toEqualTypeOf<RawBytes | Uint8Array | Layout<RawBytes>>();
    expect(elementCode(new BigInt64Array(1))).toBe(I64);
  });
});

describe('views', () => {
  it('lie over the whole buffer, one of each type', () => {
    for (const buffer of [new ArrayBuffer(64), new SharedArrayBuffer(64)]) {
      const views = new ElementViews(buffer);
      expect(views.byCode.map((view) => elementCode(view))).toEqual([U8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
      for (const view of views.byCode) expect([view.buffer, view.byteLength]).toEqual([buffer, 64]);
    }
  });

  it('refuse a buffer that is not made of whole words', () => {
    expect(() => new ElementViews(new ArrayBuffer(12))).toThrow('12 bytes, which is no multiple of 8');
  });
});
