/**
 * Checks of arguments that many calls share: ranks, tags, roots, options. Each throws at the call.
 */

import { MpiError } from '../base/errors.ts';
import type { Membership } from '../p2p/context.ts';
import { checkTimeout } from '../p2p/limit.ts';
import { ANY_SOURCE, ANY_TAG, PROC_NULL } from '../p2p/matching-queue.ts';
import type { Options } from '../p2p/request.ts';
import { type Group, RankGroup } from './group.ts';

/** Largest tag. Standard: 3.2.3 asks for at least 32767. */
export const TAG_LIMIT: number = 2 ** 31 - 1;

/** Check the destination of a send; PROC_NULL is one. */
export function checkDest(dest: unknown, members: Membership): asserts dest is number {
  const size = members.worldOf.length;
  if (typeof dest === 'number' && (((dest | 0) === dest && dest >= 0 && dest < size) || dest === PROC_NULL)) return;
  throw rankError('dest', dest, members, 'or PROC_NULL');
}

/** Check the source of a receive; ANY_SOURCE and PROC_NULL are ones. */
export function checkSource(source: unknown, members: Membership): asserts source is number {
  const size = members.worldOf.length;
  if (
    typeof source === 'number' &&
    (((source | 0) === source && source >= 0 && source < size) || source === ANY_SOURCE || source === PROC_NULL)
  ) {
    return;
  }
  throw rankError('source', source, members, ', ANY_SOURCE or PROC_NULL');
}

/** Check the root of a collective. */
export function checkRoot(root: unknown, members: Membership): asserts root is number {
  const size = members.worldOf.length;
  if (typeof root === 'number' && (root | 0) === root && root >= 0 && root < size) return;
  const message = `root ${shown(root)} is no rank of ${members.name}: expected an integer from 0 to ${size - 1}`;
  throw new MpiError('ERR_MPI_ROOT', message, { communicator: members.name, rank: members.rank });
}

/** Check the tag of a send. */
export function checkSendTag(tag: unknown, members: Membership): asserts tag is number {
  if (typeof tag === 'number' && Number.isInteger(tag) && tag >= 0 && tag <= TAG_LIMIT) return;
  throw tagError(tag, members, '');
}

/** Check the tag of a receive; ANY_TAG is one. */
export function checkRecvTag(tag: unknown, members: Membership): asserts tag is number {
  if (typeof tag === 'number' && Number.isInteger(tag) && ((tag >= 0 && tag <= TAG_LIMIT) || tag === ANY_TAG)) return;
  throw tagError(tag, members, ' or ANY_TAG');
}

/** Check options: an object (or undefined) without names that the call does not know; its time-out and signal. */
export function checkOptions(
  options: unknown,
  call: string,
  known: readonly string[],
): asserts options is (Options & Record<string, unknown>) | undefined {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    throw new MpiError(
      'ERR_MPI_ARG',
      `${call} got ${String(options)} for its options: expected an object with ${known.join(', ')}`,
    );
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new MpiError('ERR_MPI_ARG', `${call} has no option ${name}: expected ${known.join(', ')}`);
  }
  const { signal, timeoutMs } = options as { signal?: unknown; timeoutMs?: unknown };
  if (timeoutMs !== undefined) checkTimeout(timeoutMs);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new MpiError('ERR_MPI_ARG', `signal is ${String(signal)}: expected an AbortSignal`);
  }
}

/** Return a value as it is written in a program: a string that looks like a number is none. */
function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Check color and key of a split. */
export function checkColor(color: unknown, key: unknown): void {
  if (color !== undefined && !(Number.isSafeInteger(color) && (color as number) >= 0))
    throw new MpiError('ERR_MPI_ARG', `split got ${String(color)} for its color: expected an integer, 0 or more, or undefined`);
  if (!Number.isFinite(key)) throw new MpiError('ERR_MPI_ARG', `split got ${String(key)} for its key: expected a number`);
}

/** Check a group of which a communicator is made: a part of the old one's. */
export function checkSubgroup(call: string, group: Group, whole: Group, name: string): void {
  if (!(group instanceof RankGroup))
    throw new MpiError('ERR_MPI_GROUP', `${call} got ${String(group)}: expected a group, as ${name}.group and its parts are`);
  const mine = new Set(whole.ranks);
  const stranger = group.ranks.find((rank) => !mine.has(rank));
  if (stranger === undefined) return;
  throw new MpiError(
    'ERR_MPI_GROUP',
    `${call} got a group with world rank ${stranger}, which is not in ${name}: expected a part of its group`,
  );
}

function rankError(what: string, rank: unknown, members: Membership, besides: string): MpiError {
  const range = `expected an integer from 0 to ${members.worldOf.length - 1}${besides.startsWith(',') ? '' : ' '}${besides}`;
  const message = `${what} ${shown(rank)} is no rank of ${members.name}: ${range}`;
  const peer = typeof rank === 'number' ? rank : undefined;
  return new MpiError('ERR_MPI_RANK', message, { communicator: members.name, rank: members.rank, peer });
}

function tagError(tag: unknown, members: Membership, besides: string): MpiError {
  const message = `tag ${shown(tag)} is no tag: expected an integer from 0 to ${TAG_LIMIT}${besides}`;
  return new MpiError('ERR_MPI_TAG', message, { communicator: members.name, rank: members.rank });
}
