/**
 * Construction of communicators: dup, split, create and free as schedules over the parent.
 *
 * The idea: one allgather carries each rank's color, key and a number that it would give as leader. Everybody then knows
 * all members; the leader of a new communicator is its rank 0, whose number makes the context id. The leader takes a
 * shared area, where one is to be had, and tells the others over the new communicator itself. Where color and key follow
 * from what the ranks tell each other first (a graph's edges), a phase before finds them out.
 */

import type { Collectives } from '../collective/collectives.ts';
import { CollectiveOperation, CollectiveSpace } from '../collective/port.ts';
import type { Schedule, Step } from '../collective/schedule.ts';
import { contextId, type Membership, splitContextId } from '../p2p/context.ts';
import type { Context } from '../p2p/point-to-point.ts';
import type { Options, Request } from '../p2p/request.ts';
import { callOf } from './calls/call.ts';
import type { Decision, Part } from './part.ts';
import type { ErrorHandling } from './properties.ts';
import type { RankEnvironment } from './rank-environment.ts';

/** Color of a rank that becomes no member. */
const NO_COLOR = -1;

/** What construction needs of a communicator, old or new. */
export interface Constructible {
  readonly environment: RankEnvironment;
  readonly space: CollectiveSpace;
  readonly collectives: Collectives;
  readonly areaIndex: number;
  /** Handed on to what is made of it. */
  errors: ErrorHandling;
  useArea(index: number): void;
}

/** Post a construction. */
export function postSplit<C extends Constructible>(
  parent: Constructible,
  call: string,
  part: Part<C> | Decision<C>,
  options: Options | undefined,
): Request<C | undefined> {
  const { environment, space, collectives } = parent;
  const { members } = space.context;
  const size = members.worldOf.length;
  let made: C | undefined;

  function* schedule(port: CollectiveOperation<unknown>): Schedule {
    const { color, key, make } = typeof part === 'function' ? yield* part(port) : part;
    const number = environment.numbers.acquire();
    const all = new Float64Array(3 * size);
    yield* collectives.internal.allgather(port, { data: Float64Array.of(color ?? NO_COLOR, key, number), into: all, count: 3 });
    if (color === undefined) {
      environment.numbers.release(number);
      return;
    }
    const ranks: number[] = [];
    for (let rank = 0; rank < size; rank++) if (all[3 * rank] === color) ranks.push(rank);
    ranks.sort((a, b) => all[3 * a + 1]! - all[3 * b + 1]! || a - b);
    const leader = ranks[0]!;
    if (leader !== members.rank) environment.numbers.release(number);
    const worldOf = Int32Array.from(ranks, (rank) => members.worldOf[rank]!);
    const id = contextId(worldOf[0]!, all[3 * leader + 2]!);
    made = make(id, { name: `${members.name}.${call}`, rank: ranks.indexOf(members.rank), worldOf });
    made.errors = parent.errors;
    yield* agreeOnArea(port, made, call, worldOf);
  }
  const operation = new CollectiveOperation<C | undefined>(space, callOf(call), schedule, () => made);
  if (options !== undefined) environment.engine.progress.limit(operation, options);
  return operation;
}

/** Have the members of a new communicator take a shared area, where they are on one host and one is left. */
function* agreeOnArea(
  port: CollectiveOperation<unknown>,
  made: Constructible,
  call: string,
  worldOf: Int32Array,
): Generator<Step, void, void> {
  const { environment, space, collectives } = made;
  if (worldOf.length === 1 || environment.areas?.holds(worldOf) !== true) return;
  const index = Int32Array.of(worldOf[0] === environment.worldRank ? environment.areas.acquire() : -1);
  yield port.join(
    new CollectiveOperation(
      space,
      callOf(call),
      (inner) => collectives.internal.bcast(inner, { data: index, root: 0 }),
      () => undefined,
    ),
  );
  if (index[0]! >= 0) made.useArea(index[0]!);
}

/**
 * Post a construction that only its members call: the first of them tells the others the id, in a plane of the parent's
 * that holds nothing else, so that neither the parent's collectives nor its messages need be in step.
 */
export function postCreateGroup<C extends Constructible>(
  parent: Constructible,
  plane: Context,
  ranks: readonly number[],
  tag: number,
  options: Options | undefined,
  make: (id: number, members: Membership) => C,
): Request<C> {
  const { environment } = parent;
  const { engine } = environment;
  const { members } = plane;
  const worldOf = Int32Array.from(ranks, (rank) => members.worldOf[rank]!);
  const at = ranks.indexOf(members.rank);
  let made: C | undefined;
  function* schedule(port: CollectiveOperation<unknown>): Schedule {
    const number = Int32Array.of(at === 0 ? environment.numbers.acquire() : -1);
    if (at > 0) yield port.recv(number, ranks[0]!);
    else for (const dest of ranks.slice(1)) yield port.send(number, dest);
    made = make(contextId(worldOf[0]!, number[0]!), { name: `${members.name}.createGroup`, rank: at, worldOf });
    made.errors = parent.errors;
    yield* agreeOnArea(port, made, 'createGroup', worldOf);
  }
  // A collective's number is its messages' tag: here the program gives it.
  const space = new CollectiveSpace(engine, plane, environment.journal, undefined, tag - 1);
  const operation = new CollectiveOperation<C>(space, callOf('createGroup'), schedule, () => made!);
  if (options !== undefined) engine.progress.limit(operation, options);
  return operation;
}

/** Post the collective that gives a communicator up; `close` closes this rank's handle. */
export function postFree(communicator: Constructible, options: Options | undefined, close: () => void): Request<void> {
  const { environment, space, collectives } = communicator;
  const { rank } = space.context.members;
  function* schedule(port: CollectiveOperation<unknown>): Schedule {
    // After the barrier every member has finished all it did here: id and area may be used again.
    yield* collectives.leave(port);
    close();
    if (rank !== 0) return;
    environment.numbers.release(splitContextId(space.context.id).number);
    if (communicator.areaIndex >= 0) environment.areas?.release(communicator.areaIndex);
  }
  const operation = new CollectiveOperation<void>(space, callOf('free'), schedule, () => undefined);
  if (options !== undefined) environment.engine.progress.limit(operation, options);
  return operation;
}
