/**
 * CartesianCommunicator: ranks in a grid. Neighbours are, for each dimension, the one below and the one above.
 */

import { MpiError } from '../../base/errors.ts';
import type { Membership } from '../../p2p/context.ts';
import type { Options, Request } from '../../p2p/request.ts';
import type { Neighborhood } from '../calls/exchange.ts';
import type { Cartesian, DupOptions } from '../communicator.ts';
import type { RankEnvironment } from '../rank-environment.ts';
import { Grid } from './grid.ts';
import { NeighborCommunicator } from './neighbor-communicator.ts';

export class CartesianCommunicator extends NeighborCommunicator implements Cartesian {
  readonly coords: readonly number[];
  readonly #grid: Grid;

  constructor(environment: RankEnvironment, id: number, members: Membership, grid: Grid) {
    super(environment, id, members, beside(grid, members.rank));
    this.#grid = grid;
    this.coords = Object.freeze(grid.coordsOf(members.rank));
  }

  get dims(): readonly number[] {
    return this.#grid.dims;
  }

  get periodic(): readonly boolean[] {
    return this.#grid.periodic;
  }

  rankOf(coords: readonly number[]): number {
    return this.#grid.rankOf(coords);
  }

  coordsOf(rank: number): number[] {
    return this.#grid.coordsOf(rank);
  }

  shift(dimension: number, displacement: number): { source: number; dest: number } {
    if (!(Number.isInteger(dimension) && dimension >= 0 && dimension < this.dims.length)) {
      throw new MpiError(
        'ERR_MPI_DIMS',
        `shift got dimension ${String(dimension)}: expected an integer from 0 to ${this.dims.length - 1}`,
      );
    }
    if (!Number.isInteger(displacement)) {
      throw new MpiError('ERR_MPI_ARG', `shift got displacement ${String(displacement)}: expected an integer`);
    }
    return {
      source: this.#grid.neighbor(this.rank, dimension, -displacement),
      dest: this.#grid.neighbor(this.rank, dimension, displacement),
    };
  }

  sub(keep: readonly boolean[], options?: Options): Request<Cartesian> {
    const { dims, periodic } = this.#grid;
    if (keep.length !== dims.length) {
      throw new MpiError('ERR_MPI_DIMS', `sub got ${keep.length} entries: expected ${dims.length}, one a dimension`);
    }
    const kept = new Grid(
      dims.filter((_, d) => keep[d]),
      periodic.filter((_, d) => keep[d]),
    );
    // Those with the same coordinates in the other dimensions are together.
    let color = 0;
    for (const [d, extent] of dims.entries()) if (!keep[d]) color = color * extent + this.coords[d]!;
    const key = kept.rankOf(this.coords.filter((_, d) => keep[d]));
    const make = (id: number, members: Membership) => new CartesianCommunicator(this.environment, id, members, kept);
    return this.construct('sub', { color, key, make }, options) as Request<Cartesian>;
  }

  override dup(options?: DupOptions): Request<Cartesian> {
    return super.dup(options) as Request<Cartesian>;
  }

  protected override copy(id: number, members: Membership): CartesianCommunicator {
    return new CartesianCommunicator(this.environment, id, members, this.#grid);
  }
}

/** Neighbours of a rank: below and above in each dimension. Standard: 8.6. */
function beside(grid: Grid, rank: number): Neighborhood {
  const sources = grid.dims.flatMap((_, d) => [grid.neighbor(rank, d, -1), grid.neighbor(rank, d, 1)]);
  // Where both are one rank: it sends downwards first, and that is what comes from above.
  const receiveOrder = grid.dims.flatMap((_, d) => [2 * d + 1, 2 * d]);
  return { sources, destinations: sources, receiveOrder };
}
