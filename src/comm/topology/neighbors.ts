/**
 * Neighbourhood collectives: an exchange (calls/exchange.ts) with the ranks beside this one.
 *
 * What was sent in the positive direction arrives from the negative side, also where both are one and the same rank. Blocks
 * of PROC_NULL neighbours stay as they are. Standard: 8.6.
 */

import { MpiError } from '../../base/errors.ts';
import type { Port, Schedule } from '../../collective/schedule.ts';
import type { FilledParts } from '../../datatype/data.ts';
import type { TypedArray } from '../../datatype/element-type.ts';
import type { Request } from '../../p2p/request.ts';
import { bufferElements, checkOverlap, sendElements } from '../buffer.ts';
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
} from '../calls/call.ts';
import { exchange, type Neighborhood, type Part } from '../calls/exchange.ts';
import { checkOptions } from '../checks.ts';

export function postNeighborAllgather(
  host: CollectiveHost,
  near: Neighborhood,
  data: unknown,
  ...rest: unknown[]
): Request<unknown> {
  const name = 'neighborAllgather';
  const [given, tail] = intoOf(data, rest);
  checkOptions(tail[0], name, PLAIN);
  const mine = collectiveElements(sendElements(data, name));
  const { count } = mine;
  const into = resultBuffer(name, mine, given, count * near.sources.length).array;
  return post(
    host,
    callOf(name),
    tail[0],
    (port) =>
      exchange(
        port,
        near,
        () => mine.array,
        (k) => into.subarray(k * count, (k + 1) * count),
      ),
    () => given ?? into,
  );
}

export function postNeighborAlltoall(
  host: CollectiveHost,
  near: Neighborhood,
  data: unknown,
  ...rest: unknown[]
): Request<unknown> {
  const name = 'neighborAlltoall';
  const [given, tail] = intoOf(data, rest);
  checkOptions(tail[0], name, PLAIN);
  const mine = collectiveElements(bufferElements(data, name));
  const blocks = near.destinations.length;
  if (blocks === 0 ? mine.count !== 0 : mine.count % blocks !== 0) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `${name}: ${mine.count} elements cannot be divided among ${blocks} destinations: expected a multiple`,
    );
  }
  const count = blocks === 0 ? 0 : mine.count / blocks;
  // Without destinations only the buffer given tells how much comes from a source.
  const taken = blocks === 0 && given !== undefined && near.sources.length > 0 ? undefined : count * near.sources.length;
  const into = resultBuffer(name, mine, given, taken ?? bufferElements(given, name).count).array;
  const share = near.sources.length === 0 ? 0 : into.length / near.sources.length;
  return post(
    host,
    callOf(name),
    tail[0],
    (port) =>
      exchange(
        port,
        near,
        (k) => mine.array.subarray(k * count, (k + 1) * count),
        (k) => into.subarray(k * share, (k + 1) * share),
      ),
    () => given ?? into,
  );
}

export function postNeighborAllgatherv(
  host: CollectiveHost,
  near: Neighborhood,
  data: unknown,
  ...rest: unknown[]
): Request<unknown> {
  const name = 'neighborAllgatherv';
  const mine = collectiveElements(sendElements(data, name));
  const { count, array, code } = mine;
  const [given, tail] = partsOf(data, rest);
  checkOptions(tail[0], name, PLAIN);
  const out: Part = () => array;
  if (given === undefined) return postUnknown(host, name, near, tail[0], code, () => count, out);
  const { into, counts, displs } = checkParts(name, given, near.sources.length);
  checkSameType(name, mine, into);
  return post(
    host,
    callOf(name),
    tail[0],
    (port) => exchange(port, near, out, (k) => into.array.subarray(displs[k], displs[k]! + counts[k]!)),
    () => given,
  );
}

export function postNeighborAlltoallv(
  host: CollectiveHost,
  near: Neighborhood,
  data: unknown,
  ...rest: unknown[]
): Request<unknown> {
  const name = 'neighborAlltoallv';
  const mine = checkParts(name, data, near.destinations.length);
  const [given, tail] = partsOf(data, rest);
  checkOptions(tail[0], name, PLAIN);
  const out: Part = (k) => mine.into.array.subarray(mine.displs[k], mine.displs[k]! + mine.counts[k]!);
  if (given === undefined) return postUnknown(host, name, near, tail[0], mine.into.code, (k) => mine.counts[k]!, out);
  const { into, counts, displs } = checkParts(name, given, near.sources.length);
  checkSameType(name, mine.into, into);
  checkOverlap(mine.into.array, into.array, name);
  return post(
    host,
    callOf(name),
    tail[0],
    (port) => exchange(port, near, out, (k) => into.array.subarray(displs[k], displs[k]! + counts[k]!)),
    () => given,
  );
}

/** The v-forms without receive parts: counts are exchanged first. */
function postUnknown(
  host: CollectiveHost,
  name: string,
  near: Neighborhood,
  options: Record<string, unknown> | undefined,
  code: number,
  countOf: (k: number) => number,
  out: Part,
): Request<unknown> {
  const counts = new Int32Array(near.sources.length);
  let filled: FilledParts<TypedArray> | undefined;
  function* schedule(port: Port): Schedule {
    yield* exchange(
      port,
      near,
      (k) => Int32Array.of(countOf(k)),
      (k) => counts.subarray(k, k + 1),
    );
    filled = createParts(code, counts);
    const { data, displs } = filled;
    yield* exchange(port, near, out, (k) => data.subarray(displs[k], displs[k]! + counts[k]!));
  }
  return post(host, callOf(name), options, schedule, () => filled);
}
