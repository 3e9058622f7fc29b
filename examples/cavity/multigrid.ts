/**
 * Multigrid: V-cycles for the pressure equation with walls all around, over all ranks.
 *
 * The idea: red-black Gauss-Seidel by global index, one sweep down and one up on each grid. Blocks end on cells of every
 * distributed grid, so those grids need edges only. From `gatheredCells` on the whole grid is gathered to every rank and
 * solved there by the same kernels: a coarse grid is too small to pay for messages.
 * A cycle's arithmetic does not depend on the number of ranks, and neither does the number of cycles: no sum decides.
 * Limits: the equation fixes the solution up to a constant, which is left to be what comes out.
 *
 * Cost: five exchanges for each distributed grid and one allgather a cycle.
 */

import { type Communicator, region } from 'tsmpi';
import { createWindow, type Domain } from './domain.ts';
import { GridLevel } from './grid-level.ts';
import { Halo } from './halo.ts';
import type { FieldMemory } from './kernels.ts';

/** Sweeps on the coarsest grid, for each of its cells along a side. */
const COARSEST_SWEEPS = 4;

export class Multigrid {
  /** The finest level: its `b` is the caller's input, its `e` the solution. */
  readonly finest: GridLevel;
  /** This rank's windows of the distributed grids, finest first. */
  readonly #windows: { level: GridLevel; halo: Halo }[] = [];
  /** This rank's window of the first gathered grid, and the gathered grids. */
  readonly #part: GridLevel;
  readonly #gathered: GridLevel[] = [];
  readonly #comm: Communicator;
  /** Blocks of all ranks, each padded to the largest. */
  readonly #outgoing: Float64Array;
  readonly #incoming: Float64Array;
  readonly #blocks: { x0: number; y0: number; nx: number; ny: number }[] = [];

  constructor(memory: FieldMemory, comm: Communicator, domain: Domain) {
    this.#comm = comm;
    const window = (scale: number): GridLevel =>
      new GridLevel(memory, domain.cells / scale, domain.x0 / scale, domain.y0 / scale, domain.nx / scale, domain.ny / scale);
    let scale = 1;
    for (; domain.cells / scale > domain.gatheredCells; scale *= 2) {
      const level = window(scale);
      this.#windows.push({ level, halo: new Halo(comm, domain, level.nx, level.ny, level.e) });
    }
    this.finest = this.#windows[0].level;
    this.#part = window(scale);
    for (let cells = domain.gatheredCells; ; cells /= 2) {
      this.#gathered.push(new GridLevel(memory, cells, 0, 0, cells, cells));
      if (cells % 2 === 1 || cells === 2) break;
    }
    let largest = 0;
    for (let rank = 0; rank < comm.size; rank += 1) {
      const { x0, y0, nx, ny } = createWindow(domain.cells, comm.size, rank);
      this.#blocks.push({ x0: x0 / scale, y0: y0 / scale, nx: nx / scale, ny: ny / scale });
      largest = Math.max(largest, (nx / scale) * (ny / scale));
    }
    this.#outgoing = new Float64Array(largest);
    this.#incoming = new Float64Array(largest * comm.size);
  }

  /** Run `cycles` V-cycles from 0. Afterwards the ring of `finest.e` is filled. */
  solve(cycles: number): void {
    this.finest.e.fill(0);
    for (let cycle = 0; cycle < cycles; cycle += 1) this.#descend(0);
  }

  #descend(depth: number): void {
    const window = this.#windows[depth];
    if (window === undefined) {
      this.#solveGathered();
      return;
    }
    const { level, halo } = window;
    const below = this.#windows[depth + 1]?.level ?? this.#part;
    level.relax(0);
    halo.exchange();
    level.relax(1);
    halo.exchange();
    level.restrictTo(below);
    below.e.fill(0);
    this.#descend(depth + 1);
    level.prolongFrom(below);
    halo.exchange();
    level.relax(0);
    halo.exchange();
    level.relax(1);
    halo.exchange();
  }

  /** Gather the right-hand side, solve the whole grid here as every rank does, and keep this rank's window. */
  #solveGathered(): void {
    const part = this.#part;
    const whole = this.#gathered[0];
    const outgoing = this.#outgoing;
    let to = 0;
    for (let j = 0; j < part.ny; j += 1) {
      for (let i = 0; i < part.nx; i += 1) outgoing[to++] = part.b[part.at(i, j)];
    }
    region('reduction', () => this.#comm.allgather(outgoing, this.#incoming).wait());
    for (const [rank, block] of this.#blocks.entries()) {
      let from = rank * outgoing.length;
      for (let j = 0; j < block.ny; j += 1) {
        for (let i = 0; i < block.nx; i += 1) whole.b[whole.at(block.x0 + i, block.y0 + j)] = this.#incoming[from++];
      }
    }
    whole.e.fill(0);
    this.#descendGathered(0);
    const { x0, y0 } = this.#blocks[this.#comm.rank];
    for (let j = -1; j <= part.ny; j += 1) {
      for (let i = -1; i <= part.nx; i += 1) part.e[part.at(i, j)] = whole.e[whole.at(x0 + i, y0 + j)];
    }
  }

  #descendGathered(depth: number): void {
    const level = this.#gathered[depth];
    const below = this.#gathered[depth + 1];
    if (below === undefined) {
      for (let sweep = 0; sweep < COARSEST_SWEEPS * level.nx; sweep += 1) {
        level.relax(0);
        level.relax(1);
      }
      return;
    }
    level.relax(0);
    level.relax(1);
    level.restrictTo(below);
    below.e.fill(0);
    this.#descendGathered(depth + 1);
    level.prolongFrom(below);
    level.relax(0);
    level.relax(1);
  }
}
