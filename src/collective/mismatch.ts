/**
 * Mismatch: the words for ranks of one communicator that called different collectives, or one with different arguments.
 *
 * The place that finds it knows this rank's call and, where the host's journal still has it, the other rank's.
 */

import { type CallRecord, type CollectiveCall, operationName, operationOfCheck } from '../base/collective-call.ts';
import { MpiError } from '../base/errors.ts';

/** A rank and what is known of its call; -1: some rank. */
export interface Party {
  readonly rank: number;
  readonly record: CallRecord | undefined;
  /** Where in the program it stands, with words before it, or empty. */
  readonly place: string;
  /** It belongs to the other group of an intercommunicator. */
  readonly isRemote: boolean;
}

/** Make the error. `sentCheck`: what a message of the other rank said of its call; 0: there is none. */
export function mismatchError(
  communicator: string,
  number: number,
  call: CollectiveCall,
  mine: { readonly rank: number; readonly place: string },
  other: Party,
  sentCheck: number,
): MpiError {
  const own = `rank ${mine.rank} called ${call.describe()}${mine.place} as collective ${number} on ${communicator}`;
  const message = `${own}, ${wordsOf(number, call, other, sentCheck)}: expected the same call on all ranks`;
  return new MpiError('ERR_MPI_COLLECTIVE_MISMATCH', message, {
    communicator,
    rank: mine.rank,
    peer: other.rank < 0 ? undefined : other.rank,
  });
}

function wordsOf(number: number, call: CollectiveCall, other: Party, sentCheck: number): string {
  const { rank, record, place } = other;
  const who = rank < 0 ? 'another rank' : `rank ${rank}${other.isRemote ? ' of the other group' : ''}`;
  if (record === undefined) {
    const operation = sentCheck === 0 ? undefined : operationOfCheck(sentCheck);
    if (operation === undefined) return `${who} something else`;
    return operation === operationName(call.operation) ? `${who} called it with other arguments` : `${who} called ${operation}`;
  }
  const words = record.call.describe();
  const which = record.number === number ? '' : ` as collective ${record.number}`;
  if (words === call.describe() && which === '') return `${who} called it with other counts${place}`;
  return `${who} called ${words}${place}${which}`;
}
