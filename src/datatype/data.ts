/**
 * Data: what can stand in a call that sends or receives, and the types of what calls return.
 */

import type { Layout } from './derived/datatype.ts';
import type { Memory, RawBytes, Scalar, TypedArray } from './element-type.ts';

/** What can be received into: a typed array, raw memory (it travels as bytes), or a datatype laid over either. */
export type Data = Memory | Layout;

/** What can be sent. */
export type SendData = Data | Scalar;

/** What can be reduced. */
export type Reducible = TypedArray | Layout<TypedArray>;

/**
 * A fresh array of A's element type, always over a plain ArrayBuffer: what a call returns that was given no `into`.
 * (TypedArrays are generic in their buffer; `A` itself would claim that a result lies over a SharedArrayBuffer or is a Buffer.)
 */
export type Fresh<A> =
  A extends Layout<infer E>
    ? Fresh<E>
    : A extends Float64Array
      ? Float64Array<ArrayBuffer>
      : A extends Float32Array
        ? Float32Array<ArrayBuffer>
        : A extends Int8Array
          ? Int8Array<ArrayBuffer>
          : A extends Uint8ClampedArray
            ? Uint8ClampedArray<ArrayBuffer>
            : A extends Int16Array
              ? Int16Array<ArrayBuffer>
              : A extends Uint16Array
                ? Uint16Array<ArrayBuffer>
                : A extends Int32Array
                  ? Int32Array<ArrayBuffer>
                  : A extends Uint32Array
                    ? Uint32Array<ArrayBuffer>
                    : A extends BigInt64Array
                      ? BigInt64Array<ArrayBuffer>
                      : A extends BigUint64Array
                        ? BigUint64Array<ArrayBuffer>
                        : A extends Uint8Array
                          ? Uint8Array<ArrayBuffer>
                          : A extends number
                            ? Float64Array<ArrayBuffer>
                            : A extends bigint
                              ? BigInt64Array<ArrayBuffer>
                              : A extends RawBytes
                                ? Uint8Array<ArrayBuffer>
                                : never;

/** What may stand in `into` for data A: the same element type over any buffer, or a layout over it. */
export type Into<A> =
  A extends Layout<infer E>
    ? Into<E>
    : A extends Float64Array | number
      ? Float64Array | Layout<Float64Array>
      : A extends Float32Array
        ? Float32Array | Layout<Float32Array>
        : A extends Int8Array
          ? Int8Array | Layout<Int8Array>
          : A extends Uint8ClampedArray
            ? Uint8ClampedArray | Layout<Uint8ClampedArray>
            : A extends Int16Array
              ? Int16Array | Layout<Int16Array>
              : A extends Uint16Array
                ? Uint16Array | Layout<Uint16Array>
                : A extends Int32Array
                  ? Int32Array | Layout<Int32Array>
                  : A extends Uint32Array
                    ? Uint32Array | Layout<Uint32Array>
                    : A extends BigInt64Array | bigint
                      ? BigInt64Array | Layout<BigInt64Array>
                      : A extends BigUint64Array
                        ? BigUint64Array | Layout<BigUint64Array>
                        : A extends Uint8Array
                          ? Uint8Array | Layout<Uint8Array>
                          : A extends RawBytes
                            ? RawBytes | Uint8Array | Layout<RawBytes>
                            : never;

/** Data of the v-collectives: what each rank gives or takes, `counts[r]` elements from element `displs[r]` on. */
export interface Parts<A extends TypedArray | Layout = TypedArray | Layout> {
  /** An array, or a layout, whose elements count in its order. */
  readonly data: A;
  /** Elements for each rank. */
  readonly counts: ArrayLike<number>;
  /** First element of each rank; without it the parts lie one behind the other. */
  readonly displs?: ArrayLike<number>;
}

/** What a v-collective returns when it was given no receive parts. */
export interface FilledParts<A extends TypedArray> {
  readonly data: A;
  readonly counts: Int32Array;
  readonly displs: Int32Array;
}
