/**
 * Arguments: what the communicator hands to a collective's algorithm, one record an operation.
 *
 * The idea: the communicator has checked everything (ranks, types, lengths, overlap) and made fresh results; an
 * algorithm sees arrays of exactly the lengths below. Counts are elements. `undefined` says that a buffer does not
 * matter on this rank, or that the data lies in place already. Arrays that are read are never written.
 *
 * Limits: nothing here knows numbers, objects, layouts or tags.
 */

import type { TypedArray } from '../datatype/element-type.ts';
import type { Op } from '../datatype/operator.ts';

/** Barrier: no data. */
export type BarrierArguments = undefined;

export interface BcastArguments {
  /** Read on the root, written elsewhere; as many bytes everywhere. */
  readonly data: TypedArray;
  readonly root: number;
}

export interface ReduceArguments {
  readonly input: TypedArray;
  /** As long as input; matters on the root only. The same array as input: in place. */
  readonly output: TypedArray | undefined;
  readonly op: Op;
  /** Element code of input. */
  readonly code: number;
  readonly root: number;
}

export interface AllreduceArguments {
  readonly input: TypedArray;
  /** As long as input. The same array as input: in place. */
  readonly output: TypedArray;
  readonly op: Op;
  /** Element code of input. */
  readonly code: number;
}

export interface GatherArguments {
  /** `count` elements. Undefined on the root: they lie in `into` already. */
  readonly data: TypedArray | undefined;
  /** size x count elements, in rank order; matters on the root only. */
  readonly into: TypedArray | undefined;
  readonly count: number;
  readonly root: number;
}

export interface GathervArguments {
  /** This rank's elements. Undefined on the root: they lie in `into` already. */
  readonly data: TypedArray | undefined;
  /** The rest matters on the root only: where counts[r] elements of rank r go, from index displs[r] on. */
  readonly into: TypedArray | undefined;
  readonly counts: ArrayLike<number> | undefined;
  readonly displs: ArrayLike<number> | undefined;
  readonly root: number;
}

export interface ScatterArguments {
  /** size x count elements, in rank order; matters on the root only. */
  readonly data: TypedArray | undefined;
  /** `count` elements. Undefined on the root: its part stays where it lies in `data`. */
  readonly into: TypedArray | undefined;
  readonly count: number;
  readonly root: number;
}

export interface AllgatherArguments {
  /** `count` elements. Undefined: they lie in `into` already. */
  readonly data: TypedArray | undefined;
  /** size x count elements, in rank order. */
  readonly into: TypedArray;
  readonly count: number;
}

export interface AlltoallArguments {
  /** size x count elements, block r for rank r. Undefined: `into` holds them. */
  readonly data: TypedArray | undefined;
  /** size x count elements, block r from rank r. */
  readonly into: TypedArray;
  readonly count: number;
}

export interface ScattervArguments {
  /** Where counts[r] elements for rank r lie, from index displs[r] on; data, counts and displs matter on the root only. */
  readonly data: TypedArray | undefined;
  readonly counts: ArrayLike<number> | undefined;
  readonly displs: ArrayLike<number> | undefined;
  /** This rank's elements. Undefined on the root: its part stays where it lies in `data`. */
  readonly into: TypedArray | undefined;
  readonly root: number;
}

export interface AllgathervArguments {
  /** This rank's elements. Undefined: they lie in `into` already. */
  readonly data: TypedArray | undefined;
  /** counts[r] elements of rank r go to index displs[r] and on; the same counts on all ranks. */
  readonly into: TypedArray;
  readonly counts: ArrayLike<number>;
  readonly displs: ArrayLike<number>;
}

export interface AlltoallvArguments {
  /** sendCounts[r] elements from sendDispls[r] on are for rank r. Undefined: they lie in `into`. */
  readonly data: TypedArray | undefined;
  readonly sendCounts: ArrayLike<number>;
  readonly sendDispls: ArrayLike<number>;
  /** counts[r] elements of rank r go to index displs[r] and on. */
  readonly into: TypedArray;
  readonly counts: ArrayLike<number>;
  readonly displs: ArrayLike<number>;
}

export interface ReduceScatterArguments {
  /** The ranks' blocks behind one another, counts[r] elements for rank r. */
  readonly input: TypedArray;
  /** counts[rank] elements; it may lie inside input. */
  readonly output: TypedArray;
  readonly counts: ArrayLike<number>;
  readonly op: Op;
  /** Element code of input. */
  readonly code: number;
}

export interface ScanArguments {
  readonly input: TypedArray;
  /** As long as input. The same array as input: in place. Rank 0's is not touched by an exclusive scan. */
  readonly output: TypedArray;
  readonly op: Op;
  /** Element code of input. */
  readonly code: number;
}
