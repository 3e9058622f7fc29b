/**
 * Intracommunicator: one group of ranks with a message space of its own; what `world` is.
 *
 * Point to point is in point-to-point-communicator.ts, collectives are in calls/, construction in construct.ts.
 */

import { MpiError } from '../base/errors.ts';
import { Collectives } from '../collective/collectives.ts';
import { groupByHost } from '../collective/hosts.ts';
import { CollectiveSpace } from '../collective/port.ts';
import type { Data } from '../datatype/data.ts';
import { COLLECTIVE, CONSTRUCTION, type Membership } from '../p2p/context.ts';
import { DoneOperation } from '../p2p/done-operation.ts';
import type { Context } from '../p2p/point-to-point.ts';
import type { Options, Request } from '../p2p/request.ts';
import { postAlltoall, postAlltoallv } from './calls/alltoalls.ts';
import { postBarrier, postBcast } from './calls/bcast.ts';
import type { CollectiveHost } from './calls/call.ts';
import { postAlltoallw } from './calls/exchange.ts';
import { postAllgather, postAllgatherv, postGather, postGatherv } from './calls/gathers.ts';
import { callWithLayouts, type DataCall } from './calls/layouts.ts';
import {
  postAllgatherObject,
  postAllreduceObject,
  postAlltoallObject,
  postBcastObject,
  postGatherObject,
  postReduceObject,
  postScatterObject,
} from './calls/objects.ts';
import { setUpCollective } from './calls/persistent.ts';
import {
  postAllreduce,
  postExscan,
  postReduce,
  postReduceScatter,
  postReduceScatterBlock,
  postScan,
} from './calls/reductions.ts';
import { postScatter, postScatterv } from './calls/scatters.ts';
import type { Checkpoint } from './checkpoint/checkpoint.ts';
import { checkColor, checkOptions, checkSendTag, checkSubgroup } from './checks.ts';
import type {
  Cartesian,
  CartesianOptions,
  Communicator,
  DistGraphOptions,
  DupOptions,
  Edge,
  Graph,
  GraphOptions,
  Intercommunicator,
} from './communicator.ts';
import { type Constructible, postCreateGroup, postFree, postSplit } from './construct.ts';
import type { FileMode, MpiFile } from './file/mpi-file.ts';
import { type Comparison, compareCommunicators, type Group, RankGroup } from './group.ts';
import { NO_HINTS, setHints } from './hints.ts';
import type { Decision, Part } from './part.ts';
import type { Persistent } from './persistent.ts';
import { PointToPointCommunicator } from './point-to-point-communicator.ts';
import type { RankEnvironment } from './rank-environment.ts';
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

const PLAIN_OPTIONS = ['signal', 'timeoutMs'] as const;
const DUP_OPTIONS = [...PLAIN_OPTIONS, 'info'] as const;

export class Intracommunicator extends PointToPointCommunicator implements Communicator, Constructible, CollectiveHost {
  readonly size: number;
  readonly isInter = false;
  readonly remoteSize = 0;
  readonly space: CollectiveSpace;
  areaIndex = -1;
  #collectives: Collectives;
  /** Where createGroup() tells ids; opened when first needed. */
  #construction: Context | undefined;

  constructor(environment: RankEnvironment, id: number, members: Membership) {
    super(environment, id, members);
    const { engine } = environment;
    this.size = members.worldOf.length;
    const context = engine.openContext(id + COLLECTIVE, members);
    const hosts = groupByHost(Array.from(members.worldOf, (world) => environment.hostOfRank[world]!));
    this.space = new CollectiveSpace(engine, context, environment.journal, hosts.ranksOf.length > 1 ? hosts : undefined);
    this.#collectives = this.#plan();
  }

  get group(): Group {
    return new RankGroup(Array.from(this.members.worldOf), this.environment.worldRank);
  }

  get collectives(): Collectives {
    this.checkOpen();
    return this.#collectives;
  }

