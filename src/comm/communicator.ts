/**
 * Communicator: the interface that programs see. Intracommunicator (intracommunicator.ts) implements it.
 *
 * Arguments follow the standard's order. Options stand directly behind the last argument given and may name those left
 * out: `recv(b, { tag: 7, timeoutMs: 50 })`. Wrong arguments throw at the call, before anything is sent.
 */

import type { Data, SendData } from '../datatype/data.ts';
import type { Options, Request } from '../p2p/request.ts';
import type { Status } from '../p2p/status.ts';
import type { Checkpoint } from './checkpoint/checkpoint.ts';
import type { FileMode, MpiFile } from './file/mpi-file.ts';
import type { Comparison, Group } from './group.ts';
import type { InterCollectives } from './inter-collectives.ts';
import type { Message } from './message.ts';
import type { Persistent } from './persistent.ts';
import type { Info, Properties } from './properties.ts';
import type {
  Allgather,
  AllgatherInit,
  Allgatherv,
  AllgathervInit,
  Alltoall,
  Alltoallv,
  AlltoallvInit,
  Alltoallw,
  AlltoallwInit,
  ExclusiveScan,
  Gather,
  GatherInit,
  Gatherv,
  GathervInit,
  ReduceAll,
  ReduceInit,
  ReduceScatter,
  ReduceScatterBlock,
  ReduceScatterInit,
  ReduceToRoot,
  ReduceToRootInit,
  RootOptions,
  Scatter,
  ScatterInit,
  Scatterv,
  ScattervInit,
} from './signatures.ts';

/** Options of a send: `tag` when it was left out as an argument. */
export interface SendOptions extends Options {
  readonly tag?: number;
}

/** Options of a receive or probe: `source` and `tag` when they were left out as arguments. */
export interface RecvOptions extends Options {
  readonly source?: number;
  readonly tag?: number;
}

/** Tags of a sendrecv: 0 for the send, ANY_TAG for the receive unless given. */
export interface SendrecvOptions extends Options {
  readonly sendTag?: number;
  readonly recvTag?: number;
}

/** An ordered group of ranks with a message space of its own. Standard: 7. */
export interface Communicator extends Properties, Disposable, AsyncDisposable {
  readonly group: Group;
  /** Whether it joins two groups: an Intercommunicator does. */
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
  /** As scatter, with counts that differ. Standard: 6.6. */
  scatterv: Scatterv;
  /** Every rank gets all ranks' data, in rank order. Standard: 6.7. */
  allgather: Allgather;
  /** As allgather, with counts that differ: the same parts on all ranks. Standard: 6.7. */
  allgatherv: Allgatherv;
  /** Part j of rank i's data goes to part i on rank j. Standard: 6.8. */
  alltoall: Alltoall;
  /** As alltoall, with counts that differ; they agree in pairs. Standard: 6.8. */
  alltoallv: Alltoallv;
  /** As alltoall, with data of any type and place for each rank: `data[r]` goes to rank r, `into[r]` comes from it. Standard: 6.8. */
  alltoallw: Alltoallw;
  /** Combine the ranks' data elementwise; rank r gets block r of `size` equal ones. Standard: 6.10.1. */
  reduceScatterBlock: ReduceScatterBlock;
  /** Combine the ranks' data elementwise; rank r gets counts[r] elements of it. Standard: 6.10.2. */
  reduceScatter: ReduceScatter;
  /** Rank r gets the data of ranks 0 to r combined elementwise. Standard: 6.11.1. */
  scan: ReduceAll;
  /** Rank r gets the data of ranks 0 to r - 1 combined elementwise; rank 0 nothing. Standard: 6.11.2. */
  exscan: ExclusiveScan;

  // ---- collectives of values: any that sendObject takes ----

