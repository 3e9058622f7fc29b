/**
 * Element types: what the elements of a message are, as small integer codes and as names.
 *
 * The idea: a typed array says its type itself, so the code is read from the array, never passed beside it. Codes
 * travel in the frame's type byte and index the kernel tables; they never change. DataView, ArrayBuffer,
 * SharedArrayBuffer and Node's Buffer are bytes, and bytes agree with every element type.
 *
 * Limits: derived datatypes are layouts over arrays, not element types; Float16Array is not one either.
 */

import { types } from 'node:util';
import { ELEMENT_NAMES } from '../base/operation.ts';

export const BYTES = 0;
export const I8 = 1;
export const U8 = 2;
export const U8C = 3;
export const I16 = 4;
export const U16 = 5;
export const I32 = 6;
export const U32 = 7;
export const F32 = 8;
export const F64 = 9;
export const I64 = 10;
export const U64 = 11;
/** An object message (object-codec.ts): never in an array. */
export const OBJECT = 12;

/** Element types of typed arrays, as `Status.type` names them. */
export type ElementType = 'i8' | 'u8' | 'u8c' | 'i16' | 'u16' | 'i32' | 'u32' | 'f32' | 'f64' | 'i64' | 'u64';

export { ELEMENT_NAMES };

/** log2 of the element's size in bytes, by code. */
export const ELEMENT_SHIFT: Uint8Array = Uint8Array.of(0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 0);

/** Bytes of one element by code. */
export const ELEMENT_BYTES: Uint8Array = Uint8Array.of(1, 1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 1);

/** Arrays that are messages: the element type is the datatype. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** Memory without an element type: it travels as bytes and agrees with every type. */
export type RawBytes = DataView | ArrayBuffer | SharedArrayBuffer;

/** A `number` stands for one float64, a `bigint` for one int64. */
export type Scalar = number | bigint;

/** Memory that elements lie in. */
export type Memory = TypedArray | RawBytes;

/** A constructor of typed arrays; `createArray` and `arrayConstructor` answer with these. */
export interface ArrayConstructor<A extends TypedArray = TypedArray> {
  new (length: number): A;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): A;
  readonly BYTES_PER_ELEMENT: number;
}

const CONSTRUCTORS: readonly ArrayConstructor[] = [
  Uint8Array,
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

// The getters of %TypedArray%.prototype read the object's internals: right for subclasses and arrays of other realms, and
// nothing a program writes on an object can fool them. Optimised code inlines them: the type takes 4-5 ns for one type or
// for all eleven (5 and 10 by `constructor`), the length 3 ns (a `.length` that has seen all types 10).
const PROTOTYPE: object = Object.getPrototypeOf(Uint8Array.prototype);
const tagOf = Object.getOwnPropertyDescriptor(PROTOTYPE, Symbol.toStringTag)!.get as (this: unknown) => string | undefined;
const lengthOf = Object.getOwnPropertyDescriptor(PROTOTYPE, 'length')!.get as (this: unknown) => number;

/** Return the code of what data holds, or -1 when it cannot be a message. */
export function elementCode(data: unknown): number {
  switch (tagOf.call(data)) {
    case 'Float64Array':
      return F64;
    case 'Int32Array':
      return I32;
    case 'Uint8Array':
      return (data as Uint8Array).constructor === Uint8Array || !Buffer.isBuffer(data) ? U8 : BYTES;
    case 'Float32Array':
      return F32;
    case 'Uint32Array':
      return U32;
    case 'Int8Array':
      return I8;
    case 'Uint8ClampedArray':
      return U8C;
    case 'Int16Array':
      return I16;
    case 'Uint16Array':
      return U16;
    case 'BigInt64Array':
      return I64;
    case 'BigUint64Array':
      return U64;
    case undefined:
      return types.isDataView(data) || types.isAnyArrayBuffer(data) ? BYTES : -1;
    default:
      return -1;
  }
}

/** Return how many elements data of that code has; bytes for code 0. */
export function elementCount(code: number, data: Memory): number {
  return code === BYTES ? data.byteLength : lengthOf.call(data);
}

/** Return whether a message of one type may be received into another: the same, or one of them bytes; objects only as objects. */
export function isCompatible(sendCode: number, recvCode: number): boolean {
  return sendCode === recvCode || (sendCode === BYTES && recvCode !== OBJECT) || (recvCode === BYTES && sendCode !== OBJECT);
}

/** Return the constructor for a code; bytes are Uint8Array. */
export function arrayConstructor(code: number): ArrayConstructor {
  const ctor = CONSTRUCTORS[code];
  if (ctor === undefined) throw new RangeError(`no array holds elements of code ${code}`);
  return ctor;
}

/** Make an array of zeros over an ArrayBuffer of its own. */
export function createArray(code: number, length: number): TypedArray {
  return new (arrayConstructor(code))(length);
}

/** Make an array of that type over memory that is there. */
export function viewOf(code: number, buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray {
  return new (arrayConstructor(code))(buffer, byteOffset, length);
}

/** Return a view over exactly the bytes of data, whatever holds them. */
export function bytesOf(data: Memory): Uint8Array {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}
