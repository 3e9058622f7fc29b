/**
 * InterGroups: two groups of ranks that talk across; messages and collectives go to the other group. Standard: 7.6.
 */

import { operationCode } from '../../base/operation.ts';
import { Collectives } from '../../collective/collectives.ts';
import { CollectiveOperation, type CollectiveSpace } from '../../collective/port.ts';
import type { Schedule } from '../../collective/schedule.ts';
import { COLLECTIVE, contextId, type Membership, splitContextId } from '../../p2p/context.ts';
import { DoneOperation } from '../../p2p/done-operation.ts';
import type { Options, Request } from '../../p2p/request.ts';
import { PLAIN } from '../calls/call.ts';
import { checkOptions } from '../checks.ts';
import type { Communicator, Intercommunicator } from '../communicator.ts';
import { type Group, RankGroup } from '../group.ts';
import { Intracommunicator } from '../intracommunicator.ts';
import { PointToPointCommunicator } from '../point-to-point-communicator.ts';
import type { RankEnvironment } from '../rank-environment.ts';
import {
  crossBarrier,
  postInterAllgather,
  postInterAllreduce,
  postInterAlltoall,
  postInterBarrier,
  postInterBcast,
  postInterGather,
  postInterReduce,
  postInterScatter,
} from './calls.ts';

export class InterGroups extends PointToPointCommunicator implements Intercommunicator {
  readonly size: number;
  readonly isInter = true;
  readonly remoteSize: number;
  readonly space: CollectiveSpace;
  readonly collectives: Collectives;
  readonly #local: readonly number[];
  readonly #id: number;

  /** `members.worldOf` is the other group, `local` this one, as world ranks. */
  constructor(environment: RankEnvironment, id: number, members: Membership, local: readonly number[]) {
    super(environment, id, members);
    const { engine } = environment;
    this.#id = id;
    this.#local = local;
    this.size = local.length;
    this.remoteSize = members.worldOf.length;
    this.space = { engine, context: engine.openContext(id + COLLECTIVE, members), area: undefined, broken: undefined, count: 0 };
    this.collectives = new Collectives({ size: this.remoteSize, slotBytes: 0, isDeterministic: true, forced: () => undefined });
  }

  get group(): Group {
    return new RankGroup([...this.#local], this.environment.worldRank);
  }

  get remoteGroup(): Group {
    return new RankGroup(Array.from(this.members.worldOf), this.environment.worldRank);
  }

  noteCollective(call: string): void {
    this.checkOpen();
    this.environment.note(operationCode(call), -1, -1);
  }

  barrier(options?: Options): Request<void> {
    return postInterBarrier(this, options);
  }

  bcast: Intercommunicator['bcast'] = ((data: unknown, root: unknown, options?: unknown) =>
    postInterBcast(this, data, root, options)) as Intercommunicator['bcast'];
  gather: Intercommunicator['gather'] = ((data: unknown, into: unknown, root: unknown, options?: unknown) =>
    postInterGather(this, data, into, root, options)) as Intercommunicator['gather'];
  scatter: Intercommunicator['scatter'] = ((data: unknown, into: unknown, root: unknown, options?: unknown) =>
    postInterScatter(this, data, into, root, options)) as Intercommunicator['scatter'];
  allgather = ((data: unknown, ...rest: unknown[]) => postInterAllgather(this, data, ...rest)) as Intercommunicator['allgather'];
  alltoall = ((data: unknown, ...rest: unknown[]) => postInterAlltoall(this, data, ...rest)) as Intercommunicator['alltoall'];
  reduce = ((data: unknown, ...rest: unknown[]) => postInterReduce(this, data, ...rest)) as Intercommunicator['reduce'];
  allreduce = ((data: unknown, ...rest: unknown[]) => postInterAllreduce(this, data, ...rest)) as Intercommunicator['allreduce'];

  merge(high: boolean, options?: Options): Request<Communicator> {
    checkOptions(options, 'merge', PLAIN);
    this.noteCollective('merge');
    const { environment, rank } = this;
    const [local, remote] = [this.#local, Array.from(this.members.worldOf)];
    const name = `${this.name}.merge`;
    let made: Intracommunicator | undefined;
    function* schedule(port: CollectiveOperation<unknown>): Schedule {
      // First ranks exchange their side and a number for the id, then tell the other group both: so everybody knows both.
      const number = rank === 0 ? environment.numbers.acquire() : -1;
      const own = Float64Array.of(high ? 1 : 0, number);
      const theirs = new Float64Array(2);
      if (rank === 0) yield port.exchange(own, 0, theirs, 0);
      const both = new Float64Array(4);
      let step = port.recv(both, 0);
      if (rank === 0) for (let dest = 0; dest < port.size; dest++) step = port.send(Float64Array.of(...own, ...theirs), dest);
      yield step;
      const [remoteHigh, remoteNumber, localHigh, localNumber] = both as unknown as [number, number, number, number];
      const isFirst = localHigh === remoteHigh ? local[0]! < remote[0]! : localHigh < remoteHigh;
      if (rank === 0 && !isFirst) environment.numbers.release(number);
      const worldOf = Int32Array.from(isFirst ? [...local, ...remote] : [...remote, ...local]);
      const id = contextId(worldOf[0]!, isFirst ? localNumber : remoteNumber);
      made = new Intracommunicator(environment, id, { name, rank: worldOf.indexOf(environment.worldRank), worldOf });
    }
    return this.#run('merge', options, schedule, () => made as Communicator);
  }

  free(options?: Options): Request<void> {
    checkOptions(options, 'free', PLAIN);
    if (this.isClosed) return new DoneOperation<void>(undefined, 'free of a communicator that was given up');
    const self = this;
    function* schedule(port: CollectiveOperation<unknown>): Schedule {
      yield* crossBarrier(port);
      // Every member of both groups has finished all it did here: the id may be used again.
      self.close();
      const { leaderWorldRank, number } = splitContextId(self.#id);
      if (leaderWorldRank === self.environment.worldRank) self.environment.numbers.release(number);
    }
    return this.#run('free', options, schedule, () => undefined);
  }

  #run<T>(
    name: string,
    options: Options | undefined,
    schedule: (port: CollectiveOperation<unknown>) => Schedule,
    result: () => T,
  ): Request<T> {
    const operation = new CollectiveOperation<T>(this.space, name, schedule, result);
    if (options !== undefined) this.environment.engine.progress.limit(operation, options);
    return operation;
  }

  protected override close(): void {
    if (!this.isClosed) this.environment.engine.closeContext(this.space.context);
    super.close();
  }
}
