/**
 * InterCollectives: the collectives of an intercommunicator, as programs see them. Data goes from one group to the other.
 *
 * `size` is this group's, `remoteSize` the other's. Where a call has a root, `root` is ROOT on the root itself, PROC_NULL on
 * the others of its group, and the root's rank on the other group; arguments that do not matter there may be undefined.
 * IN_PLACE means nothing between two groups; scan and exscan are not defined. Standard: 6.2.3.
 */

import type { Data, FilledParts, Fresh, Into, Parts, Reducible, SendData } from '../datatype/data.ts';
import type { ArithOp, BitOp, Located, LocOp, OpFor } from '../datatype/operator.ts';
import type { Options, Request } from '../p2p/request.ts';
import type { Persistent } from './persistent.ts';
import type { Alltoallw, AlltoallwInit } from './signatures.ts';

export interface InterCollectives {
  /** Complete when all ranks of the other group have called it. Standard: 6.3. */
  barrier(options?: Options): Request<void>;
  /** The other group gets the root's data, in place. Standard: 6.4. */
  bcast(data: number, root: number, options?: Options): Request<number>;
  bcast(data: bigint, root: number, options?: Options): Request<bigint>;
  bcast<A extends Data>(data: A, root: number, options?: Options): Request<A>;
  /** The root gets the other group's data in `into`, in rank order. Standard: 6.5. */
  gather<O extends Data>(
    data: SendData | undefined,
    into: O | undefined,
    root: number,
    options?: Options,
  ): Request<O | undefined>;
  /** As gather, with counts that differ, one for each rank of the other group. Standard: 6.5. */
  gatherv<P extends Parts>(
    data: Reducible | undefined,
    parts: P | undefined,
    root: number,
    options?: Options,
  ): Request<P | undefined>;
  /** Rank r of the other group gets part r of the root's data in `into`. Standard: 6.6. */
  scatter<O extends Data>(data: Data | undefined, into: O | undefined, root: number, options?: Options): Request<O | undefined>;
  /** As scatter, with counts that differ. Standard: 6.6. */
  scatterv<O extends Reducible>(
    parts: Parts | undefined,
    into: O | undefined,
    root: number,
    options?: Options,
  ): Request<O | undefined>;
  /** Every rank gets the data of all ranks of the other group; without `into` both groups give as much a rank. Standard: 6.7. */
  allgather<A extends SendData>(data: A, options?: Options): Request<Fresh<A>>;
  allgather<A extends SendData, O extends Into<A>>(data: A, into: O, options?: Options): Request<O>;
  /** As allgather, with counts that differ; without parts on all ranks of both groups, counts are exchanged first. */
  allgatherv<A extends Reducible>(data: A, options?: Options): Request<FilledParts<Fresh<A>>>;
  allgatherv<A extends Reducible, P extends Parts<Into<A> & Reducible>>(data: A, parts: P, options?: Options): Request<P>;
  /** Part j of rank i's data goes to rank j of the other group. Standard: 6.8. */
  alltoall<A extends Reducible>(data: A, options?: Options): Request<Fresh<A>>;
  alltoall<A extends Data, O extends Into<A>>(data: A, into: O, options?: Options): Request<O>;
  /** As alltoall, with counts that differ; without receive parts on all ranks, counts are exchanged first. Standard: 6.8. */
  alltoallv<A extends Reducible>(parts: Parts<A>, options?: Options): Request<FilledParts<Fresh<A>>>;
  alltoallv<A extends Reducible, P extends Parts<Into<A> & Reducible>>(parts: Parts<A>, into: P, options?: Options): Request<P>;
  /** Data of any type and place goes to, and comes from, each rank of the other group. Standard: 6.8. */
  alltoallw: Alltoallw;
  /** The root gets the other group's data combined, in `into`. Standard: 6.9.1. */
  reduce<O extends Reducible>(
    data: Into<O> | undefined,
    into: O | undefined,
    op: OpFor<O>,
    root: number,
    options?: Options,
  ): Request<O | undefined>;
  /** Every rank gets the other group's data combined. Standard: 6.9.6. */
  allreduce(data: number, op: ArithOp, options?: Options): Request<number>;
  allreduce(data: bigint, op: ArithOp | BitOp, options?: Options): Request<bigint>;
  allreduce(data: Located, op: LocOp, options?: Options): Request<{ value: number; location: number }>;
  allreduce<A extends Reducible>(data: A, op: OpFor<A>, options?: Options): Request<Fresh<A>>;
  allreduce<A extends Reducible, O extends Into<A>>(data: A, into: O, op: OpFor<A>, options?: Options): Request<O>;
  /** Rank r gets block r of `size` equal ones of the other group's data combined. Standard: 6.10.1. */
  reduceScatterBlock<A extends Reducible>(data: A, op: OpFor<A>, options?: Options): Request<Fresh<A>>;
  reduceScatterBlock<A extends Reducible, O extends Into<A>>(data: A, into: O, op: OpFor<A>, options?: Options): Request<O>;
  /** Rank r gets counts[r] elements of the other group's data combined; both groups' counts add up alike. Standard: 6.10.2. */
  reduceScatter<A extends Reducible>(data: A, counts: ArrayLike<number>, op: OpFor<A>, options?: Options): Request<Fresh<A>>;
  reduceScatter<A extends Reducible, O extends Into<A>>(
    data: A,
    into: O,
    counts: ArrayLike<number>,
    op: OpFor<A>,
    options?: Options,
  ): Request<O>;