  /** Every rank gets a copy of the root's value; other ranks' argument does not matter. mpi4py: bcast. */
  bcastObject<T>(value: T | undefined, root?: number | RootOptions, options?: Options): Request<T>;
  /** The root gets all ranks' values, in rank order; others undefined. */
  gatherObject<T>(value: T, root?: number | RootOptions, options?: Options): Request<T[] | undefined>;
  /** Every rank gets all ranks' values, in rank order. */
  allgatherObject<T>(value: T, options?: Options): Request<T[]>;
  /** Rank r gets the root's values[r]; other ranks' argument does not matter. */
  scatterObject<T>(values: readonly T[] | undefined, root?: number | RootOptions, options?: Options): Request<T>;
  /** Rank r gets every rank's values[r], in rank order. */
  alltoallObject<T>(values: readonly T[], options?: Options): Request<T[]>;
  /**
   * Combine the ranks' values by an associative function, in rank order: `a` comes from the lower ranks. The root gets the
   * result, others undefined. Errors: ERR_MPI_OP on the root when the function throws on any rank.
   */
  reduceObject<T>(value: T, fn: (a: T, b: T) => T, root?: number | RootOptions, options?: Options): Request<T | undefined>;
  /** As reduceObject; every rank gets the result, or the error. */
  allreduceObject<T>(value: T, fn: (a: T, b: T) => T, options?: Options): Request<T>;

  // ---- persistent collectives: set up with arrays, started by all ranks in the same order. Standard: 6.13 ----

  barrierInit(): Persistent<void>;
  bcastInit<A extends Data>(data: A, root?: number): Persistent<A>;
  reduceInit: ReduceToRootInit;
  allreduceInit: ReduceInit;
  scanInit: ReduceInit;
  exscanInit: ReduceInit;
  gatherInit: GatherInit;
  gathervInit: GathervInit;
  allgatherInit: AllgatherInit;
  allgathervInit: AllgathervInit;
  alltoallInit: AllgatherInit;
  alltoallvInit: AlltoallvInit;
  alltoallwInit: AlltoallwInit;
  reduceScatterBlockInit: ReduceInit;
  reduceScatterInit: ReduceScatterInit;
  scatterInit: ScatterInit;
  scattervInit: ScattervInit;

  // ---- communicators ------------------------------------------------------------------------------

