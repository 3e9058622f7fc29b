/**
 * Signatures of the collective calls: `into?` stands before what follows it, so each call has several.
 */

import type { Data, FilledParts, Fresh, Into, Parts, Reducible, SendData } from '../datatype/data.ts';
import type { ArithOp, BitOp, Located, LocOp, OpFor } from '../datatype/operator.ts';
import type { Options, Request } from '../p2p/request.ts';
import type { InPlace } from './in-place.ts';
import type { Persistent } from './persistent.ts';

/** Options of a rooted collective: `root` when it was left out as an argument. */
export interface RootOptions extends Options {
  readonly root?: number;
}

/** `allreduce(data, into?, op)`, `scan(data, into?, op)`. */
export interface ReduceAll {
  (data: number, op: ArithOp, options?: Options): Request<number>;
  (data: bigint, op: ArithOp | BitOp, options?: Options): Request<bigint>;
  (data: Located, op: LocOp, options?: Options): Request<{ value: number; location: number }>;
  <A extends Reducible>(data: A, op: OpFor<A>, options?: Options): Request<Fresh<A>>;
  <O extends Reducible>(data: InPlace, into: O, op: OpFor<O>, options?: Options): Request<O>;
  <A extends Reducible, O extends Into<A>>(data: A, into: O, op: OpFor<A>, options?: Options): Request<O>;
}

/** `reduce(data, into?, op, root = 0)`. */
export interface ReduceToRoot {
  (data: number, op: ArithOp, root?: number | RootOptions, options?: Options): Request<number | undefined>;
  (data: bigint, op: ArithOp | BitOp, root?: number | RootOptions, options?: Options): Request<bigint | undefined>;
  (
    data: Located,
    op: LocOp,
    root?: number | RootOptions,
    options?: Options,
  ): Request<{ value: number; location: number } | undefined>;
  <A extends Reducible>(data: A, op: OpFor<A>, root?: number | RootOptions, options?: Options): Request<Fresh<A> | undefined>;
  <O extends Reducible>(
    data: InPlace,
    into: O,
    op: OpFor<O>,
    root?: number | RootOptions,
    options?: Options,
  ): Request<O | undefined>;
  <A extends Reducible>(
    data: A,
    into: undefined,
    op: OpFor<A>,
    root?: number | RootOptions,
    options?: Options,
  ): Request<Fresh<A> | undefined>;
  <A extends Reducible, O extends Into<A>>(
    data: A,
    into: O | undefined,
    op: OpFor<A>,
    root?: number | RootOptions,
    options?: Options,
  ): Request<O | undefined>;
}

/** `gather(data, into?, root = 0)`. */
export interface Gather {
  <A extends SendData>(data: A, root?: number | RootOptions, options?: Options): Request<Fresh<A> | undefined>;
  <O extends Data>(data: InPlace, into: O, root?: number | RootOptions, options?: Options): Request<O | undefined>;
  <A extends SendData>(data: A, into: undefined, root?: number | RootOptions, options?: Options): Request<Fresh<A> | undefined>;
  <A extends SendData, O extends Into<A>>(
    data: A,
    into: O | undefined,
    root?: number | RootOptions,
    options?: Options,
  ): Request<O | undefined>;
}

/** `gatherv(data, parts?, root = 0)`: parts count on the root only; without them there it makes room for what comes. */
export interface Gatherv {
  <A extends Reducible>(data: A, root?: number | RootOptions, options?: Options): Request<FilledParts<Fresh<A>> | undefined>;
  <A extends Reducible, P extends Parts<Into<A> & Reducible>>(
    data: A | InPlace,
    into: P | undefined,
    root?: number | RootOptions,
    options?: Options,
  ): Request<P | undefined>;
}

/** `scatter(data | undefined, into, root = 0)`: data counts on the root only. */
export interface Scatter {
  <O extends Data>(data: Into<O> | undefined, into: O, root?: number | RootOptions, options?: Options): Request<O>;
  <A extends Data>(data: A, into: InPlace, root?: number | RootOptions, options?: Options): Request<A>;
}

/** `allgather(data, into?)`. */
export interface Allgather {
  <A extends SendData>(data: A, options?: Options): Request<Fresh<A>>;
  <O extends Data>(data: InPlace, into: O, options?: Options): Request<O>;
  <A extends SendData, O extends Into<A>>(data: A, into: O, options?: Options): Request<O>;
}

/** `alltoall(data, into?)`. */
export interface Alltoall {
  <A extends Reducible>(data: A, options?: Options): Request<Fresh<A>>;
  <O extends Data>(data: InPlace, into: O, options?: Options): Request<O>;
  <A extends Data, O extends Into<A>>(data: A, into: O, options?: Options): Request<O>;
}

/** `exscan(data, into?, op)`: undefined on rank 0 when no `into` was given. */
export interface ExclusiveScan {
  (data: number, op: ArithOp, options?: Options): Request<number | undefined>;
  (data: bigint, op: ArithOp | BitOp, options?: Options): Request<bigint | undefined>;
  <A extends Reducible>(data: A, op: OpFor<A>, options?: Options): Request<Fresh<A> | undefined>;
  <O extends Reducible>(data: InPlace, into: O, op: OpFor<O>, options?: Options): Request<O>;
  <A extends Reducible, O extends Into<A>>(data: A, into: O, op: OpFor<A>, options?: Options): Request<O>;
}