  // ---- of values ----

  /** The other group gets a copy of the root's value; in the root's group each gets its own back. */
  bcastObject<T>(value: T | undefined, root: number, options?: Options): Request<T>;
  /** The root gets the other group's values, in rank order. */
  gatherObject<T>(value: T | undefined, root: number, options?: Options): Request<T[] | undefined>;
  /** Rank r of the other group gets the root's values[r]. */
  scatterObject<T>(values: readonly T[] | undefined, root: number, options?: Options): Request<T | undefined>;
  /** Every rank gets the values of all ranks of the other group. */
  allgatherObject<T>(value: T, options?: Options): Request<T[]>;
  /** Rank r of the other group gets values[r]. */
  alltoallObject<T>(values: readonly T[], options?: Options): Request<T[]>;
  /** The root gets the other group's values combined in rank order, by the root's function. Errors: ERR_MPI_OP. */
  reduceObject<T>(value: T | undefined, fn: (a: T, b: T) => T, root: number, options?: Options): Request<T | undefined>;
  /** Every rank gets the other group's values combined in rank order, by its own function. Errors: ERR_MPI_OP. */
  allreduceObject<T>(value: T, fn: (a: T, b: T) => T, options?: Options): Request<T>;

  // ---- persistent: set up with arrays, started by all ranks in the same order. Standard: 6.13 ----

  barrierInit(): Persistent<void>;
  bcastInit<A extends Data>(data: A, root: number): Persistent<A>;
  gatherInit<O extends Data>(data: Data | undefined, into: O | undefined, root: number): Persistent<O | undefined>;
  gathervInit<P extends Parts>(data: Reducible | undefined, parts: P | undefined, root: number): Persistent<P | undefined>;
  scatterInit<O extends Data>(data: Data | undefined, into: O | undefined, root: number): Persistent<O | undefined>;
  scattervInit<O extends Reducible>(parts: Parts | undefined, into: O | undefined, root: number): Persistent<O | undefined>;
  allgatherInit<A extends Data, O extends Into<A>>(data: A, into: O): Persistent<O>;
  allgathervInit<A extends Reducible, P extends Parts<Into<A> & Reducible>>(data: A, parts: P): Persistent<P>;
  alltoallInit<A extends Data, O extends Into<A>>(data: A, into: O): Persistent<O>;
  alltoallvInit<A extends Reducible, P extends Parts<Into<A> & Reducible>>(parts: Parts<A>, into: P): Persistent<P>;
  alltoallwInit: AlltoallwInit;
  reduceInit<O extends Reducible>(
    data: Into<O> | undefined,
    into: O | undefined,
    op: OpFor<O>,
    root: number,
  ): Persistent<O | undefined>;
  allreduceInit<A extends Reducible, O extends Into<A>>(data: A, into: O, op: OpFor<A>): Persistent<O>;
  reduceScatterBlockInit<A extends Reducible, O extends Into<A>>(data: A, into: O, op: OpFor<A>): Persistent<O>;
  reduceScatterInit<A extends Reducible, O extends Into<A>>(
    data: A,
    into: O,
    counts: ArrayLike<number>,
    op: OpFor<A>,
  ): Persistent<O>;
}
