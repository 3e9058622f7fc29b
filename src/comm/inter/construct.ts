/**
 * Construction out of an intercommunicator: split (and with it dup and create), merge and free, as schedules across.
 *
 * The idea: messages only cross, so a group learns of itself from the other one: every rank tells all ranks of the other
 * group about itself, and the other group's first rank tells all what it was told. Then both groups know both.
 */

import { CollectiveOperation, type CollectiveSpace } from '../../collective/port.ts';
import type { Port, Schedule } from '../../collective/schedule.ts';
import { contextId, type Membership, splitContextId } from '../../p2p/context.ts';
import type { Options, Request } from '../../p2p/request.ts';
import { callOf } from '../calls/call.ts';
import type { Communicator } from '../communicator.ts';
import { Intracommunicator } from '../intracommunicator.ts';
import type { ErrorHandling } from '../properties.ts';
import type { RankEnvironment } from '../rank-environment.ts';
import { cross } from './cross.ts';
import { crossBarrier } from './data.ts';

/** Color of a rank that becomes no member. */
const NO_COLOR = -1;

/** What construction needs of an intercommunicator. */
export interface TwoGroups {
  readonly environment: RankEnvironment;
  readonly space: CollectiveSpace;
  readonly rank: number;
  /** World ranks of this group. */
  readonly local: readonly number[];
  readonly id: number;
  readonly name: string;
  /** Handed on to what is made of it. */
  errors: ErrorHandling;
}

/** Post a split of both groups. `color` undefined: no member of any. `make` makes this rank's handle. */
export function postInterSplit<C extends TwoGroups>(
  parent: TwoGroups,
  call: string,
  color: number | undefined,
  key: number,
  options: Options | undefined,
  make: (id: number, members: Membership, local: readonly number[]) => C,
): Request<C | undefined> {
  const { environment, rank, local, space } = parent;
  const remote = space.context.members.worldOf;
  let made: C | undefined;
  function* schedule(port: Port): Schedule {
    const number = environment.numbers.acquire();
    const theirs = new Float64Array(3 * port.size);
    yield* cross(
      port,
      () => Float64Array.of(color ?? NO_COLOR, key, number),
      (from) => theirs.subarray(3 * from, 3 * from + 3),
    );
    const ours = new Float64Array(3 * local.length);
    let step = port.recv(ours, 0);
    if (rank === 0) for (let dest = 0; dest < port.size; dest++) step = port.send(theirs, dest);
    yield step;
    const mine = color === undefined ? [] : membersOf(ours, color);
    const others = color === undefined ? [] : membersOf(theirs, color);
    if (mine.length === 0 || others.length === 0) {
      environment.numbers.release(number);
      return;
    }
    const [first, opposite] = [mine[0]!, others[0]!];
    // The first rank of one of the groups gives the id: that with the smaller world rank.
    const isOurs = local[first]! < remote[opposite]!;
    if (!(isOurs && first === rank)) environment.numbers.release(number);
    const id = isOurs ? contextId(local[first]!, ours[3 * first + 2]!) : contextId(remote[opposite]!, theirs[3 * opposite + 2]!);
    const worldOf = Int32Array.from(others, (other) => remote[other]!);
    made = make(
      id,
      { name: `${parent.name}.${call}`, rank: mine.indexOf(rank), worldOf },
      mine.map((member) => local[member]!),
    );
    made.errors = parent.errors;
  }
  return run(parent, call, options, schedule, () => made);
}

/** Return the ranks of one color by key, then by rank; of (color, key, number) for each rank of a group. */
function membersOf(table: Float64Array, color: number): number[] {
  const ranks: number[] = [];
  for (let rank = 0; 3 * rank < table.length; rank++) if (table[3 * rank] === color) ranks.push(rank);
  return ranks.sort((a, b) => table[3 * a + 1]! - table[3 * b + 1]! || a - b);
}

/** Post the merge of both groups into one. Standard: 7.6.3. */
export function postMerge(parent: TwoGroups, high: boolean, options: Options | undefined): Request<Communicator> {
  const { environment, rank, local, space } = parent;
  const remote = Array.from(space.context.members.worldOf);
  const name = `${parent.name}.merge`;
  let made: Intracommunicator | undefined;
  function* schedule(port: Port): Schedule {
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
    made.errors = parent.errors;
  }
  return run(parent, 'merge', options, schedule, () => made!);
}

/** Post the collective that gives an intercommunicator up; `close` closes this rank's handle. */
export function postInterFree(parent: TwoGroups, options: Options | undefined, close: () => void): Request<void> {
  function* schedule(port: Port): Schedule {
    yield* crossBarrier(port);
    // Every member of both groups has finished all it did here: the id may be used again.
    close();
    const { leaderWorldRank, number } = splitContextId(parent.id);
    if (leaderWorldRank === parent.environment.worldRank) parent.environment.numbers.release(number);
  }
  return run(parent, 'free', options, schedule, () => undefined);
}

function run<T>(
  { space }: TwoGroups,
  name: string,
  options: Options | undefined,
  schedule: (port: Port) => Schedule,
  result: () => T,
): Request<T> {
  const operation = new CollectiveOperation<T>(space, callOf(name), schedule, result);
  if (options !== undefined) space.engine.progress.limit(operation, options);
  return operation;
}
