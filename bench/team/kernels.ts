/** Kernels of loop.ts. */

export function nothing(_from: number, _to: number): void {}

export function triad(from: number, to: number, a: Float64Array, b: Float64Array, c: Float64Array, factor: number): void {
  for (let k = from; k < to; k++) a[k] = b[k]! + factor * c[k]!;
}

interface Exports {
  triad(a: number, b: number, c: number, count: number, factor: number): void;
}

/** Each thread has an instance of its own for each memory, made once. */
const instances = new WeakMap<WebAssembly.Memory, Exports>();

/** As triad(), by compiled code; a, b and c say where in the memory the arrays begin. */
export function triadSimd(
  from: number,
  to: number,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  a: number,
  b: number,
  c: number,
  factor: number,
): void {
  let exports = instances.get(memory);
  if (exports === undefined) {
    exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
    instances.set(memory, exports);
  }
  exports.triad(a + 8 * from, b + 8 * from, c + 8 * from, to - from, factor);
}

/** The first chunk ends when the other has begun. */
export function meet(from: number, _to: number, word: Int32Array): void {
  if (from !== 0) Atomics.store(word, 0, 1);
  else while (Atomics.load(word, 0) === 0);
}
