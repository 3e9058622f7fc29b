/**
 * Collectives of values on intercommunicators: each rank's values go to ranks of the other group.
 *
 * A reduction's function runs where the result is wanted, over values in rank order; what it throws fails that request.
 */

import type { Port, Schedule } from '../../collective/schedule.ts';
import { type EncodedObject, encodeObject } from '../../datatype/object-codec.ts';
import { PROC_NULL } from '../../p2p/matching-queue.ts';
import type { Request } from '../../p2p/request.ts';
import { type CollectiveHost, PLAIN, post } from '../calls/call.ts';
import { type Combine, checkFunction, combine, decode, encodeEach, exchange, type Outcome, unwrap } from '../calls/objects.ts';
import { checkOptions } from '../checks.ts';
import { checkInterRoot, interCall, ROOT, remoteSizeOf } from './cross.ts';

/** Return the ranks of the other group. */
function remoteRanks(host: CollectiveHost): number[] {
  return Array.from({ length: remoteSizeOf(host) }, (_, rank) => rank);
}

/** Post a call in which this rank sends one value to some ranks of the other group, and gets one from each of some. */
function postExchange(
  host: CollectiveHost,
  name: string,
  root: number | undefined,
  options: unknown,
  encodedFor: (rank: number) => EncodedObject,
  dests: readonly number[],
  sources: readonly number[],
  result: (values: unknown[]) => unknown,
): Request<unknown> {
  checkOptions(options, name, PLAIN);
  const outgoing = dests.map((dest) => ({ dest, encoded: encodedFor(dest) }));
  let values: unknown[] = [];
  function* schedule(port: Port): Schedule {
    values = (yield* exchange(port, outgoing, sources)).map(decode);
  }
  return post(host, interCall(host, name, root, undefined), options, schedule, () => result(values));
}

export function postInterBcastObject(host: CollectiveHost, value: unknown, root: unknown, options: unknown): Request<unknown> {
  const from = checkInterRoot(host, 'bcastObject', root);
  const encoded = from === ROOT ? encodeObject(value) : undefined;
  const dests = from === ROOT ? remoteRanks(host) : [];
  const sources = from === ROOT || from === PROC_NULL ? [] : [from];
  return postExchange(
    host,
    'bcastObject',
    from,
    options,
    () => encoded!,
    dests,
    sources,
    ([received]) => (sources.length === 0 ? value : received),
  );
}

export function postInterGatherObject(host: CollectiveHost, value: unknown, root: unknown, options: unknown): Request<unknown> {
  return postToRoot(host, 'gatherObject', value, root, options, (values) => values);
}

/** A gather of values; `finish` makes the root's result of them. */
function postToRoot(
  host: CollectiveHost,
  name: string,
  value: unknown,
  root: unknown,
  options: unknown,
  finish: (values: unknown[]) => unknown,
): Request<unknown> {
  const to = checkInterRoot(host, name, root);
  const isSender = to !== ROOT && to !== PROC_NULL;
  const encoded = isSender ? encodeObject(value) : undefined;
  const sources = to === ROOT ? remoteRanks(host) : [];
  return postExchange(
    host,
    name,
    to,
    options,
    () => encoded!,
    isSender ? [to] : [],
    sources,
    (values) => (to === ROOT ? finish(values) : undefined),
  );
}

export function postInterScatterObject(host: CollectiveHost, values: unknown, root: unknown, options: unknown): Request<unknown> {
  const from = checkInterRoot(host, 'scatterObject', root);
  const encoded = from === ROOT ? encodeEach('scatterObject', values, remoteSizeOf(host)) : [];
  const dests = from === ROOT ? remoteRanks(host) : [];
  const sources = from === ROOT || from === PROC_NULL ? [] : [from];
  return postExchange(
    host,
    'scatterObject',
    from,
    options,
    (dest) => encoded[dest]!,
    dests,
    sources,
    ([received]) => received,
  );
}

export function postInterAllgatherObject(host: CollectiveHost, value: unknown, options: unknown): Request<unknown> {
  return postToAll(host, 'allgatherObject', value, options, (values) => values);
}

/** An allgather of values; `finish` makes each rank's result of them. */
function postToAll(
  host: CollectiveHost,
  name: string,
  value: unknown,
  options: unknown,
  finish: (values: unknown[]) => unknown,
): Request<unknown> {
  const encoded = encodeObject(value);
  const everyone = remoteRanks(host);
  return postExchange(host, name, undefined, options, () => encoded, everyone, everyone, finish);
}

export function postInterAlltoallObject(host: CollectiveHost, values: unknown, options: unknown): Request<unknown> {
  const encoded = encodeEach('alltoallObject', values, remoteSizeOf(host));
  const everyone = remoteRanks(host);
  return postExchange(
    host,
    'alltoallObject',
    undefined,
    options,
    (dest) => encoded[dest]!,
    everyone,
    everyone,
    (received) => received,
  );
}

export function postInterReduceObject(
  host: CollectiveHost,
  value: unknown,
  fn: unknown,
  root: unknown,
  options: unknown,
): Request<unknown> {
  const finish = fold(host, 'reduceObject', checkFunction('reduceObject', fn));
  return postToRoot(host, 'reduceObject', value, root, options, finish);
}

export function postInterAllreduceObject(host: CollectiveHost, value: unknown, fn: unknown, options: unknown): Request<unknown> {
  const finish = fold(host, 'allreduceObject', checkFunction('allreduceObject', fn));
  return postToAll(host, 'allreduceObject', value, options, finish);
}

/** Return what combines values from the left. */
function fold(host: CollectiveHost, name: string, fn: Combine): (values: unknown[]) => unknown {
  const { rank } = host.space.context.members;
  return (values) => {
    const outcomes = values.map((value): Outcome => ({ value }));
    return unwrap(
      name,
      outcomes.reduce((a, b) => combine(a, b, fn, rank)),
    );
  };
}
