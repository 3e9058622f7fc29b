/**
 * Halo: trades the edges of a block with the four neighbours, point to point.
 *
 * The idea: a field of nx × ny cells is stored by rows with one ring of cells around it (stride nx + 2). All receives are
 * posted, then all sends, then all are waited for; several fields share one message. An exchange with corners trades
 * columns first and then rows that include the ring's ends, so that a corner comes in two hops.
 * At a wall nothing is written: there the ring belongs to the boundary condition.
 */

import { type Communicator, PROC_NULL, type Request, waitAll } from 'tsmpi';
import type { Domain } from './domain.ts';
import type { Traffic } from './traffic.ts';

/** One edge of the block: where it is read, where the neighbour's is written, and the buffers in between. */
interface Edge {
  readonly rank: number;
  readonly tag: number;
  readonly replyTag: number;
  readonly readAt: number;
  readonly writeAt: number;
  /** Distance between two cells of the edge. */
  readonly step: number;
  readonly length: number;
  readonly outgoing: Float64Array;
  readonly incoming: Float64Array;
}

export class Halo {
  readonly #comm: Communicator;
  readonly #traffic: Traffic;
  readonly #edges: Edge[];
  readonly #columns: Edge[];
  readonly #longRows: Edge[];
  readonly #requests: Request<unknown>[] = [];

  /** A halo for blocks of nx × ny cells, at most `fields` of them at once. */
  constructor(comm: Communicator, domain: Domain, nx: number, ny: number, fields: number, traffic: Traffic) {
    const stride = nx + 2;
    const first = stride + 1;
    const edge = (rank: number, tag: number, readAt: number, writeAt: number, step: number, length: number): Edge => ({
      rank,
      tag,
      replyTag: tag ^ 1,
      readAt,
      writeAt,
      step,
      length,
      outgoing: new Float64Array(fields * length),
      incoming: new Float64Array(fields * length),
    });
    const hasNeighbour = (e: Edge): boolean => e.rank !== PROC_NULL;
    const south = first + (ny - 1) * stride;
    this.#comm = comm;
    this.#traffic = traffic;
    this.#columns = [
      edge(domain.west, 0, first, first - 1, stride, ny),
      edge(domain.east, 1, first + nx - 1, first + nx, stride, ny),
    ].filter(hasNeighbour);
    const rows = [
      edge(domain.south, 2, first, first - stride, 1, nx),
      edge(domain.north, 3, south, south + stride, 1, nx),
    ].filter(hasNeighbour);
    this.#longRows = [
      edge(domain.south, 4, first - 1, first - 1 - stride, 1, nx + 2),
      edge(domain.north, 5, south - 1, south - 1 + stride, 1, nx + 2),
    ].filter(hasNeighbour);
    this.#edges = [...this.#columns, ...rows];
  }

  /** Fill the ring of each field but its corners. */
  exchange(fields: readonly Float64Array[]): void {
    if (this.#edges.length === 0) return;
    const startMs = performance.now();
    this.#trade(this.#edges, fields);
    this.#traffic.addExchange(startMs);
  }

  /** Fill the ring of each field and its corners. */
  exchangeWithCorners(fields: readonly Float64Array[]): void {
    for (const edges of [this.#columns, this.#longRows]) {
      if (edges.length === 0) continue;
      const startMs = performance.now();
      this.#trade(edges, fields);
      this.#traffic.addExchange(startMs);
    }
  }

  #trade(edges: readonly Edge[], fields: readonly Float64Array[]): void {
    const requests = this.#requests;
    requests.length = 0;
    for (const { incoming, rank, replyTag } of edges) requests.push(this.#comm.recv(incoming, rank, replyTag));
    for (const edge of edges) {
      readEdge(edge, fields);
      requests.push(this.#comm.send(edge.outgoing, edge.rank, edge.tag));
      this.#traffic.messages += 1;
      this.#traffic.bytes += edge.outgoing.byteLength;
    }
    waitAll(requests);
    for (const edge of edges) writeEdge(edge, fields);
  }
}

function readEdge(edge: Edge, fields: readonly Float64Array[]): void {
  const { outgoing, readAt, step, length } = edge;
  let to = 0;
  for (const field of fields) {
    for (let n = 0, from = readAt; n < length; n += 1, from += step) outgoing[to++] = field[from];
  }
}

function writeEdge(edge: Edge, fields: readonly Float64Array[]): void {
  const { incoming, writeAt, step, length } = edge;
  let from = 0;
  for (const field of fields) {
    for (let n = 0, to = writeAt; n < length; n += 1, to += step) field[to] = incoming[from++];
  }
}
