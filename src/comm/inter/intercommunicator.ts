/**
 * InterGroups: two groups of ranks that talk across; messages and collectives go to the other group. Standard: 7.6.
 *
 * Collectives are in data.ts, reductions.ts and objects.ts, construction in construct.ts.
 */

import { MpiError } from '../../base/errors.ts';
import { Collectives } from '../../collective/collectives.ts';
import { CollectiveSpace } from '../../collective/port.ts';
import { COLLECTIVE, type Membership } from '../../p2p/context.ts';
import { DoneOperation } from '../../p2p/done-operation.ts';
import type { Options, Request } from '../../p2p/request.ts';
import { type CollectiveHost, PLAIN } from '../calls/call.ts';
import { postAlltoallw } from '../calls/exchange.ts';
import { callWithLayouts } from '../calls/layouts.ts';
import { setUpCollective } from '../calls/persistent.ts';
import { checkColor, checkOptions, checkSubgroup } from '../checks.ts';
import type { Communicator, DupOptions, Intercommunicator } from '../communicator.ts';
import { type Comparison, compareCommunicators, type Group, RankGroup } from '../group.ts';
import { NO_HINTS, setHints } from '../hints.ts';
import type { InterCollectives } from '../inter-collectives.ts';
import type { Persistent } from '../persistent.ts';
import { PointToPointCommunicator } from '../point-to-point-communicator.ts';
import type { RankEnvironment } from '../rank-environment.ts';
import { postInterFree, postInterSplit, postMerge, type TwoGroups } from './construct.ts';
import { type InterCall, refuseInPlace } from './cross.ts';
import {
  postInterAllgather,
  postInterAllgatherv,
  postInterAlltoall,
  postInterAlltoallv,
  postInterBarrier,
  postInterBcast,
  postInterGather,
  postInterGatherv,
  postInterScatter,
  postInterScatterv,
} from './data.ts';
import {
  postInterAllgatherObject,
  postInterAllreduceObject,
  postInterAlltoallObject,
  postInterBcastObject,
  postInterGatherObject,
  postInterReduceObject,
  postInterScatterObject,
} from './objects.ts';
import { postInterAllreduce, postInterReduce, postInterReduceScatter, postInterReduceScatterBlock } from './reductions.ts';

type Call<Name extends keyof InterCollectives> = InterCollectives[Name];

export class InterGroups extends PointToPointCommunicator implements Intercommunicator, TwoGroups {
  readonly size: number;
  readonly isInter = true;
  readonly remoteSize: number;
  readonly space: CollectiveSpace;
  readonly collectives: Collectives;
  /** World ranks of this group. */
  readonly local: readonly number[];
  readonly id: number;

  /** `members.worldOf` is the other group, `local` this one, as world ranks. */
  constructor(environment: RankEnvironment, id: number, members: Membership, local: readonly number[]) {
    super(environment, id, members);
    const { engine } = environment;
    this.id = id;
    this.local = local;
    this.size = local.length;
    this.remoteSize = members.worldOf.length;
    this.space = new CollectiveSpace(engine, engine.openContext(id + COLLECTIVE, members), environment.journal, undefined);
    this.collectives = new Collectives({
      size: this.remoteSize,
      slotBytes: 0,
      hasBulk: false,
      hosts: 1,
      isContiguous: true,
      isDeterministic: true,
      forced: () => undefined,
    });
  }

  get group(): Group {
    return new RankGroup([...this.local], this.environment.worldRank);
  }

  get remoteGroup(): Group {
    return new RankGroup(Array.from(this.members.worldOf), this.environment.worldRank);
  }

  // ---- collectives ---------------------------------------------------------------------------------

  barrier(options?: Options): Request<void> {
    return postInterBarrier(this, options) as Request<void>;
  }

