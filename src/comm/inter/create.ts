/**
 * Creation of an intercommunicator: the leaders of two groups exchange who belongs to them over a communicator that holds
 * both, and tell their own group. The leader with the smaller world rank gives the id. Standard: 7.6.2.
 */

import { MpiError } from '../../base/errors.ts';
import { CollectiveOperation } from '../../collective/port.ts';
import type { Schedule } from '../../collective/schedule.ts';
import { contextId } from '../../p2p/context.ts';
import type { Operation, Options, Request } from '../../p2p/request.ts';
import { callOf, PLAIN } from '../calls/call.ts';
import { checkOptions, checkRoot } from '../checks.ts';
import type { Communicator, Intercommunicator } from '../communicator.ts';
import type { InterParent } from '../rank-environment.ts';
import { InterGroups } from './intercommunicator.ts';

/** Post the creation. On the leader `peer` reaches the other leader, whose rank there is `remoteLeader`; elsewhere both do not matter. */
export function postIntercommunicator(
  parent: InterParent,
  localLeader: number,
  peer: Communicator | undefined,
  remoteLeader: number,
  tag: number,
  options?: Options,
): Request<Intercommunicator> {
  const { environment, space, collectives } = parent;
  const { members } = space.context;
  checkOptions(options, 'intercommCreate', PLAIN);
  checkRoot(localLeader, members);
  const isLeader = members.rank === localLeader;
  if (isLeader && peer === undefined) {
    throw new MpiError(
      'ERR_MPI_COMM',
      'intercommCreate: the local leader has no peer communicator: expected one that reaches the other leader',
    );
  }
  let made: Intercommunicator | undefined;
  const swap = (port: CollectiveOperation<unknown>, out: Int32Array, into: Int32Array) => {
    const exchanged = peer!.sendrecv(out, remoteLeader, into, remoteLeader, { sendTag: tag, recvTag: tag });
    return port.join(exchanged as unknown as Operation<unknown>);
  };
  function* schedule(port: CollectiveOperation<unknown>): Schedule {
    const local = members.worldOf;
    // Size of the other group, and the id.
    const facts = new Int32Array(2);
    let remote = new Int32Array(0);
    if (isLeader) {
      const number = environment.numbers.acquire();
      const mine = Int32Array.of(local.length, environment.worldRank, number);
      const theirs = new Int32Array(3);
      yield swap(port, mine, theirs);
      const [size, leader, remoteNumber] = theirs as unknown as [number, number, number];
      remote = new Int32Array(size);
      yield swap(port, local, remote);
      const isMine = environment.worldRank < leader;
      if (!isMine) environment.numbers.release(number);
      facts.set([size, isMine ? contextId(environment.worldRank, number) : contextId(leader, remoteNumber)]);
    }
    yield* collectives.internal.bcast(port, { data: facts, root: localLeader });
    if (!isLeader) remote = new Int32Array(facts[0]!);
    yield* collectives.internal.bcast(port, { data: remote, root: localLeader });
    const both = local.find((rank) => remote.includes(rank));
    if (both !== undefined) {
      throw new MpiError(
        'ERR_MPI_GROUP',
        `intercommCreate: world rank ${both} is in both groups: expected groups without a common rank`,
      );
    }
    const name = `${members.name}.intercommCreate`;
    made = new InterGroups(environment, facts[1]!, { name, rank: members.rank, worldOf: remote }, Array.from(local));
    made.errors = parent.errors;
  }
  const operation = new CollectiveOperation<Intercommunicator>(
    space,
    callOf('intercommCreate', localLeader),
    schedule,
    () => made!,
  );
  if (options !== undefined) environment.engine.progress.limit(operation, options);
  return operation;
}
