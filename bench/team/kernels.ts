/** Kernels of loop.ts. */

export function nothing(_from: number, _to: number): void {}

export function triad(from: number, to: number, a: Float64Array, b: Float64Array, c: Float64Array, factor: number): void {
  for (let k = from; k < to; k++) a[k] = b[k]! + factor * c[k]!;
}

/** The first chunk ends when the other has begun. */
export function meet(from: number, _to: number, word: Int32Array): void {
  if (from !== 0) Atomics.store(word, 0, 1);
  else while (Atomics.load(word, 0) === 0);
}
