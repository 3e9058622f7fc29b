/**
 * GridLevel: one grid of the multigrid hierarchy, or a rank's window of it, and the kernels that run on it.
 *
 * The equation is Σ neighbours − d·e = b with d the number of neighbours that are not walls (no flow of the gradient
 * through a wall), both sides multiplied by the cell's area. Fields are stored by rows with one ring around them; the ring
 * is 0 at walls, so every cell is computed by the same expression on whichever rank it lies.
 * Red cells are those with an even sum of global indices.
 */

import { addressOf, type FieldMemory } from './kernels.ts';

export class GridLevel {
  readonly nx: number;
  readonly ny: number;
  readonly stride: number;
  /** The correction, and the right-hand side. */
  readonly e: Float64Array;
  readonly b: Float64Array;
  /** 1/d and d. */
  readonly #inverse: Float64Array;
  readonly #d: Float64Array;
  readonly #memory: FieldMemory;
  /** Sides of the window that are walls. */
  readonly #isWall: { west: boolean; east: boolean; south: boolean; north: boolean };
  /** Parity of the window's first cell. */
  readonly #parity: number;

  constructor(memory: FieldMemory, cells: number, x0: number, y0: number, nx: number, ny: number) {
    const length = (nx + 2) * (ny + 2);
    this.nx = nx;
    this.ny = ny;
    this.stride = nx + 2;
    this.#memory = memory;
    this.e = memory.allocate(length);
    this.b = memory.allocate(length);
    this.#inverse = memory.allocate(length);
    this.#d = memory.allocate(length);
    this.#isWall = { west: x0 === 0, east: x0 + nx === cells, south: y0 === 0, north: y0 + ny === cells };
    this.#parity = (x0 + y0) & 1;
    for (let j = 0; j < ny; j += 1) {
      for (let i = 0; i < nx; i += 1) {
        const walls = Number(x0 + i === 0) + Number(x0 + i === cells - 1) + Number(y0 + j === 0) + Number(y0 + j === cells - 1);
        const k = this.at(i, j);
        this.#inverse[k] = 1 / (4 - walls);
        this.#d[k] = 4 - walls;
      }
    }
  }

  /** Index of cell (i, j) of the window. */
  at(i: number, j: number): number {
    return (j + 1) * this.stride + i + 1;
  }

  /** Relax the red (0) or the black (1) cells: e = (Σ neighbours − b) / d. */
  relax(colour: number): void {
    const { nx, ny, stride, e, b } = this;
    const [to, right, inverse] = [e, b, this.#inverse].map((field) => addressOf(field, this));
    this.#memory.kernels.relax(to, right, inverse, 8 * stride, nx, ny, (colour + this.#parity) & 1);
  }

  /**
   * Write this level's residual as the coarser level's right-hand side. Of four children two are black, and after a black
   * sweep their residual is 0: only the red two are computed.
   */
  restrictTo(coarse: GridLevel): void {
    const [e, b, d] = [this.e, this.b, this.#d].map((field) => addressOf(field, this));
    this.#memory.kernels.restrict(e, b, d, 8 * this.stride, addressOf(coarse.b, coarse), 8 * coarse.stride, coarse.nx, coarse.ny);
  }

  /** Add the coarser level's correction, linear between three coarse cells: exact for planes, and without corners. */
  prolongFrom(coarse: GridLevel): void {
    coarse.#mirrorWalls();
    const { kernels } = this.#memory;
    kernels.prolong(
      addressOf(this.e, this),
      8 * this.stride,
      addressOf(coarse.e, coarse),
      8 * coarse.stride,
      coarse.nx,
      coarse.ny,
    );
  }

  /** Copy each wall's cells into the ring. The next fill(0) takes them out again. */
  #mirrorWalls(): void {
    const { nx, ny, stride, e } = this;
    for (let j = 0; j < ny; j += 1) {
      const row = (j + 1) * stride;
      if (this.#isWall.west) e[row] = e[row + 1];
      if (this.#isWall.east) e[row + nx + 1] = e[row + nx];
    }
    for (let i = 1; i <= nx; i += 1) {
      if (this.#isWall.south) e[i] = e[i + stride];
      if (this.#isWall.north) e[i + (ny + 1) * stride] = e[i + ny * stride];
    }
  }
}
