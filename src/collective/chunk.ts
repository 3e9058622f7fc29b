/**
 * Chunks: how an array is divided among ranks, the same on all of them.
 *
 * The idea: units (elements that belong together) are dealt out as evenly as whole units allow, the first chunks one
 * longer. A broadcast divides by bytes, in multiples of 8, so that ranks agree even where one sees its buffer as bytes
 * and another as float64.
 */

import type { TypedArray } from '../datatype/element-type.ts';

/** Return the first element of chunk `index` of `parts`; chunk `parts` begins where the array ends. */
export function chunkStart(count: number, parts: number, index: number, unit: number): number {
  const units = Math.floor(count / unit);
  const base = Math.floor(units / parts);
  const longer = units - base * parts;
  return (base * index + Math.min(index, longer)) * unit;
}

/** Return the first element of each block behind one another, and the end of the last. */
export function blockStarts(counts: ArrayLike<number>): Float64Array {
  const starts = new Float64Array(counts.length + 1);
  for (let block = 0; block < counts.length; block++) starts[block + 1] = starts[block]! + counts[block]!;
  return starts;
}

/** Return how many elements of `data` make one of `parts` pieces: at least the even share, in whole multiples of 8 bytes. */
export function alignedShare(data: TypedArray, parts: number): number {
  return (Math.ceil(data.byteLength / parts / 8) * 8) / data.BYTES_PER_ELEMENT;
}