  /**
   * A communicator of the same ranks with a message space of its own, the same topology, and the attributes whose keys say
   * so. Collective. Errors: what a key's copy function throws. Standard: 7.4.2.
   */
  dup(options?: DupOptions): Request<Communicator>;
  /** One communicator for each color; ranks in it ordered by key, then by rank. Collective. Standard: 7.4.2. */
  split(color: number, key?: number, options?: Options): Request<Communicator>;
  split(color: number | undefined, key?: number, options?: Options): Request<Communicator | undefined>;
  /** One communicator for each host. Collective. Standard: 7.4.2. */
  splitShared(key?: number, options?: Options): Request<Communicator>;
  /** A communicator of the group's ranks; undefined on others. Collective over this one. Standard: 7.4.2. */
  create(group: Group, options?: Options): Request<Communicator | undefined>;
  /**
   * As create, but called by the group's ranks alone, all with the same group and tag; the others need not know.
   * Errors: ERR_MPI_GROUP when this rank is not in it. Standard: 7.4.2.
   */
  createGroup(group: Group, tag?: number, options?: Options): Request<Communicator>;
  /**
   * 'ident': the same communicator; 'congruent': another one of the same ranks in the same order; 'similar': of the same
   * ranks in another order; else 'unequal'. Intercommunicators: both groups so. Local. Standard: 7.4.1.
   */
  compare(other: Communicator | Intercommunicator): Comparison;
  /**
   * The same ranks in a grid; the last dimension runs fastest. The dimensions' product is the size; a 0 among them is
   * chosen. `periodic` for all dimensions or each; `reorder` lets ranks of one host stand together. Collective.
   * Errors: ERR_MPI_DIMS. Standard: 8.5.1.
   */
  cartesian(dims: readonly number[], options?: CartesianOptions): Request<Cartesian>;
  /**
   * The same ranks with neighbours: each rank names those it receives from and those it sends to; an edge is named by
   * both its ends. Collective. Errors: ERR_MPI_RANK. Standard: 8.5.4.
   */
  graph(sources: readonly number[], destinations: readonly number[], options?: GraphOptions): Request<Graph>;
  /**
   * The same ranks with neighbours, of edges between any two that any rank names: each once, or one rank names them all.
   * Neighbours stand in the order of the ranks that named the edges. Collective. Errors: ERR_MPI_RANK. Standard: 8.5.4.
   */
  distGraph(edges: readonly Edge[], options?: DistGraphOptions): Request<Graph>;
  /**
   * Two groups that talk across: this communicator's ranks and those of another one, which calls it too. The leaders, one
   * rank of each, find each other over `peer`, where the other is `remoteLeader`; on other ranks these do not matter.
   * Errors: ERR_MPI_GROUP when a rank is in both. Standard: 7.6.2.
   */
  intercommCreate(
    localLeader: number,
    peer: Communicator | undefined,
    remoteLeader: number,
    tag?: number,
    options?: Options,
  ): Request<Intercommunicator>;
  /** Give the communicator up. Collective; the second call does nothing. Standard: 7.4.3. */
  free(options?: Options): Request<void>;
  /**
   * A file that all ranks of this communicator have open. Collective; the same file and mode on all ranks. Fails on all ranks
   * when one cannot open it. Errors: ERR_MPI_NO_SUCH_FILE, ERR_MPI_ACCESS, ERR_MPI_NOT_SAME … (MpiFile). Standard: 14.2.1.
   */
  openFile(path: string, mode: FileMode, options?: Options): Request<MpiFile>;
  /**
   * A folder in which these ranks keep their state, so that a later job, of any number of ranks, goes on from it. It is made
   * where the folder above is there. Collective. Errors: those of MpiFile.
   */
  checkpoint(folder: string, options?: Options): Request<Checkpoint>;
  /** End the job with that exit code (c & 255, 0 becomes 1). Standard: 9.6. */
  abort(code?: number, reason?: string): never;
}

/** Options of cartesian(). */
export interface CartesianOptions extends Options {
  /** Whether the last rank of a dimension is beside the first: for all dimensions, or one by one. Default false. */
  readonly periodic?: boolean | readonly boolean[];
  /** Ranks may get other numbers, so that ranks of one host are neighbours. Default false. */
  readonly reorder?: boolean;
}

/** Options of dup(). */
export interface DupOptions extends Options {
  /** Hints that the new communicator begins with. */
  readonly info?: Info;
}

/** From one rank to another; the weight (1) says how much is sent. */
export type Edge = readonly [from: number, to: number, weight?: number];

/** Options of distGraph(). */
export interface DistGraphOptions extends Options {
  /** Ranks may get other numbers, so that few edges, by weight, join different hosts. Default false. */
  readonly reorder?: boolean;
}

/** Options of graph(). */
export interface GraphOptions extends DistGraphOptions {
  /** How much comes from each source; 1 each unless given. */
  readonly sourceWeights?: readonly number[];
  /** How much goes to each destination; 1 each unless given. */
  readonly destinationWeights?: readonly number[];
}

/** Collectives between neighbours: block k goes to destination k, and block k came from source k. Standard: 8.6. */
export interface Neighbor {
  /** Every destination gets the same data; the result holds one block a source. */
  neighborAllgather: Allgather;
  /** As neighborAllgather, with counts that differ. */
  neighborAllgatherv: Allgatherv;
  /** Block k of the data goes to destination k. */
  neighborAlltoall: Alltoall;
  /** As neighborAlltoall, with counts that differ; parts stand in the order of destinations and sources. */
  neighborAlltoallv: Alltoallv;
  /** As neighborAlltoall, with data of any type and place for each neighbour: a halo exchange is one call. */
  neighborAlltoallw: Alltoallw;
  neighborAllgatherInit: AllgatherInit;
  neighborAllgathervInit: AllgathervInit;
  neighborAlltoallInit: AllgatherInit;
  neighborAlltoallvInit: AlltoallvInit;
  neighborAlltoallwInit: AlltoallwInit;
}