  bcast = this.#callOf('bcast', postInterBcast) as Call<'bcast'>;
  gather = this.#callOf('gather', postInterGather) as Call<'gather'>;
  gatherv = this.#callOf('gatherv', postInterGatherv) as Call<'gatherv'>;
  scatter = this.#callOf('scatter', postInterScatter) as Call<'scatter'>;
  scatterv = this.#callOf('scatterv', postInterScatterv) as Call<'scatterv'>;
  allgather = this.#callOf('allgather', postInterAllgather) as Call<'allgather'>;
  allgatherv = this.#callOf('allgatherv', postInterAllgatherv) as Call<'allgatherv'>;
  alltoall = this.#callOf('alltoall', postInterAlltoall) as Call<'alltoall'>;
  alltoallv = this.#callOf('alltoallv', postInterAlltoallv) as Call<'alltoallv'>;
  alltoallw = this.#callOf('alltoallw', postAlltoallw) as Call<'alltoallw'>;
  reduce = this.#callOf('reduce', postInterReduce) as Call<'reduce'>;
  allreduce = this.#callOf('allreduce', postInterAllreduce) as Call<'allreduce'>;
  reduceScatterBlock = this.#callOf(
    'reduceScatterBlock',
    this.#withSize(postInterReduceScatterBlock),
  ) as Call<'reduceScatterBlock'>;
  reduceScatter = this.#callOf('reduceScatter', this.#withSize(postInterReduceScatter)) as Call<'reduceScatter'>;

  bcastObject = this.#callOf('bcastObject', postInterBcastObject) as Call<'bcastObject'>;
  gatherObject = this.#callOf('gatherObject', postInterGatherObject) as Call<'gatherObject'>;
  scatterObject = this.#callOf('scatterObject', postInterScatterObject) as Call<'scatterObject'>;
  allgatherObject = this.#callOf('allgatherObject', postInterAllgatherObject) as Call<'allgatherObject'>;
  alltoallObject = this.#callOf('alltoallObject', postInterAlltoallObject) as Call<'alltoallObject'>;
  reduceObject = this.#callOf('reduceObject', postInterReduceObject) as Call<'reduceObject'>;
  allreduceObject = this.#callOf('allreduceObject', postInterAllreduceObject) as Call<'allreduceObject'>;

  barrierInit(): Persistent<void> {
    return setUpCollective(this, 'barrier', undefined, (host) => postInterBarrier(host, undefined));
  }

  bcastInit = this.#initOf('bcast', postInterBcast) as Call<'bcastInit'>;
  gatherInit = this.#initOf('gather', postInterGather) as Call<'gatherInit'>;
  gathervInit = this.#initOf('gatherv', postInterGatherv) as Call<'gathervInit'>;
  scatterInit = this.#initOf('scatter', postInterScatter) as Call<'scatterInit'>;
  scattervInit = this.#initOf('scatterv', postInterScatterv) as Call<'scattervInit'>;
  allgatherInit = this.#initOf('allgather', postInterAllgather) as Call<'allgatherInit'>;
  allgathervInit = this.#initOf('allgatherv', postInterAllgatherv) as Call<'allgathervInit'>;
  alltoallInit = this.#initOf('alltoall', postInterAlltoall) as Call<'alltoallInit'>;
  alltoallvInit = this.#initOf('alltoallv', postInterAlltoallv) as Call<'alltoallvInit'>;
  alltoallwInit = this.#initOf('alltoallw', postAlltoallw) as Call<'alltoallwInit'>;
  reduceInit = this.#initOf('reduce', postInterReduce) as Call<'reduceInit'>;
  allreduceInit = this.#initOf('allreduce', postInterAllreduce) as Call<'allreduceInit'>;
  reduceScatterBlockInit = this.#initOf(
    'reduceScatterBlock',
    this.#withSize(postInterReduceScatterBlock),
  ) as Call<'reduceScatterBlockInit'>;
  reduceScatterInit = this.#initOf('reduceScatter', this.#withSize(postInterReduceScatter)) as Call<'reduceScatterInit'>;

  // ---- communicators ---------------------------------------------------------------------------------

  dup(options?: DupOptions): Request<Intercommunicator> {
    checkOptions(options as unknown, 'dup', [...PLAIN, 'info']);
    this.checkOpen();
    const info = setHints(NO_HINTS, options?.info ?? NO_HINTS);
    const copyAttributes = this.copyAttributes();
    return postInterSplit(this, 'dup', 0, this.rank, options, (id, members, local) => {
      const made = this.#make(id, members, local);
      copyAttributes(made);
      made.info = info;
      return made;
    }) as Request<Intercommunicator>;
  }

  split(color: number | undefined, key = 0, options?: Options): Request<Intercommunicator | undefined> {
    checkOptions(options, 'split', PLAIN);
    checkColor(color, key);
    this.checkOpen();
    return postInterSplit(this, 'split', color, key, options, this.#make);
  }

  create(group: Group, options?: Options): Request<Intercommunicator | undefined> {
    checkOptions(options, 'create', PLAIN);
    checkSubgroup('create', group, this.group, this.name);
    this.checkOpen();
    const at = group.ranks.indexOf(this.environment.worldRank);
    return postInterSplit(this, 'create', at < 0 ? undefined : 0, at, options, this.#make);
  }

  compare(other: Communicator | Intercommunicator): Comparison {
    return compareCommunicators(this, other);
  }

  merge(high: boolean, options?: Options): Request<Communicator> {
    checkOptions(options, 'merge', PLAIN);
    if (typeof high !== 'boolean')
      throw new MpiError('ERR_MPI_ARG', `merge got ${String(high)} for high: expected true or false`);
    this.checkOpen();
    return postMerge(this, high, options);
  }

  free(options?: Options): Request<void> {
    checkOptions(options, 'free', PLAIN);
    if (this.isClosed) return new DoneOperation<void>(undefined, 'free of a communicator that was given up');
    this.dropAttributes();
    return postInterFree(this, options, () => this.close());
  }

  // ---- inside ------------------------------------------------------------------------------------------

  readonly #make = (id: number, members: Membership, local: readonly number[]): InterGroups =>
    new InterGroups(this.environment, id, members, local);

  #callOf(name: string, call: (host: InterGroups, ...rest: never[]) => unknown) {
    return (...rest: unknown[]): unknown => this.#across(name, call as InterCall, this, rest);
  }

  /** The persistent form of a call whose data comes first. */
  #initOf(name: string, call: (host: InterGroups, ...rest: never[]) => unknown) {
    return (...rest: unknown[]): unknown =>
      setUpCollective(this, name, rest[0], (host) => this.#across(`${name}Init`, call as InterCall, host, rest));
  }

  #across(name: string, call: InterCall, host: CollectiveHost, [data, ...rest]: readonly unknown[]): unknown {
    refuseInPlace(name, [data, ...rest]);
    this.checkOpen();
    // A broadcast is written where the root is a rank of the other group.
    return callWithLayouts(host, call, data, rest, () => (rest[0] as number) >= 0);
  }

  #withSize(call: (host: InterGroups, size: number, data: unknown, ...rest: unknown[]) => Request<unknown>): InterCall {
    return (host, data, ...rest) => call(host as InterGroups, this.size, data, ...rest);
  }

  protected override close(): void {
    if (!this.isClosed) this.space.close();
    super.close();
  }
}
