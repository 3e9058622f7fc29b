/**
 * Errors of receives that a message was matched with: what came, and what was expected instead.
 */

import { operationOfCheck } from '../base/collective-call.ts';
import { MpiError } from '../base/errors.ts';
import { ELEMENT_BYTES, isCompatible, OBJECT } from '../datatype/element-type.ts';
import { type Receive, typeName } from './point-to-point.ts';

/** Make the error of a receive that a message does not fit: other elements, or too many. */
export function mismatchError(receive: Receive): MpiError {
  const { members } = receive.context;
  const { code, type, from, byteLength } = receive;
  if (receive.sentCheck !== receive.check) {
    const called = `rank ${from} called ${operationOfCheck(receive.sentCheck)}`;
    return receiveError('ERR_MPI_COLLECTIVE_MISMATCH', receive, `${called}, rank ${members.rank} something else`);
  }
  const who = `rank ${from} sent ${byteLength} bytes of ${typeName(type)} with tag ${receive.fromTag}`;
  if (type === OBJECT && code !== OBJECT) {
    return receiveError(
      'ERR_MPI_TYPE',
      receive,
      `rank ${from} sent an object with tag ${receive.fromTag} to rank ${members.rank}, which receives ${typeName(code)}: use recvObject`,
    );
  }
  if (code === OBJECT && type !== OBJECT) {
    return receiveError(
      'ERR_MPI_TYPE',
      receive,
      `${who} to rank ${members.rank}, which receives an object: use recv with an array of ${typeName(type)}`,
    );
  }
  if (!isCompatible(type, code)) {
    return receiveError(
      'ERR_MPI_TYPE',
      receive,
      `${who} to rank ${members.rank}, which receives ${typeName(code)}: expected the same element type on both sides`,
    );
  }
  if (byteLength > receive.capacity) {
    return receiveError(
      'ERR_MPI_TRUNCATE',
      receive,
      `${who} to rank ${members.rank}, whose buffer holds ${receive.capacity} bytes: expected a buffer at least as long as the message`,
    );
  }
  const size = ELEMENT_BYTES[code]!;
  return receiveError(
    'ERR_MPI_TYPE',
    receive,
    `${who}, which are no whole number of ${typeName(code)} (${size} bytes each) on rank ${members.rank}`,
  );
}

/** Make an error of a receive that was matched. */
export function receiveError(code: string, receive: Receive, message: string): MpiError {
  const { members } = receive.context;
  return new MpiError(code, message, {
    communicator: members.name,
    rank: members.rank,
    peer: receive.from,
    tag: receive.fromTag,
  });
}
