/**
 * Communicator: the interface that programs see. Intracommunicator (intracommunicator.ts) implements it.
 *
 * Arguments follow the standard's order. Options stand directly behind the last argument given and may name those left
 * out: `recv(b, { tag: 7, timeoutMs: 50 })`. Wrong arguments throw at the call, before anything is sent.
 */

import type { Data, FilledParts, Fresh, Into, Parts, SendData, TypedArray } from '../datatype/element-type.ts';
import type { ArithOp, BitOp, Located, LocOp, OpFor } from '../datatype/operator.ts';
import type { Options, Request } from '../p2p/request.ts';
import type { Status } from '../p2p/status.ts';
import type { Group } from './group.ts';
import type { IN_PLACE } from './in-place.ts';
import type { Message } from './message.ts';
import type { Persistent } from './persistent.ts';

/** The type of IN_PLACE. */
export type InPlace = typeof IN_PLACE;

/** Options of a send: `tag` when it was left out as an argument. */
export interface SendOptions extends Options {
  readonly tag?: number;
}

/** Options of a receive or probe: `source` and `tag` when they were left out as arguments. */
export interface RecvOptions extends Options {
  readonly source?: number;
  readonly tag?: number;
}

/** Options of a rooted collective: `root` when it was left out as an argument. */
export interface RootOptions extends Options {
  readonly root?: number;
}

/** Tags of a sendrecv: 0 for the send, ANY_TAG for the receive unless given. */
export interface SendrecvOptions extends Options {
  readonly sendTag?: number;
  readonly recvTag?: number;
}

/** An ordered group of ranks with a message space of its own. Standard: 7. */
export interface Communicator extends Disposable, AsyncDisposable {
  /** This process's rank in the communicator, from 0. */
  readonly rank: number;
  /** Number of ranks. */
  readonly size: number;
  /** Shown in errors and reports; need not be unique. */
  name: string;
  readonly group: Group;
  /** Whether it joins two groups; always false so far. */
  readonly isInter: boolean;
  /** Ranks of the remote group; 0 in an intracommunicator. */
  readonly remoteSize: number;

  // ---- point to point --------------------------------------------------------------------------

  /**
   * Send `data` to rank `dest`. Complete when the buffer may be changed again. A number travels as one float64, a
   * bigint as one int64. Errors: ERR_MPI_TYPE, ERR_MPI_RANK, ERR_MPI_TAG. Standard: 3.2.1.
   */
  send(data: SendData, dest: number, tag?: number | SendOptions, options?: Options): Request<void>;
  /** As send, but complete only when the receive has started. Standard: 3.4. */
  ssend(data: SendData, dest: number, tag?: number | SendOptions, options?: Options): Request<void>;
  /**
   * Receive into `into`. Resolves with the status; `status.count` is in elements of `into`. Errors: ERR_MPI_TRUNCATE
   * when the message is longer (it is consumed, nothing is written), ERR_MPI_TYPE when the element types differ.
   * Standard: 3.2.4.
   */
  recv(into: Data, source?: number | RecvOptions, tag?: number | Options, options?: Options): Request<Status>;
  /** Send and receive at once. The buffers must not overlap: ERR_MPI_BUFFER. Standard: 3.11. */
  sendrecv(data: SendData, dest: number, into: Data, source: number, options?: SendrecvOptions): Request<Status>;
  /** Send `data`, then replace it by what is received. Standard: 3.11. */
  sendrecvReplace(data: Data, dest: number, source: number, options?: SendrecvOptions): Request<Status>;
  /** Wait until a message can be received; it stays where it is. Standard: 3.8.1. */
  probe(source?: number | RecvOptions, tag?: number | Options, options?: Options): Request<Status>;
  /** Ask for a message that can be received now. Makes progress. Standard: 3.8.1. */
  tryProbe(source?: number, tag?: number): Status | undefined;
  /** Wait for a message and claim it: only `message.recv` receives it. Standard: 3.8.2. */
  mprobe(source?: number | RecvOptions, tag?: number | Options, options?: Options): Request<Message>;
  /** Claim a message that can be received now. Standard: 3.8.2. */
  tryMprobe(source?: number, tag?: number): Message | undefined;
  /** Set up a send to be started many times. Standard: 3.9. */
  sendInit(data: Data, dest: number, tag?: number): Persistent<void>;
  /** Set up a synchronous send. Standard: 3.9. */
  ssendInit(data: Data, dest: number, tag?: number): Persistent<void>;
  /** Set up a receive. Standard: 3.9. */
  recvInit(into: Data, source?: number, tag?: number): Persistent<Status>;

