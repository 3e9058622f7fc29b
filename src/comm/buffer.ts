/**
 * Buffers: what a program passed as data, as the engine needs it: an array, its element code and count.
 *
 * Numbers become one float64, bigints one int64, raw bytes a Uint8Array over exactly their bytes; a layout stays one unless
 * its elements lie one behind the other.
 */

import { MpiError } from '../base/errors.ts';
import { type ArrayLayout, isLayout } from '../datatype/derived/array-layout.ts';
import {
  BYTES,
  bytesOf,
  ELEMENT_BYTES,
  elementCode,
  elementCount,
  F64,
  I64,
  type Memory,
  type TypedArray,
} from '../datatype/element-type.ts';

/** In the place of an array, where a layout says where the elements lie. */
const NOTHING = new Uint8Array(0);

/** An array with its element type. */
export interface Elements {
  readonly array: TypedArray;
  readonly code: number;
  readonly count: number;
  readonly byteLength: number;
  /** Where the elements lie when that is not `array`. */
  readonly layout?: ArrayLayout | undefined;
}

/** Describe what is sent. Errors: ERR_MPI_TYPE. */
export function sendElements(data: unknown, call: string): Elements {
  if (typeof data === 'number') return { array: Float64Array.of(data), code: F64, count: 1, byteLength: 8 };
  if (typeof data === 'bigint') return { array: BigInt64Array.of(data), code: I64, count: 1, byteLength: 8 };
  return bufferElements(data, call);
}

/** Describe a buffer that is read or written in place. Errors: ERR_MPI_TYPE. */
export function bufferElements(data: unknown, call: string): Elements {
  const code = elementCode(data);
  if (code > 0) {
    const array = data as TypedArray;
    return { array, code, count: elementCount(code, array), byteLength: array.byteLength };
  }
  if (code < 0) return layoutElements(data, call);
  const array = bytesOf(data as Memory);
  return { array, code: BYTES, count: array.length, byteLength: array.length };
}

/** Describe a layout; one that is a run of elements is as good as an array. */
function layoutElements(data: unknown, call: string): Elements {
  if (!isLayout(data)) throw wrongType(data, call);
  const { code, count, byteLength, unitBytes, contiguous } = data;
  // A struct stays a layout: a status counts whole ones.
  if (contiguous !== undefined && unitBytes === ELEMENT_BYTES[code]) return { array: contiguous, code, count, byteLength };
  return { array: NOTHING, code, count, byteLength, layout: data };
}

/** Make the error for something that is no data. */
export function wrongType(data: unknown, call: string): MpiError {
  const hint = /^s?send/.test(call) ? '; use sendObject for other values' : '';
  return new MpiError('ERR_MPI_TYPE', `${call} got ${nameOf(data)}: expected a typed array, DataView, buffer or layout${hint}`);
}

function nameOf(data: unknown): string {
  if (data === null) return 'null';
  if (Array.isArray(data)) return 'a plain array';
  if (typeof data === 'object') return `an object of class ${data.constructor?.name ?? 'null prototype'}`;
  return data === undefined ? 'undefined' : `a ${typeof data}`;
}

/** Refuse buffers of one call that overlap. The same array twice is another matter: callers decide. Errors: ERR_MPI_BUFFER. */
export function checkOverlap(a: TypedArray, b: TypedArray, call: string): void {
  if (a.buffer !== b.buffer) return;
  if (a.byteOffset + a.byteLength <= b.byteOffset || b.byteOffset + b.byteLength <= a.byteOffset) return;
  if (a.byteLength === 0 || b.byteLength === 0) return;
  throw new MpiError('ERR_MPI_BUFFER', `${call}: the send and the receive buffer overlap in memory: expected separate buffers`);
}
