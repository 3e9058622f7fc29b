/**
 * alltoall and alltoallv.
 */

import { CollectiveCall, NONE, WITHOUT_PARTS } from '../../base/collective-call.ts';
import { MpiError } from '../../base/errors.ts';
import { operationCode } from '../../base/operation.ts';
import type { AlltoallArguments, AlltoallvArguments } from '../../collective/arguments.ts';
import type { Port, Schedule } from '../../collective/schedule.ts';
import type { FilledParts } from '../../datatype/data.ts';
import type { TypedArray } from '../../datatype/element-type.ts';
import type { Request } from '../../p2p/request.ts';
import { bufferElements, checkOverlap, type Elements } from '../buffer.ts';
import { checkOptions } from '../checks.ts';
import { IN_PLACE } from '../in-place.ts';
import {
  type CollectiveHost,
  callOf,
  checkParts,
  checkSameType,
  collectiveElements,
  createParts,
  intoOf,
  PLAIN,
  partsOf,
  post,
  resultBuffer,
  shareOf,
  sizes,
} from './call.ts';

const ALLTOALL = operationCode('alltoall');

function alltoallCall(whole: Elements, size: number): CollectiveCall {
  return CollectiveCall.of(ALLTOALL, whole.code, whole.byteLength / size, NONE, NONE, 0);
}

export function postAlltoall(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const { size } = sizes(host);
  const [given, tail] = intoOf(data, rest);
  const options = tail[0];
  checkOptions(options, 'alltoall', PLAIN);
  if (data === IN_PLACE) {
    const into = collectiveElements(bufferElements(given, 'alltoall'));
    const args: AlltoallArguments = { data: undefined, into: into.array, count: shareOf('alltoall', into, size) };
    return post(
      host,
      alltoallCall(into, size),
      options,
      (port) => host.collectives.alltoall(port, args),
      () => given,
    );
  }
  const mine = collectiveElements(bufferElements(data, 'alltoall'));
  const count = shareOf('alltoall', mine, size);
  const into = resultBuffer('alltoall', mine, given, mine.count);
  const args: AlltoallArguments = { data: mine.array, into: into.array, count };
  return post(
    host,
    alltoallCall(mine, size),
    options,
    (port) => host.collectives.alltoall(port, args),
    () => given ?? into.array,
  );
}

export function postAlltoallv(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const { rank, size } = sizes(host);
  const [given, tail] = partsOf(data, rest);
  const options = tail[0];
  checkOptions(options, 'alltoallv', PLAIN);
  const mine = data === IN_PLACE ? undefined : checkParts('alltoallv', data, size);
  if (given === undefined) {
    const { into: source, counts: sendCounts, displs: sendDispls } = mine!;
    const counts = new Int32Array(size);
    let filled: FilledParts<TypedArray> | undefined;
    function* schedule(port: Port): Schedule {
      yield* host.collectives.alltoall(port, { data: sendCounts, into: counts, count: 1 });
      filled = createParts(source.code, counts);
      const { data: into, displs } = filled;
      yield* host.collectives.alltoallv(port, { data: source.array, sendCounts, sendDispls, into, counts, displs });
    }
    return post(host, callOf('alltoallv', NONE, WITHOUT_PARTS), options, schedule, () => filled);
  }
  const { into, counts, displs } = checkParts('alltoallv', given, size);
  if (mine !== undefined) {
    checkSameType('alltoallv', mine.into, into);
    checkOverlap(mine.into.array, into.array, 'alltoallv');
    if (mine.counts[rank] !== counts[rank]) {
      throw new MpiError(
        'ERR_MPI_COUNT',
        `alltoallv: this rank sends itself ${mine.counts[rank]} elements and takes ${counts[rank]}: expected the same`,
      );
    }
  }
  const args: AlltoallvArguments = {
    data: mine?.into.array,
    sendCounts: mine?.counts ?? counts,
    sendDispls: mine?.displs ?? displs,
    into: into.array,
    counts,
    displs,
  };
  return post(
    host,
    callOf('alltoallv'),
    options,
    (port) => host.collectives.alltoallv(port, args),
    () => given,
  );
}