/**
 * Ranks in a grid. Neighbours are, dimension after dimension, the one below and the one above; beyond a border that is not
 * periodic stands PROC_NULL, whose blocks stay as they are (0 in a fresh result). Standard: 8.5.
 */
export interface Cartesian extends Communicator, Neighbor {
  readonly dims: readonly number[];
  readonly periodic: readonly boolean[];
  /** This rank's place. */
  readonly coords: readonly number[];
  /** The rank at a place; coordinates wrap in periodic dimensions. Errors: ERR_MPI_ARG outside of the grid. */
  rankOf(coords: readonly number[]): number;
  /** A rank's place. Errors: ERR_MPI_RANK. */
  coordsOf(rank: number): number[];
  /** Whom to receive from and send to when data moves so far along a dimension; PROC_NULL beyond a border. Standard: 8.5.6. */
  shift(dimension: number, displacement: number): { source: number; dest: number };
  /** Grids of the dimensions to keep, one for each place in the others. Collective. Standard: 8.5.7. */
  sub(keep: readonly boolean[], options?: Options): Request<Cartesian>;
  dup(options?: DupOptions): Request<Cartesian>;
}

/** Ranks with neighbours of the program's choice. Standard: 8.5.4. */
export interface Graph extends Communicator, Neighbor {
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
  /** As given, else 1 each. */
  readonly sourceWeights: readonly number[];
  readonly destinationWeights: readonly number[];
  dup(options?: DupOptions): Request<Graph>;
}

/** What two ranks say to each other: calls that intracommunicators and intercommunicators have alike. */
type PointToPoint = Pick<
  Communicator,
  | 'group'
  | 'isInter'
  | 'remoteSize'
  | 'send'
  | 'ssend'
  | 'recv'
  | 'sendrecv'
  | 'sendrecvReplace'
  | 'probe'
  | 'tryProbe'
  | 'mprobe'
  | 'tryMprobe'
  | 'sendInit'
  | 'ssendInit'
  | 'recvInit'
  | 'sendObject'
  | 'recvObject'
  | 'messages'
  | 'compare'
  | 'free'
  | 'abort'
>;

/**
 * Two groups of ranks. Messages go to ranks of the other group, and so does the data of collectives. A rooted collective
 * has its root in one group: it gives ROOT, the others of its group PROC_NULL, and the other group the root's rank.
 * Standard: 6.2.3, 7.6.
 */
export interface Intercommunicator extends Properties, PointToPoint, InterCollectives, Disposable, AsyncDisposable {
  /** The other group. */
  readonly remoteGroup: Group;
  /** The same two groups with a message space of their own. Collective over both. Standard: 7.4.2. */
  dup(options?: DupOptions): Request<Intercommunicator>;
  /**
   * One intercommunicator for each color: those that gave it on either side; undefined where nobody of the other group gave
   * it. Collective over both groups. Standard: 7.4.2.
   */
  split(color: number | undefined, key?: number, options?: Options): Request<Intercommunicator | undefined>;
  /**
   * An intercommunicator of a part of each group: each side names one of its own; undefined on others, and where the other
   * side's is empty. Collective over both groups. Errors: ERR_MPI_GROUP. Standard: 7.4.2.
   */
  create(group: Group, options?: Options): Request<Intercommunicator | undefined>;
  /** One communicator of both groups, those that give `high` behind the others. Collective over both. Standard: 7.6.3. */
  merge(high: boolean, options?: Options): Request<Communicator>;
}
