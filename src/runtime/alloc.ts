/**
 * alloc: memory that every transport likes, page-aligned, on huge pages where it is large.
 *
 * A SharedArrayBuffer starts 16 bytes into its page, so a shared array is laid into one that is a page longer.
 */

import { MpiError } from '../base/errors.ts';
import type { TypedArray } from '../datatype/element-type.ts';
import { loadAddon } from '../native/loader.ts';

type Ctor =
  | typeof Int8Array
  | typeof Uint8Array
  | typeof Uint8ClampedArray
  | typeof Int16Array
  | typeof Uint16Array
  | typeof Int32Array
  | typeof Uint32Array
  | typeof Float32Array
  | typeof Float64Array
  | typeof BigInt64Array
  | typeof BigUint64Array;

/** The array that a constructor makes, over a buffer of type B. */
export type Over<C extends Ctor, B extends ArrayBufferLike> = C extends typeof Float64Array
  ? Float64Array<B>
  : C extends typeof Float32Array
    ? Float32Array<B>
    : C extends typeof Int32Array
      ? Int32Array<B>
      : C extends typeof Uint32Array
        ? Uint32Array<B>
        : C extends typeof Int16Array
          ? Int16Array<B>
          : C extends typeof Uint16Array
            ? Uint16Array<B>
            : C extends typeof Int8Array
              ? Int8Array<B>
              : C extends typeof Uint8ClampedArray
                ? Uint8ClampedArray<B>
                : C extends typeof BigInt64Array
                  ? BigInt64Array<B>
                  : C extends typeof BigUint64Array
                    ? BigUint64Array<B>
                    : C extends typeof Uint8Array
                      ? Uint8Array<B>
                      : never;

/** Arrays of at least so many bytes ask for huge pages. */
const HUGE_BYTES = 1 << 21;
const PAGE_BYTES = 4096;
/** What all constructors of typed arrays derive from; it has no name of its own. */
const TYPED_ARRAY: unknown = Object.getPrototypeOf(Uint8Array);

/**
 * Allocate a zeroed, page-aligned array of `length` elements. `shared`: over a SharedArrayBuffer, for worker threads.
 * Without the addon an ordinary array is returned, whose alignment is the engine's. Errors: ERR_MPI_TYPE,
 * ERR_MPI_COUNT, ERR_MPI_NO_MEM.
 */
export function alloc<C extends Ctor>(ctor: C, length: number, options: { shared: true }): Over<C, SharedArrayBuffer>;
export function alloc<C extends Ctor>(ctor: C, length: number, options?: { shared?: boolean }): Over<C, ArrayBuffer>;
export function alloc(ctor: Ctor, length: number, options?: { shared?: boolean }): TypedArray {
  if (typeof ctor !== 'function' || Object.getPrototypeOf(ctor) !== TYPED_ARRAY) {
    const given = typeof ctor === 'function' ? (ctor as { name: string }).name : String(ctor);
    throw new MpiError('ERR_MPI_TYPE', `alloc got ${given}: expected the constructor of a typed array, as Float64Array`);
  }
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new MpiError('ERR_MPI_COUNT', `alloc got ${String(length)} for its length: expected an integer, 0 or more`);
  }
  const byteLength = length * ctor.BYTES_PER_ELEMENT;
  const Over = ctor as new (buffer: ArrayBufferLike, byteOffset: number, length: number) => TypedArray;
  const { addon } = loadAddon();
  try {
    if (options?.shared === true) {
      const buffer = new SharedArrayBuffer(byteLength + PAGE_BYTES);
      const misalignment = addon === undefined ? 0 : addon.addressOf(new Uint8Array(buffer)) % PAGE_BYTES;
      return new Over(buffer, (PAGE_BYTES - misalignment) % PAGE_BYTES, length);
    }
    if (addon === undefined || byteLength === 0) return new ctor(length);
    return new Over(addon.allocate(byteLength, byteLength >= HUGE_BYTES), 0, length);
  } catch (error) {
    throw new MpiError('ERR_MPI_NO_MEM', `alloc could not have ${byteLength} bytes: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
