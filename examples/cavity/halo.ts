/**
 * Halo: trades the edges of a block with the four neighbours, point to point.
 *
 * The idea: a field of nx × ny cells is stored by rows with one ring of cells around it; fields that are traded together lie
 * one behind the other in one array. An edge of all of them is a derived datatype, so nothing is packed by hand, and the
 * exchange is a list of persistent receives and sends. An exchange with corners trades columns first and then rows that
 * include the ring's ends, so that a corner comes in two hops.
 * At a wall nothing is written: there the ring belongs to the boundary condition.
 */

import { type Communicator, type Persistent, PROC_NULL, region, startAll, subarray, waitAll } from 'tsmpi';
import type { Domain } from './domain.ts';
import type { FieldMemory } from './kernels.ts';

/** Rectangle of each field: first row and column of the storage, and how many of them. */
type Rectangle = readonly [row: number, column: number, rows: number, columns: number];

/** Operations that are started together. */
type Trade = readonly Persistent<unknown>[];

/** Return `count` fields of nx × ny cells, each with its ring, and the array that they lie in. */
export function createFields(
  memory: FieldMemory,
  nx: number,
  ny: number,
  count: number,
): { all: Float64Array; fields: Float64Array[] } {
  const length = (nx + 2) * (ny + 2);
  const all = memory.allocate(count * length);
  return { all, fields: Array.from({ length: count }, (_, k) => all.subarray(k * length, (k + 1) * length)) };
}

export class Halo {
  readonly #edges: Trade;
  /** Columns, then rows with the ends of the ring. */
  readonly #withCorners: readonly Trade[];

  /** The halo of fields of nx × ny cells, as createFields() made them. */
  constructor(comm: Communicator, domain: Domain, nx: number, ny: number, all: Float64Array) {
    const shape = [all.length / ((nx + 2) * (ny + 2)), ny + 2, nx + 2];
    const layout = ([row, column, rows, columns]: Rectangle) =>
      subarray(shape, [shape[0], rows, columns], [0, row, column]).of(all);
    const trade = (edges: readonly (readonly [rank: number, tag: number, inner: Rectangle, outer: Rectangle])[]): Trade => {
      const mine = edges.filter(([rank]) => rank !== PROC_NULL);
      return [
        ...mine.map(([rank, tag, , outer]) => comm.recvInit(layout(outer), rank, tag ^ 1)),
        ...mine.map(([rank, tag, inner]) => comm.sendInit(layout(inner), rank, tag)),
      ];
    };
    const columns = [
      [domain.west, 0, [1, 1, ny, 1], [1, 0, ny, 1]],
      [domain.east, 1, [1, nx, ny, 1], [1, nx + 1, ny, 1]],
    ] as const;
    const rows = (first: number, length: number, tag: number) =>
      [
        [domain.south, tag, [1, first, 1, length], [0, first, 1, length]],
        [domain.north, tag + 1, [ny, first, 1, length], [ny + 1, first, 1, length]],
      ] as const;
    this.#edges = trade([...columns, ...rows(1, nx, 2)]);
    this.#withCorners = [trade(columns), trade(rows(0, nx + 2, 4))];
  }

  /** Fill the ring of each field but its corners. */
  exchange(): void {
    this.#perform(this.#edges);
  }

  /** Fill the ring of each field and its corners. */
  exchangeWithCorners(): void {
    for (const trade of this.#withCorners) this.#perform(trade);
  }

  #perform(trade: Trade): void {
    if (trade.length !== 0) region('exchange', () => waitAll(startAll(trade)));
  }
}
