/**
 * Exchange: every rank sends to its destinations and receives from its sources, all at once; the w-forms over it.
 *
 * The idea: sends are posted in the order of destinations and matched in that order. Where two neighbours are one and the
 * same rank (a periodic dimension of one or two), `receiveOrder` says in which order its messages come. Layouts are
 * streamed like those of point to point. Standard: 6.8, 8.6.
 */

import { MpiError } from '../../base/errors.ts';
import type { Port, Schedule, Step } from '../../collective/schedule.ts';
import type { ArrayLayout } from '../../datatype/derived/array-layout.ts';
import type { TypedArray } from '../../datatype/element-type.ts';
import { PROC_NULL } from '../../p2p/matching-queue.ts';
import type { Request } from '../../p2p/request.ts';
import { bufferElements, checkOverlap } from '../buffer.ts';
import { checkOptions } from '../checks.ts';
import { IN_PLACE } from '../in-place.ts';
import { type CollectiveHost, callOf, collectiveElements, PLAIN, post } from './call.ts';

/** Who is beside a rank. */
export interface Neighborhood {
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
  /** Indices of sources, in the order in which their messages are posted. */
  readonly receiveOrder: readonly number[];
}

/** What goes to destination k, or comes from source k. */
export type Part = (k: number) => TypedArray | ArrayLayout;

/** Send out(k) to destination k, receive into(k) from source k. */
export function* exchange(port: Port, { sources, destinations, receiveOrder }: Neighborhood, out: Part, into: Part): Schedule {
  let step: Step | undefined;
  for (const k of receiveOrder) if (sources[k] !== PROC_NULL) step = port.recv(into(k), sources[k]!);
  for (const [k, dest] of destinations.entries()) if (dest !== PROC_NULL) step = port.send(out(k), dest);
  if (step !== undefined) yield step;
}

/** The neighbourhood in which every rank is beside every rank. */
function everyone(size: number): Neighborhood {
  const ranks = Array.from({ length: size }, (_, rank) => rank);
  return { sources: ranks, destinations: ranks, receiveOrder: ranks };
}

/** alltoallw: data of any type and place for each rank. Standard: 6.8. */
export function postAlltoallw(host: CollectiveHost, data: unknown, into?: unknown, options?: unknown): Request<unknown> {
  return exchangeLists(host, 'alltoallw', everyone(host.space.context.members.worldOf.length), data, into, options);
}

/** neighborAlltoallw: data of any type and place for each neighbour. Standard: 8.6. */
export function postNeighborAlltoallw(
  host: CollectiveHost,
  near: Neighborhood,
  data: unknown,
  into?: unknown,
  options?: unknown,
): Request<unknown> {
  return exchangeLists(host, 'neighborAlltoallw', near, data, into, options);
}

function exchangeLists(
  host: CollectiveHost,
  name: string,
  near: Neighborhood,
  data: unknown,
  into: unknown,
  options: unknown,
): Request<unknown> {
  checkOptions(options as object | undefined, name, PLAIN);
  const targets = listOf(name, 'into', into, near.sources.length);
  if (data === IN_PLACE && name === 'alltoallw') {
    // What is sent is overwritten, so it is put aside first.
    const begin = (port: Port): Schedule => {
      const copies = targets.map((part) => (isArray(part) ? part.slice() : part.toArray()));
      return exchange(
        port,
        near,
        (k) => copies[k]!,
        (k) => targets[k]!,
      );
    };
    return post(host, callOf(name), options as undefined, begin, () => undefined);
  }
  const parts = listOf(name, 'data', data, near.destinations.length);
  for (const part of parts) for (const target of targets) if (isArray(part) && isArray(target)) checkOverlap(part, target, name);
  const begin = (port: Port): Schedule =>
    exchange(
      port,
      near,
      (k) => parts[k]!,
      (k) => targets[k]!,
    );
  return post(host, callOf(name), options as undefined, begin, () => undefined);
}

function listOf(name: string, what: string, list: unknown, length: number): (TypedArray | ArrayLayout)[] {
  if (!Array.isArray(list) || list.length !== length) {
    const got = Array.isArray(list) ? `a list of ${list.length}` : String(list);
    throw new MpiError(
      'ERR_MPI_COUNT',
      `${name} got ${got} for ${what}: expected a list of ${length}, one for each rank it concerns`,
    );
  }
  return list.map((item) => {
    const elements = collectiveElements(bufferElements(item, name));
    return elements.layout ?? elements.array;
  });
}

function isArray(part: TypedArray | ArrayLayout): part is TypedArray {
  return ArrayBuffer.isView(part);
}
