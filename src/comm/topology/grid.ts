/**
 * Grid: ranks by coordinates, the last dimension running fastest; who is beside whom. Standard: 8.5.
 */

import { MpiError } from '../../base/errors.ts';
import { PROC_NULL } from '../../p2p/matching-queue.ts';

export class Grid {
  readonly dims: readonly number[];
  readonly periodic: readonly boolean[];
  readonly size: number;

  constructor(dims: readonly number[], periodic: readonly boolean[]) {
    this.dims = dims;
    this.periodic = periodic;
    this.size = dims.reduce((product, extent) => product * extent, 1);
  }

  coordsOf(rank: number): number[] {
    if (!(Number.isInteger(rank) && rank >= 0 && rank < this.size)) {
      throw new MpiError(
        'ERR_MPI_RANK',
        `rank ${String(rank)} is not in the grid: expected an integer from 0 to ${this.size - 1}`,
      );
    }
    const coords = new Array<number>(this.dims.length);
    let rest = rank;
    for (let d = this.dims.length - 1; d >= 0; d--) {
      coords[d] = rest % this.dims[d]!;
      rest = Math.floor(rest / this.dims[d]!);
    }
    return coords;
  }

  rankOf(coords: readonly number[]): number {
    if (coords.length !== this.dims.length) {
      throw new MpiError(
        'ERR_MPI_DIMS',
        `${coords.length} coordinates were given: expected ${this.dims.length}, one a dimension`,
      );
    }
    let rank = 0;
    for (const [d, extent] of this.dims.entries()) {
      const at = this.#wrap(d, coords[d]!);
      if (at < 0) {
        throw new MpiError(
          'ERR_MPI_ARG',
          `coordinate ${d} is ${String(coords[d])}: expected an integer from 0 to ${extent - 1}, as the grid is not periodic there`,
        );
      }
      rank = rank * extent + at;
    }
    return rank;
  }

  /** The rank so far away in one dimension, or PROC_NULL beyond a border. */
  neighbor(rank: number, direction: number, displacement: number): number {
    const coords = this.coordsOf(rank);
    const at = this.#wrap(direction, coords[direction]! + displacement);
    if (at < 0) return PROC_NULL;
    coords[direction] = at;
    return this.rankOf(coords);
  }

  /** Coordinate within the dimension, or -1 outside of it. */
  #wrap(direction: number, at: number): number {
    const extent = this.dims[direction]!;
    if (!Number.isInteger(at)) return -1;
    if (this.periodic[direction]) return ((at % extent) + extent) % extent;
    return at >= 0 && at < extent ? at : -1;
  }
}
