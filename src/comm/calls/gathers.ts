/**
 * gather, allgather and their v-forms.
 */

import { CollectiveCall, checksum, NONE, WITHOUT_PARTS } from '../../base/collective-call.ts';
import { MpiError } from '../../base/errors.ts';
import { operationCode } from '../../base/operation.ts';
import type { AllgatherArguments, AllgathervArguments, GatherArguments } from '../../collective/arguments.ts';
import type { Port, Schedule } from '../../collective/schedule.ts';
import type { FilledParts } from '../../datatype/data.ts';
import { ELEMENT_BYTES, type TypedArray } from '../../datatype/element-type.ts';
import type { Request } from '../../p2p/request.ts';
import { bufferElements, type Elements, sendElements } from '../buffer.ts';
import { checkOptions } from '../checks.ts';
import { IN_PLACE } from '../in-place.ts';
import {
  type CheckedParts,
  type CollectiveHost,
  callOf,
  checkParts,
  checkSameType,
  collectiveElements,
  createParts,
  inPlaceOnRoot,
  intoOf,
  PLAIN,
  partsOf,
  post,
  resultBuffer,
  rootOf,
  shareOf,
  sizes,
} from './call.ts';

const GATHER = operationCode('gather');
const ALLGATHER = operationCode('allgather');
const ALLGATHERV = operationCode('allgatherv');

export function postGather(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const { rank, size } = sizes(host);
  const [given, tail] = intoOf(data, rest);
  const rooted = rootOf(host, 'gather', tail[0], tail[1]);
  const isRoot = rank === rooted.root;
  if (data === IN_PLACE) {
    if (!isRoot) throw inPlaceOnRoot('gather');
    const into = collectiveElements(bufferElements(given, 'gather'));
    const args: GatherArguments = { data: undefined, into: into.array, count: shareOf('gather', into, size), root: rank };
    return post(
      host,
      CollectiveCall.of(GATHER, into.code, into.byteLength / size, rank, NONE, 0),
      rooted.options,
      (port) => host.collectives.gather(port, args),
      () => given,
    );
  }
  const mine = collectiveElements(sendElements(data, 'gather'));
  const into = isRoot ? resultBuffer('gather', mine, given, mine.count * size) : undefined;
  const args: GatherArguments = { data: mine.array, into: into?.array, count: mine.count, root: rooted.root };
  const result = (): unknown => (isRoot ? (given ?? into!.array) : undefined);
  const call = CollectiveCall.of(GATHER, mine.code, mine.byteLength, rooted.root, NONE, 0);
  return post(host, call, rooted.options, (port) => host.collectives.gather(port, args), result);
}

/**
 * Only the root knows whether it was given parts, so it learns the counts by a gather of its own in any case, and holds
 * those that it was given against them.
 */
export function postGatherv(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const { rank, size } = sizes(host);
  const [given, tail] = partsOf(data, rest);
  const { root, options } = rootOf(host, 'gatherv', tail[0], tail[1]);
  const isRoot = rank === root;
  if (data === IN_PLACE && !isRoot) throw inPlaceOnRoot('gatherv');
  const mine = data === IN_PLACE ? undefined : collectiveElements(sendElements(data, 'gatherv'));
  const parts = isRoot && given !== undefined ? checkParts('gatherv', given, size) : undefined;
  if (parts !== undefined && mine !== undefined) checkOwnPart('gatherv', mine, parts, rank);
  const count = mine === undefined ? parts!.counts[rank]! : mine.count;
  let filled: FilledParts<TypedArray> | undefined;
  function* schedule(port: Port): Schedule {
    const sent = isRoot ? new Int32Array(size) : undefined;
    yield* host.collectives.gather(port, { data: Int32Array.of(count), into: sent, count: 1, root });
    if (parts !== undefined) checkSent(sent!, parts.counts);
    else if (sent !== undefined) filled = createParts(mine!.code, sent);
    const into = parts === undefined ? filled?.data : parts.into.array;
    const { counts, displs } = parts ?? filled ?? { counts: undefined, displs: undefined };
    yield* host.collectives.gatherv(port, { data: mine?.array, into, counts, displs, root });
  }
  return post(host, callOf('gatherv', root), options, schedule, () => (isRoot ? (given ?? filled) : undefined));
}

/** Refuse counts of which the ranks know better. */
function checkSent(sent: Int32Array, counts: Int32Array): void {
  const wrong = sent.findIndex((count, rank) => count !== counts[rank]);
  if (wrong < 0) return;
  throw new MpiError(
    'ERR_MPI_COUNT',
    `gatherv: rank ${wrong} sends ${sent[wrong]} elements, counts[${wrong}] says ${counts[wrong]}: expected the same`,
  );
}

export function postAllgather(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const { size } = sizes(host);
  const [given, tail] = intoOf(data, rest);
  const options = tail[0];
  checkOptions(options, 'allgather', PLAIN);
  if (data === IN_PLACE) {
    const into = collectiveElements(bufferElements(given, 'allgather'));
    const args: AllgatherArguments = { data: undefined, into: into.array, count: shareOf('allgather', into, size) };
    return post(
      host,
      CollectiveCall.of(ALLGATHER, into.code, into.byteLength / size, NONE, NONE, 0),
      options,
      (port) => host.collectives.allgather(port, args),
      () => given,
    );
  }
  const mine = collectiveElements(sendElements(data, 'allgather'));
  const into = resultBuffer('allgather', mine, given, mine.count * size);
  const args: AllgatherArguments = { data: mine.array, into: into.array, count: mine.count };
  return post(
    host,
    CollectiveCall.of(ALLGATHER, mine.code, mine.byteLength, NONE, NONE, 0),
    options,
    (port) => host.collectives.allgather(port, args),
    () => given ?? into.array,
  );
}

export function postAllgatherv(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const { rank, size } = sizes(host);
  const [given, tail] = partsOf(data, rest);
  const options = tail[0];
  checkOptions(options, 'allgatherv', PLAIN);
  const mine = data === IN_PLACE ? undefined : collectiveElements(sendElements(data, 'allgatherv'));
  if (given === undefined) {
    const counts = new Int32Array(size);
    let filled: FilledParts<TypedArray> | undefined;
    function* schedule(port: Port): Schedule {
      yield* host.collectives.allgather(port, { data: Int32Array.of(mine!.count), into: counts, count: 1 });
      filled = createParts(mine!.code, counts);
      const args: AllgathervArguments = { data: mine!.array, into: filled.data, counts, displs: filled.displs };
      yield* host.collectives.allgatherv(port, args);
    }
    return post(host, callOf('allgatherv', NONE, WITHOUT_PARTS), options, schedule, () => filled);
  }
  const parts = checkParts('allgatherv', given, size);
  if (mine !== undefined) checkOwnPart('allgatherv', mine, parts, rank);
  const args: AllgathervArguments = { data: mine?.array, into: parts.into.array, counts: parts.counts, displs: parts.displs };
  const { code } = parts.into;
  return post(
    host,
    CollectiveCall.of(ALLGATHERV, code, NONE, NONE, NONE, checksum(parts.counts, ELEMENT_BYTES[code]!)),
    options,
    (port) => host.collectives.allgatherv(port, args),
    () => given,
  );
}

/** A rank's own data is as long as its part, and of its type. */
function checkOwnPart(call: string, mine: Elements, { into, counts }: CheckedParts, rank: number): void {
  if (mine.count !== counts[rank]) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `${call}: this rank's own data has ${mine.count} elements, counts[${rank}] says ${counts[rank]}: expected the same`,
    );
  }
  checkSameType(call, mine, into);
}
