/**
 * Creation of communicators with a topology, as the composition root gives it to all communicators of a rank: these know
 * the calls, the classes know them, and so neither file imports the other.
 */

import { MpiError } from '../../base/errors.ts';
import type { Request } from '../../p2p/request.ts';
import { checkOptions } from '../checks.ts';
import type { Cartesian, CartesianOptions, Graph, GraphOptions } from '../communicator.ts';
import type { TopologyParent } from '../rank-environment.ts';
import { CartesianCommunicator } from './cartesian-communicator.ts';
import { dimsCreate } from './dims.ts';
import { checkNeighbors, GraphCommunicator } from './graph-communicator.ts';
import { Grid, placeByHost } from './grid.ts';

/** Post the creation of a grid of all ranks of `parent`. Standard: 8.5.1. */
export function postCartesian(parent: TopologyParent, dims: readonly number[], options?: CartesianOptions): Request<Cartesian> {
  checkOptions(options as unknown, 'cartesian', ['periodic', 'reorder', 'signal', 'timeoutMs']);
  if (!Array.isArray(dims)) throw new MpiError('ERR_MPI_DIMS', `cartesian got ${String(dims)}: expected a list of dimensions`);
  const extents = Object.freeze(dimsCreate(parent.size, dims));
  const { periodic = false } = options ?? {};
  if (typeof periodic !== 'boolean' && periodic.length !== extents.length) {
    throw new MpiError('ERR_MPI_DIMS', `periodic has ${periodic.length} entries: expected ${extents.length}, one a dimension`);
  }
  const around = Object.freeze(extents.map((_, d) => (typeof periodic === 'boolean' ? periodic : periodic[d] === true)));
  const grid = new Grid(extents, around);
  const { environment, rank } = parent;
  const key = options?.reorder ? placeByHost(extents, hostsOf(parent))[rank]! : rank;
  return parent.construct('cartesian', 0, key, limits(options), (id, members) => {
    return new CartesianCommunicator(environment, id, members, grid);
  }) as Request<Cartesian>;
}

/** Post the creation of a graph of all ranks of `parent`, each naming its neighbours. Standard: 8.5.4. */
export function postGraph(
  parent: TopologyParent,
  sources: readonly number[],
  destinations: readonly number[],
  options?: GraphOptions,
): Request<Graph> {
  checkOptions(options as unknown, 'graph', ['sourceWeights', 'destinationWeights', 'reorder', 'signal', 'timeoutMs']);
  const { environment, rank, size } = parent;
  const from = checkNeighbors('source', sources, size);
  const to = checkNeighbors('destination', destinations, size);
  return parent.construct('graph', 0, rank, limits(options), (id, members) => {
    return new GraphCommunicator(environment, id, members, from, to);
  }) as Request<Graph>;
}

function hostsOf({ environment, group }: TopologyParent): number[] {
  return group.ranks.map((world) => environment.hostOfRank[world]!);
}

/** What of the options bounds the wait. */
function limits(options: CartesianOptions | GraphOptions | undefined) {
  return options?.signal === undefined && options?.timeoutMs === undefined ? undefined : options;
}
