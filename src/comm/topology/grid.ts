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

/**
 * Return for each rank where it stands in the grid when ranks of one host are to be neighbours: hosts get boxes of the
 * grid, the box with the smallest surface. Ranks stay as they are when hosts have different numbers of ranks, or no box fits.
 */
export function placeByHost(dims: readonly number[], hostOf: readonly number[]): number[] {
  const identity = hostOf.map((_, rank) => rank);
  const hosts = [...new Set(hostOf)];
  const ranksOf = hosts.map((host) => identity.filter((rank) => hostOf[rank] === host));
  const share = ranksOf[0]!.length;
  if (hosts.length === 1 || ranksOf.some((ranks) => ranks.length !== share)) return identity;
  const box = smallestBox(dims, share);
  if (box === undefined) return identity;
  const inside = new Grid(box, []);
  const boxes = new Grid(
    dims.map((extent, d) => extent / box[d]!),
    [],
  );
  const whole = new Grid(dims, []);
  const placed = new Array<number>(hostOf.length);
  for (const [at, ranks] of ranksOf.entries()) {
    const corner = boxes.coordsOf(at);
    for (const [k, rank] of ranks.entries()) {
      placed[rank] = whole.rankOf(inside.coordsOf(k).map((offset, d) => corner[d]! * box[d]! + offset));
    }
  }
  return placed;
}

/** The box of so many ranks that tiles the grid with the fewest neighbours outside of it. */
function smallestBox(dims: readonly number[], share: number): number[] | undefined {
  let best: number[] | undefined;
  let bestSurface = Number.POSITIVE_INFINITY;
  const total = dims.reduce((product, extent) => product * extent, 1);
  const extend = (box: readonly number[], left: number): void => {
    if (box.length === dims.length) {
      if (left !== 1) return;
      // Pairs of neighbours that stand in different boxes.
      const surface = box.reduce((sum, side, d) => sum + (dims[d]! / side - 1) * (total / dims[d]!), 0);
      if (surface < bestSurface) {
        best = [...box];
        bestSurface = surface;
      }
      return;
    }
    const extent = dims[box.length]!;
    for (let side = 1; side <= extent; side++) if (extent % side === 0 && left % side === 0) extend([...box, side], left / side);
  };
  extend([], share);
  return best;
}