  useArea(index: number): void {
    this.areaIndex = index;
    this.space.area = this.environment.areas?.open(index, this.members.worldOf);
    this.#collectives = this.#plan();
  }

  // ---- collectives ---------------------------------------------------------------------------------

  barrier(options?: Options): Request<void> {
    return postBarrier(this, options);
  }

  bcast(data: number, root?: number | RootOptions, options?: Options): Request<number>;
  bcast(data: bigint, root?: number | RootOptions, options?: Options): Request<bigint>;
  bcast<A extends Data>(data: A, root?: number | RootOptions, options?: Options): Request<A>;
  bcast(data: unknown, root?: number | RootOptions, options?: Options): Request<never> {
    return callWithLayouts(this, postBcast, data, [root, options]) as Request<never>;
  }

  reduce: ReduceToRoot = this.#callOf(postReduce) as ReduceToRoot;
  allreduce: ReduceAll = this.#callOf(postAllreduce) as ReduceAll;
  scan: ReduceAll = this.#callOf(postScan) as ReduceAll;
  exscan: ExclusiveScan = this.#callOf(postExscan) as ExclusiveScan;
  gather: Gather = this.#callOf(postGather) as Gather;
  gatherv: Gatherv = this.#callOf(postGatherv) as Gatherv;
  allgather: Allgather = this.#callOf(postAllgather) as Allgather;
  allgatherv: Allgatherv = this.#callOf(postAllgatherv) as Allgatherv;
  alltoall: Alltoall = this.#callOf(postAlltoall) as Alltoall;
  alltoallv: Alltoallv = this.#callOf(postAlltoallv) as Alltoallv;
  alltoallw: Alltoallw = this.#callOf(postAlltoallw) as Alltoallw;
  reduceScatterBlock: ReduceScatterBlock = this.#callOf(postReduceScatterBlock) as ReduceScatterBlock;
  reduceScatter: ReduceScatter = this.#callOf(postReduceScatter) as ReduceScatter;
  scatter: Scatter = this.#callOf(postScatter) as Scatter;
  scatterv: Scatterv = this.#callOf(postScatterv) as Scatterv;

  // ---- collectives of values -----------------------------------------------------------------------

  bcastObject<T>(value: T | undefined, root?: number | RootOptions, options?: Options): Request<T> {
    return postBcastObject(this, value, root, options) as Request<T>;
  }

  gatherObject<T>(value: T, root?: number | RootOptions, options?: Options): Request<T[] | undefined> {
    return postGatherObject(this, value, root, options) as Request<T[] | undefined>;
  }

  allgatherObject<T>(value: T, options?: Options): Request<T[]> {
    return postAllgatherObject(this, value, options) as Request<T[]>;
  }

  scatterObject<T>(values: readonly T[] | undefined, root?: number | RootOptions, options?: Options): Request<T> {
    return postScatterObject(this, values, root, options) as Request<T>;
  }

  alltoallObject<T>(values: readonly T[], options?: Options): Request<T[]> {
    return postAlltoallObject(this, values, options) as Request<T[]>;
  }

  reduceObject<T>(value: T, fn: (a: T, b: T) => T, root?: number | RootOptions, options?: Options): Request<T | undefined> {
    return postReduceObject(this, value, fn, root, options) as Request<T | undefined>;
  }

  allreduceObject<T>(value: T, fn: (a: T, b: T) => T, options?: Options): Request<T> {
    return postAllreduceObject(this, value, fn, options) as Request<T>;
  }

  // ---- persistent collectives ----------------------------------------------------------------------

  barrierInit(): Persistent<void> {
    return setUpCollective(this, 'barrier', undefined, (host) => postBarrier(host));
  }

  bcastInit<A extends Data>(data: A, root?: number): Persistent<A> {
    return setUpCollective(this, 'bcast', data, (host) => callWithLayouts(host, postBcast, data, [root]));
  }