  /**
   * Send any value that structuredClone takes. Typed arrays in it travel beside it, without a copy; they are lent to
   * the request until it is done. Errors: ERR_MPI_TYPE for functions and symbols, naming where they stand.
   */
  sendObject(value: unknown, dest: number, tag?: number | SendOptions, options?: Options): Request<void>;
  /** Receive a value sent by sendObject. Errors: ERR_MPI_TYPE when the message is an array. */
  recvObject<T = unknown>(source?: number | RecvOptions, tag?: number | Options, options?: Options): Request<T>;
  /** Object messages one after another; each is matched at its next(), so leaving the loop loses none. */
  messages<T = unknown>(
    source?: number | RecvOptions,
    tag?: number | Options,
    options?: Options,
  ): AsyncIterableIterator<{ value: T; status: Status }>;

  // ---- collectives: called by all ranks of the communicator, in the same order -----------------

  /** Complete when all ranks have called it. Standard: 6.3. */
  barrier(options?: Options): Request<void>;
  /** Every rank gets the root's data, in place. Standard: 6.4. */
  bcast(data: number, root?: number | RootOptions, options?: Options): Request<number>;
  bcast(data: bigint, root?: number | RootOptions, options?: Options): Request<bigint>;
  bcast<A extends Data>(data: A, root?: number | RootOptions, options?: Options): Request<A>;
  /** Combine the ranks' data elementwise; the root gets the result, others undefined. Standard: 6.9.1. */
  reduce: ReduceToRoot;
  /** Combine the ranks' data elementwise; every rank gets the result. Standard: 6.9.6. */
  allreduce: ReduceAll;
  /** The root gets all ranks' data, in rank order; others undefined. Standard: 6.5. */
  gather: Gather;
  /** As gather, with counts that differ. Standard: 6.5. */
  gatherv: Gatherv;
  /** Each rank gets its part of the root's data; IN_PLACE stands for `into` on the root. Standard: 6.6. */
  scatter: Scatter;
  /** Every rank gets all ranks' data, in rank order. Standard: 6.7. */
  allgather: Allgather;
  /** Part j of rank i's data goes to part i on rank j. Standard: 6.8. */
  alltoall: Alltoall;

  // ---- communicators ------------------------------------------------------------------------------

  /** A communicator of the same ranks with a message space of its own. Collective. Standard: 7.4.2. */
  dup(options?: Options): Request<Communicator>;
  /** One communicator for each color; ranks in it ordered by key, then by rank. Collective. Standard: 7.4.2. */
  split(color: number, key?: number, options?: Options): Request<Communicator>;
  split(color: number | undefined, key?: number, options?: Options): Request<Communicator | undefined>;
  /** One communicator for each host. Collective. Standard: 7.4.2. */
  splitShared(key?: number, options?: Options): Request<Communicator>;
  /** A communicator of the group's ranks; undefined on others. Collective over this one. Standard: 7.4.2. */
  create(group: Group, options?: Options): Request<Communicator | undefined>;
  /** Give the communicator up. Collective; the second call does nothing. Standard: 7.4.3. */
  free(options?: Options): Request<void>;
  /** End the job with that exit code (c & 255, 0 becomes 1). Standard: 9.6. */
  abort(code?: number, reason?: string): never;
}

/** `allreduce(data, into?, op)`. */
export interface ReduceAll {
  (data: number, op: ArithOp, options?: Options): Request<number>;
  (data: bigint, op: ArithOp | BitOp, options?: Options): Request<bigint>;
  (data: Located, op: LocOp, options?: Options): Request<{ value: number; location: number }>;
  <A extends TypedArray>(data: A, op: OpFor<A>, options?: Options): Request<Fresh<A>>;
  <O extends TypedArray>(data: InPlace, into: O, op: OpFor<O>, options?: Options): Request<O>;
  <A extends TypedArray, O extends Into<A>>(data: A, into: O, op: OpFor<A>, options?: Options): Request<O>;
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
  <A extends TypedArray>(data: A, op: OpFor<A>, root?: number | RootOptions, options?: Options): Request<Fresh<A> | undefined>;
  <O extends TypedArray>(
    data: InPlace,
    into: O,
    op: OpFor<O>,
    root?: number | RootOptions,
    options?: Options,
  ): Request<O | undefined>;
  <A extends TypedArray, O extends Into<A>>(
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
  <A extends SendData, O extends Into<A>>(
    data: A,
    into: O | undefined,
    root?: number | RootOptions,
    options?: Options,
  ): Request<O | undefined>;
}

/** `gatherv(data, parts?, root = 0)`: without parts the counts are gathered first. */
export interface Gatherv {
  <A extends TypedArray>(data: A, root?: number | RootOptions, options?: Options): Request<FilledParts<Fresh<A>> | undefined>;
  <A extends TypedArray, P extends Parts<Into<A> & TypedArray>>(
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
  <A extends TypedArray>(data: A, options?: Options): Request<Fresh<A>>;
  <O extends Data>(data: InPlace, into: O, options?: Options): Request<O>;
  <A extends Data, O extends Into<A>>(data: A, into: O, options?: Options): Request<O>;
}
