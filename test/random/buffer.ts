/**
 * Buffers of random programs: what kinds there are, how they are made, and what they must hold.
 *
 * The idea: a buffer is described by data (BufferSpec) and its elements by a seed, so that both sides of a message, and the
 * model, make them on their own. Memory around the elements holds a fixed byte, which must still be there at the end.
 *
 * Whoever uses a Room reads and writes elements by number only. So a kind of buffer more (a derived datatype's layout) is a
 * row of PLACES and what makeRoom makes of it: the memory, what a call is given, and where in it element i lies.
 */

import { type Data, vector } from 'tsmpi';

export const ELEMENT_SIZES = {
  i8: 1,
  u8: 1,
  u8c: 1,
  i16: 2,
  u16: 2,
  i32: 4,
  u32: 4,
  f32: 4,
  f64: 8,
  i64: 8,
  u64: 8,
  bytes: 1,
} as const;
export type TypeName = keyof typeof ELEMENT_SIZES;
export const TYPES: readonly TypeName[] = Object.keys(ELEMENT_SIZES) as TypeName[];

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

interface ArrayMaker {
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray;
}

const ARRAYS: Readonly<Record<TypeName, ArrayMaker>> = {
  i8: Int8Array,
  u8: Uint8Array,
  u8c: Uint8ClampedArray,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  bytes: Uint8Array,
};

const GUARD = 0x5a;
const GUARD_BYTES = 16;

const unshared = (byteLength: number): ArrayBufferLike => new ArrayBuffer(byteLength);
const shared = (byteLength: number): ArrayBufferLike => new SharedArrayBuffer(byteLength);

/** Where elements lie: alone in their memory, amid more, in memory that threads share, each third of an array's as a layout. */
const PLACES = {
  alone: { guardBytes: 0, stride: 1, allocate: unshared },
  amid: { guardBytes: GUARD_BYTES, stride: 1, allocate: unshared },
  shared: { guardBytes: GUARD_BYTES, stride: 1, allocate: shared },
  column: { guardBytes: GUARD_BYTES, stride: 3, allocate: unshared },
} as const;
export type PlaceName = keyof typeof PLACES;
export const PLACE_NAMES: readonly PlaceName[] = Object.keys(PLACES) as PlaceName[];
/** Those that need no layout. */
export const ARRAY_PLACES: readonly PlaceName[] = PLACE_NAMES.filter((name) => PLACES[name].stride === 1);

export interface BufferSpec {
  readonly type: TypeName;
  readonly count: number;
  readonly seed: number;
  readonly place: PlaceName;
}

/** A buffer of a program: what is given to a call, and its elements. */
export interface Room {
  /** What the call gets: a typed array or a layout; for bytes a DataView, an ArrayBuffer or a Buffer. */
  readonly data: Data;
  /** The elements as they are now, a copy. */
  read(): TypedArray;
  /** Set elements, from index `at` on. */
  write(values: TypedArray, at?: number): void;
  /** Whether the memory around the elements is as it was. */
  isGuarded(): boolean;
  /** Make the elements what they are in a buffer that nothing was written to. */
  clear(): void;
}

/** Make a buffer that holds those elements; without them one for a result, which holds other bytes. */
export function makeRoom(spec: BufferSpec, values?: TypedArray): Room {
  const { guardBytes, stride, allocate } = PLACES[spec.place];
  const size = ELEMENT_SIZES[spec.type];
  const byteLength = spec.count * stride * size;
  const memory = allocate(byteLength + 2 * guardBytes);
  const bytes = new Uint8Array(memory).fill(GUARD);
  const array = new ARRAYS[spec.type](memory, guardBytes, spec.count * stride);
  const isElement = (at: number): boolean => {
    const offset = at - guardBytes;
    return offset >= 0 && offset < byteLength && Math.floor(offset / size) % stride === 0;
  };
  const room = {
    data:
      spec.type === 'bytes'
        ? asBytes(memory, guardBytes, byteLength, spec.seed)
        : stride === 1
          ? array
          : vector(spec.count, 1, stride).of(array),
    read: () => (stride === 1 ? array.slice() : array.filter((_: unknown, i: number) => i % stride === 0)),
    write: (given: TypedArray, at = 0) => {
      if (stride === 1) array.set(given as never, at);
      else for (let i = 0; i < given.length; i++) array[(at + i) * stride] = given[i] as never;
    },
    isGuarded: () =>
      stride === 1 ? guardsOf(bytes, guardBytes, byteLength) : bytes.every((byte, at) => byte === GUARD || isElement(at)),
    clear: () => void bytes.fill(GUARD),
  };
  if (values !== undefined) room.write(values);
  return room;
}

function guardsOf(bytes: Uint8Array, guardBytes: number, byteLength: number): boolean {
  const isGuard = (byte: number): boolean => byte === GUARD;
  return bytes.subarray(0, guardBytes).every(isGuard) && bytes.subarray(guardBytes + byteLength).every(isGuard);
}

function asBytes(memory: ArrayBufferLike, byteOffset: number, byteLength: number, seed: number): Data {
  if (memory.byteLength === byteLength && seed % 3 === 0) return memory as ArrayBuffer;
  return seed % 3 === 1
    ? new DataView(memory, byteOffset, byteLength)
    : Buffer.from(memory as ArrayBuffer, byteOffset, byteLength);
}

/** Make an array of that type, of zeros. */
export function makeArray(type: TypeName, count: number): TypedArray {
  return new ARRAYS[type](count);
}

/** Arrays of that type, one behind the other. */
export function joined(type: TypeName, parts: readonly TypedArray[]): TypedArray {
  const whole = makeArray(
    type,
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part as never, at);
    at += part.length;
  }
  return whole;
}

/** Arrays made lately: both ends of a message and the model ask for the same ones. */
const recent = new Map<string, TypedArray>();
const MOST_RECENT = 100;

/** The elements that a seed stands for, to be read only: integers that every type holds, below `limit`. */
export function valuesOf(type: TypeName, count: number, seed: number, limit = 251): TypedArray {
  const key = `${type} ${count} ${seed} ${limit}`;
  const known = recent.get(key);
  if (known !== undefined) return known;
  const values = makeArray(type, count);
  const isBig = type === 'i64' || type === 'u64';
  for (let i = 0; i < count; i++) {
    const value = scramble(seed, i) % limit;
    values[i] = (isBig ? BigInt(value) : value) as never;
  }
  if (recent.size >= MOST_RECENT) recent.clear();
  recent.set(key, values);
  return values;
}

/** A number from two: no pattern that a shifted or swapped element would fit. */
export function scramble(seed: number, i: number): number {
  const mixed = Math.imul(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(i + 1, 0x85ebca77), 0xc2b2ae3d);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** The bytes of an array, a copy. */
export function bytesOf({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength).slice();
}

/** Where an array differs from what was expected, in words; undefined: nowhere. */
export function differenceOf(elements: TypedArray, expected: TypedArray): string | undefined {
  if (elements.length !== expected.length) return `${elements.length} elements, expected ${expected.length}`;
  let wrong = 0;
  let at = -1;
  for (let i = 0; i < expected.length; i++) {
    if (elements[i] === expected[i]) continue;
    if (wrong++ === 0) at = i;
  }
  if (wrong === 0) return undefined;
  const shown = (array: TypedArray): string => Array.from(array.subarray(at, at + 4) as Float64Array).join(' ');
  return `${wrong} of ${expected.length} elements are wrong, from index ${at} on: ${shown(elements)}, expected ${shown(expected)}`;
}
