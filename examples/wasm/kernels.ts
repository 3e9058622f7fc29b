/** Kernels of 10-wasm.ts: what each thread of the team runs, compiled code over the memory that all of them share. */

interface Exports {
  axpy(x: number, y: number, count: number, a: number): void;
}

/** Each thread has an instance of its own for each memory, made once. */
const instances = new WeakMap<WebAssembly.Memory, Exports>();

function instanceOf(module: WebAssembly.Module, memory: WebAssembly.Memory): Exports {
  let exports = instances.get(memory);
  if (exports === undefined) {
    exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
    instances.set(memory, exports);
  }
  return exports;
}

/** y += a * x on [from, to); x and y say where in the memory the arrays begin. */
export function axpy(
  from: number,
  to: number,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  x: number,
  y: number,
  a: number,
): void {
  instanceOf(module, memory).axpy(x + 8 * from, y + 8 * from, to - from, a);
}
