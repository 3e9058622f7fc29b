/**
 * Structs: items of named fields, laid out as a C compiler would, with the TypeScript type of their values.
 *
 * Fields stand in the order given, each aligned to its size; an item is padded to its largest field's alignment. Padding
 * does not travel. Bytes are in the order of this machine, as in typed arrays.
 */

import { MpiError } from '../../base/errors.ts';
import {
  BYTES,
  ELEMENT_BYTES,
  elementCode,
  F32,
  F64,
  I8,
  I16,
  I32,
  I64,
  type Memory,
  type RawBytes,
  U8,
  U16,
  U32,
  U64,
} from '../element-type.ts';
import { type ArrayLayout, isLayout } from './array-layout.ts';
import type { BaseType, Element, Layout } from './datatype.ts';
import { DerivedType, MIXED } from './derived-type.ts';
import { type Shape, sequence, shift } from './shape.ts';

/** What a field may be: an element type, or another struct. */
export type Field = Element<number> | Element<bigint> | Struct<Fields>;
// biome-ignore lint/suspicious/noExplicitAny: a struct of any fields, which an interface generic in itself cannot say otherwise
export type Fields = { readonly [name: string]: Element<number> | Element<bigint> | Struct<any> };
/** What a struct's value looks like in JavaScript. */
export type ValueOf<F extends Fields> = {
  -readonly [K in keyof F]: F[K] extends Struct<infer G> ? ValueOf<G> : F[K] extends Element<infer V> ? V : never;
};
/** The value of `struct({...})`: `type Particle = StructValue<typeof Particle>`. */
export type StructValue<S> = S extends Struct<infer F> ? ValueOf<F> : never;

/** A datatype of named fields. Standard: 5.1.2. */
export interface Struct<F extends Fields> extends BaseType {
  /** Byte offset of each field in an item. */
  readonly offsets: { readonly [K in keyof F]: number };
  /** Memory for so many, all zero. */
  alloc(count: number): DataView<ArrayBuffer>;
  /** Lay it over memory: all items that fit from byte `offset` on (one: `contiguous(1, P).of(view)`). */
  of<A extends RawBytes>(view: A, offset?: number): Layout<A>;
  /** Item `index`. Errors: ERR_MPI_BUFFER outside of the memory. */
  read(view: RawBytes, index: number): ValueOf<F>;
  /** Set item `index`. Errors: ERR_MPI_BUFFER outside of the memory, ERR_MPI_TYPE when a field is missing. */
  write(view: RawBytes, index: number, value: ValueOf<F>): void;
  /** Values as a layout over fresh memory, to send. */
  encode(values: Iterable<ValueOf<F>>): Layout<DataView<ArrayBuffer>>;
  /** All values of a layout or of memory. */
  decode(data: Layout | RawBytes): ValueOf<F>[];
}

type Value = Record<string, unknown>;

interface Access {
  readonly read: (view: DataView, at: number) => unknown;
  readonly write: (view: DataView, at: number, value: never) => void;
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const ACCESS: Readonly<Record<number, Access>> = {
  [I8]: { read: (view, at) => view.getInt8(at), write: (view, at, value) => view.setInt8(at, value) },
  [U8]: { read: (view, at) => view.getUint8(at), write: (view, at, value) => view.setUint8(at, value) },
  [I16]: {
    read: (view, at) => view.getInt16(at, LITTLE_ENDIAN),
    write: (view, at, value) => view.setInt16(at, value, LITTLE_ENDIAN),
  },
  [U16]: {
    read: (view, at) => view.getUint16(at, LITTLE_ENDIAN),
    write: (view, at, value) => view.setUint16(at, value, LITTLE_ENDIAN),
  },
  [I32]: {
    read: (view, at) => view.getInt32(at, LITTLE_ENDIAN),
    write: (view, at, value) => view.setInt32(at, value, LITTLE_ENDIAN),
  },
  [U32]: {
    read: (view, at) => view.getUint32(at, LITTLE_ENDIAN),
    write: (view, at, value) => view.setUint32(at, value, LITTLE_ENDIAN),
  },
  [F32]: {
    read: (view, at) => view.getFloat32(at, LITTLE_ENDIAN),
    write: (view, at, value) => view.setFloat32(at, value, LITTLE_ENDIAN),
  },
  [F64]: {
    read: (view, at) => view.getFloat64(at, LITTLE_ENDIAN),
    write: (view, at, value) => view.setFloat64(at, value, LITTLE_ENDIAN),
  },
  [I64]: {
    read: (view, at) => view.getBigInt64(at, LITTLE_ENDIAN),
    write: (view, at, value) => view.setBigInt64(at, value, LITTLE_ENDIAN),
  },
  [U64]: {
    read: (view, at) => view.getBigUint64(at, LITTLE_ENDIAN),
    write: (view, at, value) => view.setBigUint64(at, value, LITTLE_ENDIAN),
  },
};

/** One field: where it lies, and how it is read. */
interface Member extends Access {
  readonly name: string;
  readonly offset: number;
}

class StructType extends DerivedType {
  readonly alignment: number;
  readonly offsets: Record<string, number>;
  readonly #members: readonly Member[];

