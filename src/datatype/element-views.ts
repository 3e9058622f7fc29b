/**
 * ElementViews: one view of each element type over the whole of one buffer.
 *
 * The idea: kernels index a view that exists already, since making a view costs a hundred times a short copy. Used for
 * the segment (one per rank and process) and for buffers that messages arrive in.
 *
 * Limits: the buffer's length is a multiple of 8 and does not change; offsets into a view are byte offsets shifted by
 * ELEMENT_SHIFT, so payloads begin at multiples of 8.
 */

import { invariant } from '../base/errors.ts';
import type { TypedArray } from './element-type.ts';

export class ElementViews {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly i8: Int8Array;
  readonly u8: Uint8Array;
  readonly u8c: Uint8ClampedArray;
  readonly i16: Int16Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  readonly u64: BigUint64Array;
  /** The views by code; bytes are `u8`. */
  readonly byCode: readonly TypedArray[];

  constructor(buffer: ArrayBuffer | SharedArrayBuffer) {
    invariant(buffer.byteLength % 8 === 0, `views over ${buffer.byteLength} bytes, which is no multiple of 8`);
    this.buffer = buffer;
    this.i8 = new Int8Array(buffer);
    this.u8 = new Uint8Array(buffer);
    this.u8c = new Uint8ClampedArray(buffer);
    this.i16 = new Int16Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.byCode = [
      this.u8,
      this.i8,
      this.u8,
      this.u8c,
      this.i16,
      this.u16,
      this.i32,
      this.u32,
      this.f32,
      this.f64,
      this.i64,
      this.u64,
    ];
  }
}
