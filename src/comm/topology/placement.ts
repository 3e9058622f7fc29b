/**
 * Placement: which rank stands where in a topology, so that neighbours share a host where they can. Standard: 8.4.
 *
 * The idea: several ways to place are tried, the one that cuts the fewest edges (by weight) between hosts is taken, and where
 * none cuts fewer than the ranks do as they are, they stay. All ranks compute the same from the same facts.
 */

import { PROC_NULL } from '../../p2p/matching-queue.ts';
import type { Edge } from '../communicator.ts';
import { Grid } from './grid.ts';

/** Return for each rank where it stands in the grid. `hostOf`: each rank's host. */
export function placeInGrid(grid: Grid, hostOf: readonly number[]): number[] {
  const edges: Edge[] = [];
  for (let place = 0; place < grid.size; place++) {
    for (const d of grid.dims.keys()) {
      const above = grid.neighbor(place, d, 1);
      if (above !== PROC_NULL && above !== place) edges.push([place, above]);
    }
  }
  return leastCut(edges, hostOf, [placeInBoxes(grid.dims, hostOf), placeGreedily(edges, hostOf)]);
}

/** Return for each rank which vertex of the graph it becomes. `hostOf`: each rank's host. */
export function placeInGraph(edges: readonly Edge[], hostOf: readonly number[]): number[] {
  return leastCut(edges, hostOf, [placeGreedily(edges, hostOf)]);
}

/** Return the weight of edges between hosts. */
export function cutOf(edges: readonly Edge[], hostOf: readonly number[], placed: readonly number[]): number {
  const hostAt = new Array<number>(placed.length);
  for (const [rank, place] of placed.entries()) hostAt[place] = hostOf[rank]!;
  return edges.reduce((sum, [from, to, weight = 1]) => (hostAt[from] === hostAt[to] ? sum : sum + weight), 0);
}

function leastCut(edges: readonly Edge[], hostOf: readonly number[], ways: readonly (number[] | undefined)[]): number[] {
  let best = hostOf.map((_, rank) => rank);
  let least = cutOf(edges, hostOf, best);
  for (const way of ways) {
    if (way === undefined) continue;
    const cut = cutOf(edges, hostOf, way);
    if (cut < least) [best, least] = [way, cut];
  }
  return best;
}

/** Fill host after host: next comes the vertex with the most weight to those that the host has, at first the lowest. */
function placeGreedily(edges: readonly Edge[], hostOf: readonly number[]): number[] {
  const near = hostOf.map((): [vertex: number, weight: number][] => []);
  for (const [from, to, weight = 1] of edges) {
    near[from]!.push([to, weight]);
    near[to]!.push([from, weight]);
  }
  const placed = new Array<number>(hostOf.length).fill(-1);
  const free = new Set(hostOf.keys());
  for (const ranks of ranksByHost(hostOf)) {
    const pull = new Float64Array(hostOf.length);
    for (const rank of ranks) {
      let next = -1;
      for (const vertex of free) if (next < 0 || pull[vertex]! > pull[next]!) next = vertex;
      free.delete(next);
      placed[rank] = next;
      for (const [vertex, weight] of near[next]!) pull[vertex]! += weight;
    }
  }
  return placed;
}

/** Give hosts boxes of the grid, those with the smallest surface; undefined when their ranks differ in number, or no box fits. */
function placeInBoxes(dims: readonly number[], hostOf: readonly number[]): number[] | undefined {
  const ranksOf = ranksByHost(hostOf);
  const share = ranksOf[0]!.length;
  if (ranksOf.some((ranks) => ranks.length !== share)) return undefined;
  const box = smallestBox(dims, share);
  if (box === undefined) return undefined;
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

/** Ranks of each host, hosts in the order of their first ranks. */
function ranksByHost(hostOf: readonly number[]): number[][] {
  return [...new Set(hostOf)].map((host) => [...hostOf.keys()].filter((rank) => hostOf[rank] === host));
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
