/**
 * Edges: a rank's neighbours in a graph, checked, listed for others, and found in what all ranks named.
 */

import { MpiError } from '../../base/errors.ts';
import type { Collectives } from '../../collective/collectives.ts';
import type { Port, Step } from '../../collective/schedule.ts';
import type { Edge, GraphOptions } from '../communicator.ts';

/** A rank's neighbours, with how much goes over each edge. */
export interface GraphNeighbors {
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
  readonly sourceWeights: readonly number[];
  readonly destinationWeights: readonly number[];
}

/** Check the neighbours that a rank gave for itself. Errors: ERR_MPI_RANK, ERR_MPI_ARG. */
export function checkNeighbors(
  sources: readonly number[],
  destinations: readonly number[],
  { sourceWeights, destinationWeights }: GraphOptions,
  size: number,
): GraphNeighbors {
  for (const rank of sources) checkVertex('graph got source', rank, size);
  for (const rank of destinations) checkVertex('graph got destination', rank, size);
  return freeze({
    sources,
    destinations,
    sourceWeights: checkWeights('sourceWeights', sourceWeights, sources.length),
    destinationWeights: checkWeights('destinationWeights', destinationWeights, destinations.length),
  });
}

/** Check edges between any ranks. Errors: ERR_MPI_RANK, ERR_MPI_ARG. */
export function checkEdges(edges: readonly Edge[], size: number): void {
  for (const [k, edge] of edges.entries()) {
    if (!Array.isArray(edge))
      throw new MpiError('ERR_MPI_ARG', `distGraph got ${String(edge)} for edge ${k}: expected [from, to]`);
    const [from, to, weight = 1] = edge as Edge;
    checkVertex(`distGraph: edge ${k} comes from`, from, size);
    checkVertex(`distGraph: edge ${k} goes to`, to, size);
    checkWeight(`the weight of edge ${k}`, weight);
  }
}

/** Return the neighbours of a rank of which these edges come in and go out. */
export function neighborsNamed(inward: readonly Edge[], outward: readonly Edge[]): GraphNeighbors {
  return freeze({
    sources: inward.map(([from]) => from),
    destinations: outward.map(([, to]) => to),
    sourceWeights: inward.map(([, , weight = 1]) => weight),
    destinationWeights: outward.map(([, , weight = 1]) => weight),
  });
}

/** Have every rank's edges told to all; return them by rank. */
export function* exchangeEdges(
  port: Port,
  collectives: Collectives,
  mine: readonly Edge[],
): Generator<Step, readonly (readonly Edge[])[], void> {
  const data = Float64Array.from(mine.flatMap(([from, to, weight = 1]) => [from, to, weight]));
  const counts = new Int32Array(port.size);
  yield* collectives.internal.allgather(port, { data: Int32Array.of(data.length), into: counts, count: 1 });
  const displs = new Int32Array(port.size);
  for (let rank = 1; rank < port.size; rank++) displs[rank] = displs[rank - 1]! + counts[rank - 1]!;
  const into = new Float64Array(displs.at(-1)! + counts.at(-1)!);
  yield* collectives.internal.allgatherv(port, { data, into, counts, displs });
  return Array.from(counts, (count, rank) =>
    Array.from({ length: count / 3 }, (_, k): Edge => {
      const at = displs[rank]! + 3 * k;
      return [into[at]!, into[at + 1]!, into[at + 2]!];
    }),
  );
}

function checkVertex(what: string, rank: number, size: number): void {
  if (Number.isInteger(rank) && rank >= 0 && rank < size) return;
  throw new MpiError('ERR_MPI_RANK', `${what} ${String(rank)}: expected integers from 0 to ${size - 1}`);
}

function checkWeights(what: string, weights: readonly number[] | undefined, length: number): readonly number[] {
  if (weights === undefined) return new Array<number>(length).fill(1);
  if (weights.length !== length)
    throw new MpiError('ERR_MPI_ARG', `${what} has ${weights.length} entries: expected ${length}, one a neighbour`);
  for (const [k, weight] of weights.entries()) checkWeight(`${what}[${k}]`, weight);
  return weights;
}

function checkWeight(what: string, weight: number): void {
  if (Number.isFinite(weight) && weight >= 0) return;
  throw new MpiError('ERR_MPI_ARG', `${what} is ${String(weight)}: expected a number, 0 or more`);
}

function freeze(near: GraphNeighbors): GraphNeighbors {
  const { sources, destinations, sourceWeights, destinationWeights } = near;
  return {
    sources: Object.freeze([...sources]),
    destinations: Object.freeze([...destinations]),
    sourceWeights: Object.freeze([...sourceWeights]),
    destinationWeights: Object.freeze([...destinationWeights]),
  };
}