  constructor(shape: Shape, extent: number, alignment: number, members: readonly Member[]) {
    super(MIXED, shape, 0, extent);
    this.alignment = alignment;
    this.#members = members;
    this.offsets = Object.fromEntries(members.map(({ name, offset }) => [name, offset]));
  }

  alloc(count: number): DataView<ArrayBuffer> {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new MpiError('ERR_MPI_COUNT', `alloc of a struct got ${String(count)}: expected an integer, 0 or more`);
    }
    return new DataView(new ArrayBuffer(count * this.extent));
  }

  override of<A extends Memory>(view: A, offset = 0): ArrayLayout<A> {
    // Anything but bytes is refused there.
    const isBytes = elementCode(view) === BYTES;
    const count = isBytes && Number.isSafeInteger(offset) ? Math.floor((view.byteLength - offset) / this.extent) : 1;
    return this.layItems(view, offset, Math.max(0, count));
  }

  read(memory: RawBytes, index: number): Value {
    return this.readAt(viewOver(memory), this.#place(memory, index));
  }

  write(memory: RawBytes, index: number, value: Value): void {
    this.writeAt(viewOver(memory), this.#place(memory, index), value);
  }

  encode(values: Iterable<Value>): ArrayLayout<DataView<ArrayBuffer>> {
    const list = Array.from(values);
    const view = this.alloc(list.length);
    for (const [index, value] of list.entries()) this.writeAt(view, index * this.extent, value);
    return this.of(view);
  }

  decode(data: Layout | RawBytes): Value[] {
    const memory = isLayout(data) ? (data.array as RawBytes) : (data as RawBytes);
    const start = isLayout(data) ? data.byteOffset : 0;
    const view = viewOver(memory);
    const count = isLayout(data) ? data.byteLength / this.size : Math.floor(view.byteLength / this.extent);
    return Array.from({ length: count }, (_, index) => this.readAt(view, start + index * this.extent));
  }

  readAt(view: DataView, at: number): Value {
    const value: Value = {};
    for (const { name, offset, read } of this.#members) value[name] = read(view, at + offset);
    return value;
  }

  writeAt(view: DataView, at: number, value: Value): void {
    for (const { name, offset, write } of this.#members) {
      const field = value?.[name];
      if (field === undefined) {
        throw new MpiError(
          'ERR_MPI_TYPE',
          `a struct's value lacks the field ${name}: expected ${Object.keys(this.offsets).join(', ')}`,
        );
      }
      write(view, at + offset, field as never);
    }
  }

  #place(memory: RawBytes, index: number): number {
    const items = Math.floor(memory.byteLength / this.extent);
    if (Number.isInteger(index) && index >= 0 && index < items) return index * this.extent;
    throw new MpiError(
      'ERR_MPI_BUFFER',
      `item ${String(index)} of memory that holds ${items} structs: expected an index below that`,
    );
  }
}

function viewOver(memory: RawBytes): DataView {
  return ArrayBuffer.isView(memory) ? new DataView(memory.buffer, memory.byteOffset, memory.byteLength) : new DataView(memory);
}

/**
 * A datatype of named fields: `struct({ x: f64, id: u32 })`; a field may be a struct itself.
 *
 * @throws MpiError ERR_MPI_TYPE for a field that is neither an element type nor a struct, ERR_MPI_ARG without fields.
 */
export function struct<const F extends Fields>(fields: F): Struct<F> {
  const members: Member[] = [];
  const shapes: Shape[] = [];
  let end = 0;
  let largest = 1;
  for (const [name, field] of Object.entries<unknown>(fields)) {
    const { datatype, alignment, access } = describeField(name, field);
    const offset = Math.ceil(end / alignment) * alignment;
    members.push({ name, offset, ...access });
    shapes.push(shift(datatype.shape, offset));
    end = offset + datatype.extent;
    largest = Math.max(largest, alignment);
  }
  if (members.length === 0)
    throw new MpiError('ERR_MPI_ARG', 'struct got no fields: expected one at least, as in struct({ x: f64 })');
  const extent = Math.ceil(end / largest) * largest;
  return new StructType(sequence(shapes), extent, largest, members) as unknown as Struct<F>;
}

function describeField(name: string, field: unknown): { datatype: DerivedType; alignment: number; access: Access } {
  if (field instanceof StructType) {
    const access: Access = {
      read: (view, at) => field.readAt(view, at),
      write: (view, at, value) => field.writeAt(view, at, value),
    };
    return { datatype: field, alignment: field.alignment, access };
  }
  const access = field instanceof DerivedType && field.shape.kind === 'run' ? ACCESS[field.code] : undefined;
  if (access === undefined || (field as DerivedType).size !== ELEMENT_BYTES[(field as DerivedType).code]) {
    throw new MpiError(
      'ERR_MPI_TYPE',
      `struct: field ${name} is ${String(field)}: expected an element type such as f64, or a struct`,
    );
  }
  const datatype = field as DerivedType;
  return { datatype, alignment: datatype.size, access };
}
