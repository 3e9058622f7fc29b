/**
 * Scratch: memory of an algorithm's own, of the element type of a user's array.
 *
 * Bytes stay bytes (Node's Buffer), because bytes agree with every element type that another rank may use for the same
 * data, and Uint8Array does not.
 */

import { BYTES, createArray, elementCode, type TypedArray } from '../datatype/element-type.ts';

/** Make an array of the element type of `like`. */
export function createScratch(like: TypedArray, length: number): TypedArray {
  const code = elementCode(like);
  return code === BYTES ? Buffer.alloc(length) : createArray(code, length);
}

/** Make a copy in memory of its own; Buffer's own slice() would be a view. */
export function copyOf(data: TypedArray): TypedArray {
  const copy = createScratch(data, data.length);
  copy.set(data as never);
  return copy;
}
