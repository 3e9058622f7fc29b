/**
 * Collectives of intercommunicators that move data: barrier, bcast, gather, scatter, allgather, alltoall and their v-forms.
 */

import { CollectiveCall, NONE, operationName, WITHOUT_PARTS } from '../../base/collective-call.ts';
import { MpiError } from '../../base/errors.ts';
import { operationCode } from '../../base/operation.ts';
import type { Port, Schedule } from '../../collective/schedule.ts';
import type { FilledParts } from '../../datatype/data.ts';
import type { TypedArray } from '../../datatype/element-type.ts';
import { PROC_NULL } from '../../p2p/matching-queue.ts';
import type { Request } from '../../p2p/request.ts';
import { bufferElements, checkOverlap, sendElements } from '../buffer.ts';
import {
  type CheckedParts,
  type CollectiveHost,
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
} from '../calls/call.ts';
import { checkOptions } from '../checks.ts';
import { checkInterRoot, cross, interCall, type PartOf, ROOT, remoteSizeOf } from './cross.ts';

const EMPTY = new Uint8Array(0);

/** Leave when all ranks of the other group have come. */
export function crossBarrier(port: Port): Schedule {
  const nothing = (): TypedArray => EMPTY;
  return cross(port, nothing, nothing);
}

export function postInterBarrier(host: CollectiveHost, options: unknown): Request<unknown> {
  checkOptions(options, 'barrier', PLAIN);
  return post(host, interCall(host, 'barrier', undefined, undefined), options, crossBarrier, () => undefined);
}

export function postInterBcast(host: CollectiveHost, data: unknown, root: unknown, options: unknown): Request<unknown> {
  checkOptions(options, 'bcast', PLAIN);
  const from = checkInterRoot(host, 'bcast', root);
  const elements = collectiveElements(sendElements(data, 'bcast'));
  const { array } = elements;
  function* schedule(port: Port): Schedule {
    if (from === ROOT) yield* cross(port, () => array, undefined);
    else if (from !== PROC_NULL) yield port.recv(array, from);
  }
  const result = typeof data === 'number' || typeof data === 'bigint' ? () => array[0] : () => data;
  const call = interCall(host, 'bcast', from, from === PROC_NULL ? undefined : elements);
  return post(host, call, options, schedule, result);
}

export function postInterGather(
  host: CollectiveHost,
  data: unknown,
  into: unknown,
  root: unknown,
  options: unknown,
): Request<unknown> {
  const to = checkInterRoot(host, 'gather', root);
  if (to !== ROOT) return sendToRoot(host, 'gather', data, to, options);
  const remoteSize = remoteSizeOf(host);
  const whole = collectiveElements(bufferElements(into, 'gather'));
  const count = shareOf('gather', whole, remoteSize);
  const call = interCall(host, 'gather', ROOT, whole, whole.byteLength / remoteSize);
  return takeAsRoot(host, call, into, (rank) => whole.array.subarray(rank * count, (rank + 1) * count), options);
}

export function postInterGatherv(
  host: CollectiveHost,
  data: unknown,
  given: unknown,
  root: unknown,
  options: unknown,
): Request<unknown> {
  const to = checkInterRoot(host, 'gatherv', root);
  if (to !== ROOT) return sendToRoot(host, 'gatherv', data, to, options);
  const parts = partOf(checkParts('gatherv', given, remoteSizeOf(host)));
  return takeAsRoot(host, interCall(host, 'gatherv', ROOT, undefined), given, parts, options);
}

/** A gather off the root: the root's group sends nothing. */
function sendToRoot(host: CollectiveHost, name: string, data: unknown, to: number, options: unknown): Request<unknown> {
  checkOptions(options, name, PLAIN);
  const mine = to === PROC_NULL ? undefined : collectiveElements(sendElements(data, name));
  function* schedule(port: Port): Schedule {
    if (mine !== undefined) yield port.send(mine.array, to);
  }
  const call = interCall(host, name, to, name === 'gather' ? mine : undefined);
  return post(host, call, options, schedule, () => undefined);
}

function takeAsRoot(
  host: CollectiveHost,
  call: CollectiveCall,
  result: unknown,
  into: PartOf,
  options: unknown,
): Request<unknown> {
  checkOptions(options, operationName(call.operation), PLAIN);
  return post(
    host,
    call,
    options,
    (port) => cross(port, undefined, into),
    () => result,
  );
}

export function postInterScatter(
  host: CollectiveHost,
  data: unknown,
  into: unknown,
  root: unknown,
  options: unknown,
): Request<unknown> {
  const from = checkInterRoot(host, 'scatter', root);
  if (from !== ROOT) return takeFromRoot(host, 'scatter', into, from, options);
  const whole = collectiveElements(bufferElements(data, 'scatter'));
  const count = shareOf('scatter', whole, remoteSizeOf(host));
  const call = interCall(host, 'scatter', ROOT, whole, whole.byteLength / remoteSizeOf(host));
  return sendAsRoot(host, call, (rank) => whole.array.subarray(rank * count, (rank + 1) * count), options);
}

export function postInterScatterv(
  host: CollectiveHost,
  given: unknown,
  into: unknown,
  root: unknown,
  options: unknown,
): Request<unknown> {
  const from = checkInterRoot(host, 'scatterv', root);
  if (from !== ROOT) return takeFromRoot(host, 'scatterv', into, from, options);
  const parts = partOf(checkParts('scatterv', given, remoteSizeOf(host)));
  return sendAsRoot(host, interCall(host, 'scatterv', ROOT, undefined), parts, options);
}

