/**
 * What the collectives of intercommunicators share: data that crosses from each group to the other, roots, refusals.
 *
 * The idea: every sender posts to every receiver of the other group at once, so collectives need no phase inside a group,
 * keep the order of operators, and may be in flight together. Cost: as many messages a rank as the other group has ranks.
 * Standard: 6.2.2.
 */

import { CollectiveCall, NONE, opCode } from '../../base/collective-call.ts';
import { MpiError } from '../../base/errors.ts';
import { operationCode } from '../../base/operation.ts';
import type { Port, Schedule, Step } from '../../collective/schedule.ts';
import type { TypedArray } from '../../datatype/element-type.ts';
import type { Op, Operator } from '../../datatype/operator.ts';
import { PROC_NULL } from '../../p2p/matching-queue.ts';
import type { Request } from '../../p2p/request.ts';
import type { Elements } from '../buffer.ts';
import type { CollectiveHost } from '../calls/call.ts';
import { IN_PLACE } from '../in-place.ts';

/** Given as root by the root itself; the others of its group give PROC_NULL. Standard: 6.2.3. */
export const ROOT: number = -1004;

/** A call between two groups, as calls/ have it for one. */
export type InterCall = (host: CollectiveHost, data: unknown, ...rest: unknown[]) => Request<unknown>;

/** What goes to, or comes from, a rank of the other group. */
export type PartOf = (rank: number) => TypedArray;

/** Send out(r) to, and receive into(r) from, every rank of the other group; undefined: nothing. */
export function* cross(port: Port, out: PartOf | undefined, into: PartOf | undefined): Schedule {
  let step: Step | undefined;
  if (into !== undefined) for (let rank = 0; rank < port.size; rank++) step = port.recv(into(rank), rank);
  if (out !== undefined) for (let rank = 0; rank < port.size; rank++) step = port.send(out(rank), rank);
  if (step !== undefined) yield step;
}

/** Return how many ranks the other group has. */
export function remoteSizeOf(host: CollectiveHost): number {
  return host.space.context.members.worldOf.length;
}

/** Check a root: ROOT, PROC_NULL or a rank of the other group. */
export function checkInterRoot(host: CollectiveHost, call: string, root: unknown): number {
  const { worldOf, name } = host.space.context.members;
  if (root === ROOT || root === PROC_NULL) return root;
  if (typeof root === 'number' && Number.isInteger(root) && root >= 0 && root < worldOf.length) return root;
  throw new MpiError(
    'ERR_MPI_ROOT',
    `${call}: root ${String(root)} on ${name}: expected ROOT, PROC_NULL or a rank of the other group, 0 to ${worldOf.length - 1}`,
  );
}

/**
 * Return a call as both groups see it: the root as a rank of its own group, NONE for those who do not know it. The length
 * is NONE where the groups' may differ, and on a rank that neither gives nor takes.
 */
export function interCall(
  host: CollectiveHost,
  name: string,
  root: number | undefined,
  data: Elements | undefined,
  byteLength: number = data?.byteLength ?? NONE,
  op?: Op,
): CollectiveCall {
  const rank = root === undefined || root === PROC_NULL ? NONE : root === ROOT ? host.space.context.members.rank : root;
  const operator = op === undefined ? NONE : opCode((op as Operator).id, op.isCommutative);
  return CollectiveCall.of(operationCode(name), data?.code ?? NONE, byteLength, rank, operator, 0);
}

/** Refuse IN_PLACE, since what is sent and what is received belong to different groups. */
export function refuseInPlace(call: string, given: readonly unknown[]): void {
  if (!given.includes(IN_PLACE)) return;
  throw new MpiError(
    'ERR_MPI_BUFFER',
    `${call} got IN_PLACE, which means nothing between two groups: expected buffers of their own`,
  );
}
