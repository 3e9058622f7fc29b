/**
 * Rows: the state by the elements' numbers, as a checkpoint holds it, whatever the ranks.
 *
 * The idea: a rank's elements lie scattered among the numbers, and a part of a checkpoint is whole rows. So each rank stands
 * for a range of rows, and one alltoallv brings them there or back; as all know all owners, no number travels.
 */

import type { ArrayPart } from 'tsmpi';
import { FIELDS } from './kernels.ts';
import type { Model } from './model.ts';

export class Rows {
  readonly #model: Model;
  /** Values of an element, and the first row of this rank. */
  readonly #length: number;
  readonly #first: number;
  /** Places in the state of this rank's elements, by their numbers, and how many of them each rank has as rows. */
  readonly #locals: number[];
  readonly #sent: number[];
  /** Rows of this rank from its first on, in the order in which their owners send them, and how many each owner has. */
  readonly #rows: number[];
  readonly #received: number[];

  constructor(model: Model) {
    const { comm, owners, block } = model;
    const { elements, order } = block;
    this.#model = model;
    this.#length = FIELDS * order * order;
    const beginOf = (rank: number): number => Math.floor((owners.length * rank) / comm.size);
    this.#first = beginOf(comm.rank);
    const own = Array.from({ length: beginOf(comm.rank + 1) - this.#first }, (_, k) => this.#first + k);
    this.#locals = Array.from(elements.keys()).sort((left, right) => elements[left] - elements[right]);
    this.#sent = Array.from({ length: comm.size }, (_, rank) => {
      return elements.filter((element) => element >= beginOf(rank) && element < beginOf(rank + 1)).length;
    });
    this.#received = Array.from({ length: comm.size }, (_, rank) => own.filter((row) => owners[row] === rank).length);
    this.#rows = own.sort((left, right) => owners[left] - owners[right] || left - right).map((row) => row - this.#first);
  }

  /** Return this rank's rows of the state. Collective. */
  gather(): ArrayPart {
    const { comm, state } = this.#model;
    const out = pick(state, this.#locals, this.#length);
    const into = { data: new Float64Array(this.#rows.length * this.#length), counts: this.#countsOf(this.#received) };
    comm.alltoallv({ data: out, counts: this.#countsOf(this.#sent) }, into).wait();
    const rows = new Float64Array(into.data.length);
    place(into.data, this.#rows, this.#length, rows);
    return this.#describe(rows);
  }

  /** Return a part to load this rank's rows into. */
  createPart(): ArrayPart & { readonly data: Float64Array } {
    return this.#describe(new Float64Array(this.#rows.length * this.#length));
  }

  /** Make these rows the state. Collective. */
  scatter({ data }: { readonly data: Float64Array }): void {
    const { comm, state } = this.#model;
    const out = pick(data, this.#rows, this.#length);
    const into = { data: new Float64Array(state.length), counts: this.#countsOf(this.#sent) };
    comm.alltoallv({ data: out, counts: this.#countsOf(this.#received) }, into).wait();
    place(into.data, this.#locals, this.#length, state);
  }

  #describe(data: Float64Array): ArrayPart & { readonly data: Float64Array } {
    return { data, shape: [this.#model.owners.length, this.#length], start: [this.#first, 0] };
  }

  #countsOf(rows: readonly number[]): number[] {
    return rows.map((count) => count * this.#length);
  }
}

/** Return those rows of `length` values, one behind the other. */
function pick(values: Float64Array, rows: readonly number[], length: number): Float64Array {
  const picked = new Float64Array(rows.length * length);
  for (const [at, row] of rows.entries()) picked.set(values.subarray(row * length, (row + 1) * length), at * length);
  return picked;
}

/** The reverse: put rows that lie one behind the other where they belong. */
function place(picked: Float64Array, rows: readonly number[], length: number, values: Float64Array): void {
  for (const [at, row] of rows.entries()) values.set(picked.subarray(at * length, (at + 1) * length), row * length);
}
