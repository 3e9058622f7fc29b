/**
 * Creation of communicators with a topology, as the composition root gives it to all communicators of a rank: these know
 * the calls, the classes know them, and so neither file imports the other.
 */

import { MpiError } from '../../base/errors.ts';
import type { Membership } from '../../p2p/context.ts';
import type { Request } from '../../p2p/request.ts';
import { checkOptions } from '../checks.ts';
import type { Cartesian, CartesianOptions, Communicator, DistGraphOptions, Edge, Graph, GraphOptions } from '../communicator.ts';
import type { Part } from '../part.ts';
import type { TopologyParent } from '../rank-environment.ts';
import { CartesianCommunicator } from './cartesian-communicator.ts';
import { dimsCreate } from './dims.ts';
import { checkEdges, checkNeighbors, exchangeEdges, type GraphNeighbors, neighborsNamed } from './edges.ts';
import { GraphCommunicator } from './graph-communicator.ts';
import { Grid } from './grid.ts';
import { placeInGraph, placeInGrid } from './placement.ts';

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
  const key = options?.reorder ? placeInGrid(grid, hostsOf(parent))[rank]! : rank;
  const make = (id: number, members: Membership) => new CartesianCommunicator(environment, id, members, grid);
  return parent.construct('cartesian', { color: 0, key, make }, options) as Request<Cartesian>;
}

/** Post the creation of a graph of all ranks of `parent`, each naming its neighbours. Standard: 8.5.4. */
export function postGraph(
  parent: TopologyParent,
  sources: readonly number[],
  destinations: readonly number[],
  options: GraphOptions = {},
): Request<Graph> {
  checkOptions(options as unknown, 'graph', ['sourceWeights', 'destinationWeights', 'reorder', 'signal', 'timeoutMs']);
  const { collectives, rank, size } = parent;
  const mine = checkNeighbors(sources, destinations, options, size);
  if (!options.reorder) return parent.construct('graph', vertexOf(parent, rank, mine), options) as Request<Graph>;
  // Both ends name an edge, in an order of their own: what a vertex names goes with it to the rank that becomes it.
  const inward = mine.sources.map((from, k): Edge => [from, rank, mine.sourceWeights[k]!]);
  const outward = mine.destinations.map((to, k): Edge => [rank, to, mine.destinationWeights[k]!]);
  return parent.construct(
    'graph',
    function* (port) {
      const inwards = yield* exchangeEdges(port, collectives, inward);
      const outwards = yield* exchangeEdges(port, collectives, outward);
      const vertex = placeInGraph(outwards.flat(), hostsOf(parent))[rank]!;
      return vertexOf(parent, vertex, neighborsNamed(inwards[vertex]!, outwards[vertex]!));
    },
    options,
  ) as Request<Graph>;
}

/** Post the creation of a graph of all ranks of `parent`, of edges that any of them names. Standard: 8.5.4. */
export function postDistGraph(parent: TopologyParent, edges: readonly Edge[], options: DistGraphOptions = {}): Request<Graph> {
  checkOptions(options as unknown, 'distGraph', ['reorder', 'signal', 'timeoutMs']);
  const { collectives, rank, size } = parent;
  checkEdges(edges, size);
  return parent.construct(
    'distGraph',
    function* (port) {
      const all = (yield* exchangeEdges(port, collectives, edges)).flat();
      const vertex = options.reorder ? placeInGraph(all, hostsOf(parent))[rank]! : rank;
      const inward = all.filter(([, to]) => to === vertex);
      const outward = all.filter(([from]) => from === vertex);
      return vertexOf(parent, vertex, neighborsNamed(inward, outward));
    },
    options,
  ) as Request<Graph>;
}

/** What a rank is that becomes a vertex with those neighbours. */
function vertexOf({ environment }: TopologyParent, vertex: number, near: GraphNeighbors): Part<Communicator> {
  return { color: 0, key: vertex, make: (id, members) => new GraphCommunicator(environment, id, members, near) };
}

function hostsOf({ environment, group }: TopologyParent): number[] {
  return group.ranks.map((world) => environment.hostOfRank[world]!);
}