  reduceInit: ReduceToRootInit = this.#initOf('reduce', postReduce) as ReduceToRootInit;
  allreduceInit: ReduceInit = this.#initOf('allreduce', postAllreduce) as ReduceInit;
  scanInit: ReduceInit = this.#initOf('scan', postScan) as ReduceInit;
  exscanInit: ReduceInit = this.#initOf('exscan', postExscan) as ReduceInit;
  gatherInit: GatherInit = this.#initOf('gather', postGather) as GatherInit;
  gathervInit: GathervInit = this.#initOf('gatherv', postGatherv) as GathervInit;
  allgatherInit: AllgatherInit = this.#initOf('allgather', postAllgather) as AllgatherInit;
  allgathervInit: AllgathervInit = this.#initOf('allgatherv', postAllgatherv) as AllgathervInit;
  alltoallInit: AllgatherInit = this.#initOf('alltoall', postAlltoall) as AllgatherInit;
  alltoallvInit: AlltoallvInit = this.#initOf('alltoallv', postAlltoallv) as AlltoallvInit;
  reduceScatterBlockInit: ReduceInit = this.#initOf('reduceScatterBlock', postReduceScatterBlock) as ReduceInit;
  reduceScatterInit: ReduceScatterInit = this.#initOf('reduceScatter', postReduceScatter) as ReduceScatterInit;

  scatterInit: ScatterInit = this.#initOf('scatter', postScatter) as ScatterInit;
  scattervInit: ScattervInit = this.#initOf('scatterv', postScatterv) as ScattervInit;
  alltoallwInit: AlltoallwInit = this.#initOf('alltoallw', postAlltoallw) as AlltoallwInit;

  // ---- communicators ---------------------------------------------------------------------------------

  dup(options?: DupOptions): Request<Communicator> {
    checkOptions(options as unknown, 'dup', DUP_OPTIONS);
    this.checkOpen();
    const info = setHints(NO_HINTS, options?.info ?? NO_HINTS);
    const copyAttributes = this.copyAttributes();
    const make = (id: number, members: Membership): Intracommunicator => {
      const made = this.copy(id, members);
      copyAttributes(made);
      made.info = info;
      return made;
    };
    return this.construct('dup', { color: 0, key: this.rank, make }, options) as Request<Communicator>;
  }

