/**
 * Exchange: traces of sides between ranks whose elements meet, as one persistent neighbourhood collective on a graph.
 *
 * The idea: each side that lies at another rank is sent to that rank alone. So traces are laid out by receiver, the sides that
 * stay here behind them and what is received last, and nothing is packed: computeInside() writes where the message is sent
 * from, finishStage() reads where it was received. Both ranks list the sides they share by the lower of the two slots.
 *
 *     traces:   to neighbour 0 | to neighbour 1 | … | sides inside | from neighbour 0 | from neighbour 1 | …
 */

import type { Communicator, Graph, Persistent, Request } from 'tsmpi';
import { TRACES } from './kernels.ts';
import { type Mesh, SIDES } from './mesh.ts';

export interface Sides {
  /** Of each side here: where its trace lies, that of the other side, and whether nodes run the other way there. */
  readonly traceOf: Int32Array;
  readonly outsideOf: Int32Array;
  readonly reversed: Uint8Array;
  /** Neighbouring ranks, and sides shared with each. */
  readonly ranks: readonly number[];
  readonly shared: readonly number[];
  /** Places for traces, sent, inside and received. */
  readonly places: number;
}

/** Return how the sides of these elements, all of one rank, are laid out. */
export function layOutSides(mesh: Mesh, owners: Int32Array, elements: Int32Array, rank: number): Sides {
  const { neighbors } = mesh;
  const slots = Array.from(elements, (element) => [0, 1, 2, 3].map((side) => SIDES * element + side)).flat();
  const ownerOf = (slot: number): number => owners[Math.floor(slot / SIDES)];
  const abroad = slots.filter((slot) => ownerOf(neighbors[slot]) !== rank);
  const edge = (slot: number): number => Math.min(slot, neighbors[slot]);
  abroad.sort((left, right) => ownerOf(neighbors[left]) - ownerOf(neighbors[right]) || edge(left) - edge(right));
  const inside = slots.filter((slot) => ownerOf(neighbors[slot]) === rank);
  const places = new Map([...abroad, ...inside].map((slot, place) => [slot, place]));
  for (const [k, slot] of abroad.entries()) places.set(neighbors[slot], slots.length + k);
  const ranks = [...new Set(abroad.map((slot) => ownerOf(neighbors[slot])))];
  return {
    traceOf: Int32Array.from(slots, (slot) => places.get(slot)!),
    outsideOf: Int32Array.from(slots, (slot) => places.get(neighbors[slot])!),
    reversed: Uint8Array.from(slots, (slot) => mesh.reversed[slot]),
    ranks,
    shared: ranks.map((other) => abroad.filter((slot) => ownerOf(neighbors[slot]) === other).length),
    places: slots.length + abroad.length,
  };
}

/** Return the ranks as a graph of who shares how many sides with whom. Collective. */
export function joinNeighbors(comm: Communicator, { ranks, shared }: Sides): Graph {
  return comm.graph(ranks, ranks, { sourceWeights: shared, destinationWeights: shared }).wait();
}

export class Exchange {
  readonly #operation: Persistent<unknown> | undefined;

  /** `traces` holds `order` nodes of each place. */
  constructor(graph: Graph, sides: Sides, order: number, traces: Float64Array) {
    const perSide = TRACES * order;
    const counts = sides.shared.map((count) => count * perSide);
    const displs = counts.map((_, k) => counts.slice(0, k).reduce((sum, count) => sum + count, 0));
    const length = counts.reduce((sum, count) => sum + count, 0);
    if (counts.length === 0) return;
    this.#operation = graph.neighborAlltoallvInit(
      { data: traces.subarray(0, length), counts, displs },
      { data: traces.subarray(traces.length - length), counts, displs },
    );
  }

  /** Begin to trade what computeInside() wrote for the sides at other ranks; undefined without neighbours. */
  start(): Request<unknown> | undefined {
    return this.#operation?.start();
  }
}
