/**
 * GridLevel: one grid of the multigrid hierarchy, or a rank's window of it, and the kernels that run on it.
 *
 * The equation is Σ neighbours − d·e = b with d the number of neighbours that are not walls (no flow of the gradient
 * through a wall), both sides multiplied by the cell's area. Fields are stored by rows with one ring around them; the ring
 * is 0 at walls, so every cell is computed by the same expression on whichever rank it lies.
 * Red cells are those with an even sum of global indices.
 */

export class GridLevel {
  readonly nx: number;
  readonly ny: number;
  readonly stride: number;
  /** The correction, and the right-hand side. */
  readonly e: Float64Array;
  readonly b: Float64Array;
  /** Sections of a field's length: b, 1/d, d. One array, for the reason that momentum.ts gives. */
  readonly #terms: Float64Array;
  /** Sides of the window that are walls. */
  readonly #isWall: { west: boolean; east: boolean; south: boolean; north: boolean };
  /** Parity of the window's first cell. */
  readonly #parity: number;

  constructor(cells: number, x0: number, y0: number, nx: number, ny: number) {
    const length = (nx + 2) * (ny + 2);
    this.nx = nx;
    this.ny = ny;
    this.stride = nx + 2;
    this.e = new Float64Array(length);
    this.#terms = new Float64Array(3 * length);
    this.b = this.#terms.subarray(0, length);
    this.#isWall = { west: x0 === 0, east: x0 + nx === cells, south: y0 === 0, north: y0 + ny === cells };
    this.#parity = (x0 + y0) & 1;
    for (let j = 0; j < ny; j += 1) {
      for (let i = 0; i < nx; i += 1) {
        const walls = Number(x0 + i === 0) + Number(x0 + i === cells - 1) + Number(y0 + j === 0) + Number(y0 + j === cells - 1);
        const k = this.at(i, j);
        this.#terms[length + k] = 1 / (4 - walls);
        this.#terms[2 * length + k] = 4 - walls;
      }
    }
  }

  /** Index of cell (i, j) of the window. */
  at(i: number, j: number): number {
    return (j + 1) * this.stride + i + 1;
  }

  /** Relax the red (0) or the black (1) cells. */
  relax(colour: number): void {
    const { nx, ny, stride, e } = this;
    const terms = this.#terms;
    const inverse = e.length;
    for (let j = 0; j < ny; j += 1) {
      const row = (j + 1) * stride + 1;
      for (let k = row + ((colour + j + this.#parity) & 1); k < row + nx; k += 2) {
        e[k] = (e[k - 1] + e[k + 1] + e[k - stride] + e[k + stride] - terms[k]) * terms[inverse + k];
      }
    }
  }

  /**
   * Write this level's residual as the coarser level's right-hand side. Of four children two are black, and after a black
   * sweep their residual is 0: only the red two are computed.
   */
  restrictTo(coarse: GridLevel): void {
    const { stride, e } = this;
    const terms = this.#terms;
    const d = 2 * e.length;
    for (let j = 0; j < coarse.ny; j += 1) {
      for (let i = 0; i < coarse.nx; i += 1) {
        const k = this.at(2 * i, 2 * j);
        const m = k + stride + 1;
        const lower = terms[k] - (e[k - 1] + e[k + 1] + e[k - stride] + e[k + stride] - terms[d + k] * e[k]);
        const upper = terms[m] - (e[m - 1] + e[m + 1] + e[m - stride] + e[m + stride] - terms[d + m] * e[m]);
        coarse.b[coarse.at(i, j)] = lower + upper;
      }
    }
  }

  /** Add the coarser level's correction, linear between three coarse cells: exact for planes, and without corners. */
  prolongFrom(coarse: GridLevel): void {
    coarse.#mirrorWalls();
    const { stride, e } = this;
    const from = coarse.e;
    for (let j = 0; j < coarse.ny; j += 1) {
      for (let i = 0; i < coarse.nx; i += 1) {
        const m = coarse.at(i, j);
        const centre = 2 * from[m];
        const west = from[m - 1];
        const east = from[m + 1];
        const south = from[m - coarse.stride];
        const north = from[m + coarse.stride];
        const k = this.at(2 * i, 2 * j);
        e[k] += 0.25 * (centre + west + south);
        e[k + 1] += 0.25 * (centre + east + south);
        e[k + stride] += 0.25 * (centre + west + north);
        e[k + stride + 1] += 0.25 * (centre + east + north);
      }
    }
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
