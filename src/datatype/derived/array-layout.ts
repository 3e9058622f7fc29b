/**
 * ArrayLayout: a datatype laid over an array, as the engine and the collectives use it.
 *
 * The idea: it looks like `byteLength` packed bytes of `count` elements; `pack` and `unpack` move any stretch of them, so
 * nobody needs all of them at once. A layout that is one aligned run is an ordinary array (`contiguous`).
 */

import { createArray, ELEMENT_BYTES, type Memory, type TypedArray, viewOf } from '../element-type.ts';
import type { Datatype, Layout } from './datatype.ts';
import { Mover, type WordViews, wordViews } from './mover.ts';
import type { Shape } from './shape.ts';

export class ArrayLayout<A extends Memory = Memory> implements Layout<A> {
  readonly array: A;
  readonly byteOffset: number;
  readonly datatype: Datatype;
  /** Element type of the message: bytes for a struct of several types. */
  readonly code: number;
  /** Packed bytes. */
  readonly byteLength: number;
  /** Bytes of what a status counts: an element, or a whole struct. */
  readonly unitBytes: number;
  readonly #shape: Shape;
  /** Where it begins in the buffer. */
  readonly #base: number;
  #views: WordViews | undefined = undefined;

  constructor(array: A, byteOffset: number, datatype: Datatype, code: number, unitBytes: number, shape: Shape) {
    this.array = array;
    this.byteOffset = byteOffset;
    this.datatype = datatype;
    this.code = code;
    this.unitBytes = unitBytes;
    this.byteLength = shape.size;
    this.#shape = shape;
    this.#base = byteOffset + (ArrayBuffer.isView(array) ? array.byteOffset : 0);
  }

  /** Elements of type `code`. */
  get count(): number {
    return this.byteLength / ELEMENT_BYTES[this.code]!;
  }

  get #buffer(): ArrayBufferLike {
    return ArrayBuffer.isView(this.array) ? this.array.buffer : (this.array as ArrayBufferLike);
  }

  /** The elements as an array over the same memory, when they lie one behind the other and aligned. */
  get contiguous(): TypedArray | undefined {
    if (this.#shape.kind !== 'run') return undefined;
    if (this.byteLength === 0) return createArray(this.code, 0);
    const start = this.#base + this.#shape.offset;
    return start % ELEMENT_BYTES[this.code]! === 0 ? viewOf(this.code, this.#buffer, start, this.count) : undefined;
  }

  /** Whether the memory was transferred away (structuredClone). */
  get isDetached(): boolean {
    return this.byteLength !== 0 && this.#buffer.byteLength === 0;
  }

  /** Copy the packed bytes [skip, skip + length) to byte `at` of other memory. */
  pack(skip: number, length: number, into: WordViews, at: number): void {
    new Mover(this.#memory(), into, true).move(this.#shape, this.#base, skip, length, at);
  }

  /** Fill the packed bytes [skip, skip + length) from byte `at` of other memory. */
  unpack(skip: number, length: number, from: WordViews, at: number): void {
    new Mover(this.#memory(), from, false).move(this.#shape, this.#base, skip, length, at);
  }

  /** Copy all elements into an array of as many, by default a fresh one. */
  toArray(array: TypedArray = createArray(this.code, this.count)): TypedArray {
    this.pack(0, this.byteLength, wordViews(array.buffer), array.byteOffset);
    return array;
  }

  /** Fill all elements from an array of as many. */
  fromArray(array: TypedArray): void {
    this.unpack(0, this.byteLength, wordViews(array.buffer), array.byteOffset);
  }

  #memory(): WordViews {
    this.#views ??= wordViews(this.#buffer);
    return this.#views;
  }
}

/** Return whether data is a layout, as `of` makes them. */
export function isLayout(data: unknown): data is ArrayLayout {
  return data instanceof ArrayLayout;
}