function sendAsRoot(host: CollectiveHost, call: CollectiveCall, out: PartOf, options: unknown): Request<unknown> {
  checkOptions(options, operationName(call.operation), PLAIN);
  return post(
    host,
    call,
    options,
    (port) => cross(port, out, undefined),
    () => undefined,
  );
}

/** A scatter off the root: the root's group gets nothing. */
function takeFromRoot(host: CollectiveHost, name: string, into: unknown, from: number, options: unknown): Request<unknown> {
  checkOptions(options, name, PLAIN);
  const mine = from === PROC_NULL ? undefined : collectiveElements(bufferElements(into, name));
  function* schedule(port: Port): Schedule {
    if (mine !== undefined) yield port.recv(mine.array, from);
  }
  const call = interCall(host, name, from, name === 'scatter' ? mine : undefined);
  return post(host, call, options, schedule, () => (mine === undefined ? undefined : into));
}

export function postInterAllgather(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const [given, tail] = intoOf(data, rest);
  checkOptions(tail[0], 'allgather', PLAIN);
  const remoteSize = remoteSizeOf(host);
  const mine = collectiveElements(sendElements(data, 'allgather'));
  // The groups' shares may differ: `into` tells how much the others give.
  const count = given === undefined ? mine.count : shareOf('allgather', bufferElements(given, 'allgather'), remoteSize);
  const into = resultBuffer('allgather', mine, given, count * remoteSize).array;
  return post(
    host,
    interCall(host, 'allgather', undefined, mine, NONE),
    tail[0],
    (port) =>
      cross(
        port,
        () => mine.array,
        (rank) => into.subarray(rank * count, (rank + 1) * count),
      ),
    () => given ?? into,
  );
}

export function postInterAlltoall(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const [given, tail] = intoOf(data, rest);
  checkOptions(tail[0], 'alltoall', PLAIN);
  const remoteSize = remoteSizeOf(host);
  const mine = collectiveElements(bufferElements(data, 'alltoall'));
  const count = shareOf('alltoall', mine, remoteSize);
  const back = given === undefined ? count : shareOf('alltoall', bufferElements(given, 'alltoall'), remoteSize);
  const into = resultBuffer('alltoall', mine, given, back * remoteSize).array;
  return post(
    host,
    interCall(host, 'alltoall', undefined, mine, NONE),
    tail[0],
    (port) =>
      cross(
        port,
        (rank) => mine.array.subarray(rank * count, (rank + 1) * count),
        (rank) => into.subarray(rank * back, (rank + 1) * back),
      ),
    () => given ?? into,
  );
}

export function postInterAllgatherv(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const mine = collectiveElements(sendElements(data, 'allgatherv'));
  const [given, tail] = partsOf(data, rest);
  const out: PartOf = () => mine.array;
  if (given === undefined) return exchangeUnknown(host, 'allgatherv', tail[0], mine.code, () => mine.count, out);
  const parts = checkParts('allgatherv', given, remoteSizeOf(host));
  checkSameType('allgatherv', mine, parts.into);
  checkOverlap(mine.array, parts.into.array, 'allgatherv');
  return exchangeKnown(host, 'allgatherv', tail[0], out, parts, given);
}

export function postInterAlltoallv(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const mine = checkParts('alltoallv', data, remoteSizeOf(host));
  const [given, tail] = partsOf(data, rest);
  const out = partOf(mine);
  if (given === undefined) {
    return exchangeUnknown(host, 'alltoallv', tail[0], mine.into.code, (rank) => mine.counts[rank]!, out);
  }
  const parts = checkParts('alltoallv', given, remoteSizeOf(host));
  checkSameType('alltoallv', mine.into, parts.into);
  checkOverlap(mine.into.array, parts.into.array, 'alltoallv');
  return exchangeKnown(host, 'alltoallv', tail[0], out, parts, given);
}

function exchangeKnown(
  host: CollectiveHost,
  name: string,
  options: unknown,
  out: PartOf,
  parts: CheckedParts,
  result: unknown,
): Request<unknown> {
  checkOptions(options, name, PLAIN);
  return post(
    host,
    interCall(host, name, undefined, undefined),
    options,
    (port) => cross(port, out, partOf(parts)),
    () => result,
  );
}

/** The v-forms without receive parts: counts are exchanged first. */
function exchangeUnknown(
  host: CollectiveHost,
  name: string,
  options: unknown,
  code: number,
  countOf: (rank: number) => number,
  out: PartOf,
): Request<unknown> {
  checkOptions(options, name, PLAIN);
  const counts = new Int32Array(remoteSizeOf(host));
  let filled: FilledParts<TypedArray> | undefined;
  function* schedule(port: Port): Schedule {
    yield* cross(
      port,
      (rank) => Int32Array.of(countOf(rank)),
      (rank) => counts.subarray(rank, rank + 1),
    );
    filled = createParts(code, counts);
    const { data, displs } = filled;
    yield* cross(port, out, (rank) => data.subarray(displs[rank], displs[rank]! + counts[rank]!));
  }
  if (host.setUp !== undefined) {
    throw new MpiError('ERR_MPI_BUFFER', `${name}Init got no receive parts: expected them, since each start fills the same`);
  }
  const call = CollectiveCall.of(operationCode(name), NONE, NONE, NONE, NONE, WITHOUT_PARTS);
  return post(host, call, options, schedule, () => filled);
}

function partOf({ into, counts, displs }: CheckedParts): PartOf {
  return (rank) => into.array.subarray(displs[rank], displs[rank]! + counts[rank]!);
}