  split(color: number, key?: number, options?: Options): Request<Communicator>;
  split(color: number | undefined, key?: number, options?: Options): Request<Communicator | undefined>;
  split(color: number | undefined, key = 0, options?: Options): Request<never> {
    checkOptions(options, 'split', PLAIN_OPTIONS);
    checkColor(color, key);
    return this.construct('split', { color, key, make: this.#plain }, options) as Request<never>;
  }

  splitShared(key = 0, options?: Options): Request<Communicator> {
    checkOptions(options, 'splitShared', PLAIN_OPTIONS);
    const host = this.environment.hostOfRank[this.environment.worldRank]!;
    return this.construct('splitShared', { color: host, key, make: this.#plain }, options) as Request<Communicator>;
  }

  create(group: Group, options?: Options): Request<Communicator | undefined> {
    checkOptions(options, 'create', PLAIN_OPTIONS);
    checkSubgroup('create', group, this.group, this.name);
    const at = group.ranks.indexOf(this.environment.worldRank);
    // Disjoint groups make several communicators at once; the smallest world rank in it tells a group.
    const color = at < 0 ? undefined : Math.min(...group.ranks);
    return this.construct('create', { color, key: at, make: this.#plain }, options);
  }

  createGroup(group: Group, tag = 0, options?: Options): Request<Communicator> {
    checkOptions(options, 'createGroup', PLAIN_OPTIONS);
    checkSubgroup('createGroup', group, this.group, this.name);
    checkSendTag(tag, this.members);
    this.checkOpen();
    if (!group.ranks.includes(this.environment.worldRank)) {
      throw new MpiError(
        'ERR_MPI_GROUP',
        'createGroup got a group without this rank: expected to be called by its members alone',
      );
    }
    const { engine } = this.environment;
    this.#construction ??= engine.openContext(this.space.context.id - COLLECTIVE + CONSTRUCTION, this.members);
    const ranks = group.translate([...Array(group.size).keys()], this.group) as number[];
    return postCreateGroup(this, this.#construction, ranks, tag, options, this.#plain);
  }

  free(options?: Options): Request<void> {
    checkOptions(options, 'free', PLAIN_OPTIONS);
    if (this.isClosed) return new DoneOperation<void>(undefined, 'free of a communicator that was given up');
    this.dropAttributes();
    return postFree(this, options, () => this.close());
  }

  compare(other: Communicator | Intercommunicator): Comparison {
    return compareCommunicators(this, other);
  }

  cartesian(dims: readonly number[], options?: CartesianOptions): Request<Cartesian> {
    return this.environment.topologies.cartesian(this, dims, options);
  }

  graph(sources: readonly number[], destinations: readonly number[], options?: GraphOptions): Request<Graph> {
    return this.environment.topologies.graph(this, sources, destinations, options);
  }

  distGraph(edges: readonly Edge[], options?: DistGraphOptions): Request<Graph> {
    return this.environment.topologies.distGraph(this, edges, options);
  }

  openFile(path: string, mode: FileMode, options?: Options): Request<MpiFile> {
    return this.environment.topologies.openFile(this, path, mode, options);
  }

  checkpoint(folder: string, options?: Options): Request<Checkpoint> {
    return this.environment.topologies.checkpoint(this, folder, options);
  }

  intercommCreate(
    localLeader: number,
    peer: Communicator | undefined,
    remoteLeader: number,
    tag = 0,
    options?: Options,
  ): Request<Intercommunicator> {
    return this.environment.topologies.intercommunicator(this, localLeader, peer, remoteLeader, tag, options);
  }

  /** Post the construction of communicators of some of these ranks. */
  construct(
    call: string,
    part: Part<Communicator> | Decision<Communicator>,
    options: Options | undefined,
  ): Request<Communicator | undefined> {
    this.checkOpen();
    // Whatever the class, it is one of an intracommunicator.
    return postSplit(this, call, part as Part<Intracommunicator> | Decision<Intracommunicator>, options);
  }

  readonly #plain = (id: number, members: Membership): Intracommunicator => new Intracommunicator(this.environment, id, members);

  /** Make what dup() returns: a communicator of the same topology. */
  protected copy(id: number, members: Membership): Intracommunicator {
    return new Intracommunicator(this.environment, id, members);
  }

  // ---- inside ------------------------------------------------------------------------------------------

  /** A call as a method. */
  #callOf(call: DataCall) {
    return (data: unknown, ...rest: unknown[]): unknown => callWithLayouts(this, call, data, rest);
  }

  /** The persistent form of a call whose data comes first. */
  #initOf(name: string, call: DataCall) {
    return (data: unknown, ...rest: unknown[]): Persistent<unknown> =>
      setUpCollective(this, name, data, (host) => callWithLayouts(host, call, data, rest));
  }

  #plan(): Collectives {
    const { isDeterministic, forced } = this.environment;
    const { area, hosts } = this.space;
    return new Collectives({
      size: this.size,
      slotBytes: area?.slotBytes ?? 0,
      hasBulk: area?.bulk !== undefined,
      hosts: hosts?.ranksOf.length ?? 1,
      isContiguous: hosts?.isContiguous ?? true,
      isDeterministic,
      forced,
    });
  }

  protected override close(): void {
    if (!this.isClosed) {
      this.space.close();
      if (this.#construction !== undefined) this.environment.engine.closeContext(this.#construction);
    }
    super.close();
  }
}
