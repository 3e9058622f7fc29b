/**
 * Kernels: the loops that a step spends its time in, in WebAssembly (kernels.wat), and the memory that they run on.
 *
 * The idea: V8 looks up kind, length and address of every typed array anew for each cell and checks every index: 6 ns a cell
 * where WebAssembly, as C, takes 1.5, with the same bits. Fields lie in the kernels' memory, so messages and the loops in
 * TypeScript use them as they are. It is shared memory, since any other leaves its arrays when it grows.
 * kernels.wasm is what `npx wat2wasm --enable-threads kernels.wat` makes of the text.
 * Limits: 4 GiB of fields a rank.
 */

import { readFileSync } from 'node:fs';

/** Addresses and strides are in bytes; a field's address is that of its cell (0, 0), inside the ring. */
interface Kernels {
  /** Gauss-Seidel on every second cell; `odd` is 1 if the first cell of the first row is not one of them. */
  relax(e: number, b: number, inverse: number, stride: number, nx: number, ny: number, odd: number): void;
  /** The residuals of the two red children of each of nx × ny coarse cells. */
  // biome-ignore format: two grids, a line each
  restrict(
    e: number, b: number, d: number, stride: number,
    into: number, coarseStride: number, nx: number, ny: number,
  ): void;
  /** Add the correction of nx × ny coarse cells to their children. */
  prolong(e: number, stride: number, from: number, coarseStride: number, nx: number, ny: number): void;
  /** Over-relaxation on every second face; the coefficients are fields `section` bytes apart, west first. */
  // biome-ignore format: two fields, then the loop
  relaxDelta(
    delta: number, west: number, section: number,
    stride: number, nx: number, ny: number, odd: number, omega: number,
  ): void;
  /** The equations of a component's step, as coefficients `section` bytes apart; walls are 1, else 0. */
  // biome-ignore format: the component and what carries it, the pressure, where to, the loop, the walls, the numbers
  assemble(
    field: number, east1: number, east2: number, north1: number, north2: number,
    p: number, back: number,
    to: number, section: number,
    stride: number, nx: number, ny: number,
    west: number, east: number, south: number, north: number,
    diffusion: number, perH: number, rate: number,
  ): void;
  /** The net outflow of each cell. */
  divergence(u: number, v: number, into: number, stride: number, nx: number, ny: number): void;
  /** Subtract the difference of `e` from `back` bytes before. */
  subtractGradient(field: number, e: number, back: number, stride: number, nx: number, ny: number): void;
  /** Add an array to another; addresses are those of arrays here, as below. */
  add(field: number, delta: number, bytes: number): void;
  /** The largest change of a component: of its increment less the difference of `e`. */
  largestChange(delta: number, e: number, back: number, stride: number, nx: number, ny: number): number;
  /** p += scale · e − viscous · b. */
  addPressure(p: number, e: number, b: number, bytes: number, scale: number, viscous: number): void;
}

const PAGE_BYTES = 65_536;
const MOST_PAGES = 65_536;

/** Fields of a cell: values, increments, coefficients, and the multigrid's with those of its coarser grids. */
const FIELDS = 3 + 2 + 12 + (4 * 4) / 3;

/** Return why so many cells a side do not fit the memory of `size` ranks, or undefined. */
export function whyNotMemory(cells: number, size: number): string | undefined {
  const least = Math.ceil((8 * FIELDS * cells ** 2) / (MOST_PAGES * PAGE_BYTES));
  if (size >= least) return undefined;
  return `${cells} cells a side need ${least} ranks or more: the fields of one have 4 GiB at most, and ${size} ${size === 1 ? 'was' : 'were'} given`;
}

/** Return where a field of nx × ny cells and their ring has its cell (0, 0), in bytes. */
export function addressOf(field: Float64Array, { nx }: { readonly nx: number }): number {
  return field.byteOffset + 8 * (nx + 3);
}

const compiled = new WebAssembly.Module(readFileSync(new URL('kernels.wasm', import.meta.url)));

/** Where the fields of a flow lie, and the kernels that run on them. */
export class FieldMemory {
  readonly kernels: Kernels;
  readonly #memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
  #used = 0;

  constructor() {
    const instance = new WebAssembly.Instance(compiled, { env: { memory: this.#memory } });
    this.kernels = instance.exports as unknown as Kernels;
  }

  /** Return an array of zeros. Throws RangeError where there is no more memory. */
  allocate(length: number): Float64Array {
    const start = this.#used;
    this.#used += Math.ceil(length / 8) * 64;
    const missing = this.#used - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    return new Float64Array(this.#memory.buffer, start, length);
  }
}