/** `scatterv(parts | undefined, into, root = 0)`: parts count on the root only. */
export interface Scatterv {
  <O extends Reducible>(
    parts: Parts<Into<O> & Reducible> | undefined,
    into: O,
    root?: number | RootOptions,
    options?: Options,
  ): Request<O>;
  <P extends Parts>(parts: P, into: InPlace, root?: number | RootOptions, options?: Options): Request<P>;
}

/** `allgatherv(data, parts?)`: without parts the counts are exchanged first. */
export interface Allgatherv {
  <A extends Reducible>(data: A, options?: Options): Request<FilledParts<Fresh<A>>>;
  <A extends Reducible, P extends Parts<Into<A> & Reducible>>(data: A | InPlace, into: P, options?: Options): Request<P>;
}

/** `alltoallv(parts, parts?)`: without receive parts the counts are exchanged first. */
export interface Alltoallv {
  <A extends Reducible>(parts: Parts<A>, options?: Options): Request<FilledParts<Fresh<A>>>;
  <A extends Reducible, P extends Parts<Into<A> & Reducible>>(parts: Parts<A> | InPlace, into: P, options?: Options): Request<P>;
}

/** `alltoallw(data, into)`: data of any type and place for each rank; IN_PLACE sends what lies in `into`. */
export type Alltoallw = (data: readonly Data[] | InPlace, into: readonly Data[], options?: Options) => Request<void>;

/** Persistent `alltoallw`. */
export type AlltoallwInit = (data: readonly Data[] | InPlace, into: readonly Data[]) => Persistent<void>;

/** `reduceScatterBlock(data, into?, op)`. */
export interface ReduceScatterBlock {
  <A extends Reducible>(data: A, op: OpFor<A>, options?: Options): Request<Fresh<A>>;
  <O extends Reducible>(data: InPlace, into: O, op: OpFor<O>, options?: Options): Request<O>;
  <A extends Reducible, O extends Into<A>>(data: A, into: O, op: OpFor<A>, options?: Options): Request<O>;
}

/** `reduceScatter(data, into?, counts, op)`. */
export interface ReduceScatter {
  <A extends Reducible>(data: A, counts: ArrayLike<number>, op: OpFor<A>, options?: Options): Request<Fresh<A>>;
  <O extends Reducible>(data: InPlace, into: O, counts: ArrayLike<number>, op: OpFor<O>, options?: Options): Request<O>;
  <A extends Reducible, O extends Into<A>>(
    data: A,
    into: O,
    counts: ArrayLike<number>,
    op: OpFor<A>,
    options?: Options,
  ): Request<O>;
}

/** Persistent reductions that every rank gets a result of. */
export interface ReduceInit {
  <O extends Reducible>(data: InPlace, into: O, op: OpFor<O>): Persistent<O>;
  <A extends Reducible, O extends Into<A>>(data: A, into: O, op: OpFor<A>): Persistent<O>;
}

/** Persistent `reduce`. */
export interface ReduceToRootInit {
  <O extends Reducible>(data: InPlace, into: O, op: OpFor<O>, root?: number): Persistent<O | undefined>;
  <A extends Reducible>(data: A, into: undefined, op: OpFor<A>, root?: number): Persistent<Fresh<A> | undefined>;
  <A extends Reducible, O extends Into<A>>(data: A, into: O | undefined, op: OpFor<A>, root?: number): Persistent<O | undefined>;
}

/** Persistent `reduceScatter`. */
export interface ReduceScatterInit {
  <O extends Reducible>(data: InPlace, into: O, counts: ArrayLike<number>, op: OpFor<O>): Persistent<O>;
  <A extends Reducible, O extends Into<A>>(data: A, into: O, counts: ArrayLike<number>, op: OpFor<A>): Persistent<O>;
}

/** Persistent `gather`. */
export interface GatherInit {
  <O extends Data>(data: InPlace, into: O, root?: number): Persistent<O | undefined>;
  <A extends Data>(data: A, into: undefined, root?: number): Persistent<Fresh<A> | undefined>;
  <A extends Data, O extends Into<A>>(data: A, into: O | undefined, root?: number): Persistent<O | undefined>;
}

/** Persistent `gatherv`. */
export type GathervInit = <A extends Reducible, P extends Parts<Into<A> & Reducible>>(
  data: A | InPlace,
  into: P | undefined,
  root?: number,
) => Persistent<P | undefined>;

/** Persistent `scatter`. */
export interface ScatterInit {
  <O extends Data>(data: Into<O> | undefined, into: O, root?: number): Persistent<O>;
  <A extends Data>(data: A, into: InPlace, root?: number): Persistent<A>;
}

/** Persistent `scatterv`. */
export interface ScattervInit {
  <O extends Reducible>(parts: Parts<Into<O> & Reducible> | undefined, into: O, root?: number): Persistent<O>;
  <P extends Parts>(parts: P, into: InPlace, root?: number): Persistent<P>;
}

/** Persistent `allgather` and `alltoall`. */
export interface AllgatherInit {
  <O extends Data>(data: InPlace, into: O): Persistent<O>;
  <A extends Data, O extends Into<A>>(data: A, into: O): Persistent<O>;
}

/** Persistent `allgatherv`. */
export type AllgathervInit = <A extends Reducible, P extends Parts<Into<A> & Reducible>>(
  data: A | InPlace,
  into: P,
) => Persistent<P>;

/** Persistent `alltoallv`. */
export type AlltoallvInit = <A extends Reducible, P extends Parts<Into<A> & Reducible>>(
  parts: Parts<A> | InPlace,
  into: P,
) => Persistent<P>;
