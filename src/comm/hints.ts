/**
 * Hints: what a program promises of its use of a communicator, set as info. A promise kept is checked: a wildcard where
 * none was promised is an error at the call. Standard: 7.4.4.
 */

import { MpiError } from '../base/errors.ts';
import type { Membership } from '../p2p/context.ts';
import { ANY_SOURCE, ANY_TAG } from '../p2p/matching-queue.ts';
import type { Info } from './properties.ts';

const NO_ANY_SOURCE = 'mpi_assert_no_any_source';
const NO_ANY_TAG = 'mpi_assert_no_any_tag';
const UNDERSTOOD: readonly string[] = [NO_ANY_SOURCE, NO_ANY_TAG];

/** No hints at all, told by identity. */
export const NO_HINTS: Info = Object.freeze({});

/** Return the hints in use once those given were set, too. Errors: ERR_MPI_INFO, ERR_MPI_INFO_VALUE. */
export function setHints(old: Info, given: unknown): Info {
  if (typeof given !== 'object' || given === null)
    throw new MpiError('ERR_MPI_INFO', `info got ${String(given)}: expected a record of texts by name`);
  const hints: Record<string, string> = { ...old };
  for (const [key, value] of Object.entries(given)) {
    if (!UNDERSTOOD.includes(key)) continue;
    if (value !== 'true' && value !== 'false')
      throw new MpiError('ERR_MPI_INFO_VALUE', `info ${key} is ${JSON.stringify(value)}: expected 'true' or 'false'`);
    hints[key] = value;
  }
  return Object.freeze(hints);
}

/** Hold a receive or probe against what was promised. Errors: ERR_MPI_RANK, ERR_MPI_TAG. */
export function checkPromised(hints: Info, source: number, tag: number, members: Membership): void {
  const context = { communicator: members.name, rank: members.rank };
  if (source === ANY_SOURCE && hints[NO_ANY_SOURCE] === 'true')
    throw new MpiError('ERR_MPI_RANK', `source is ANY_SOURCE on ${members.name}, whose info has ${NO_ANY_SOURCE}`, context);
  if (tag === ANY_TAG && hints[NO_ANY_TAG] === 'true')
    throw new MpiError('ERR_MPI_TAG', `tag is ANY_TAG on ${members.name}, whose info has ${NO_ANY_TAG}`, context);
}
