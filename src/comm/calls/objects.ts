/**
 * Collectives of values: any that structuredClone takes, each rank's own.
 *
 * The idea: a value is encoded when the call is made, so that what cannot be sent throws there. Between two ranks travel
 * the length of its head, the head, and the arrays beside it, one part after the other: a step waits for all it posted. A broadcast goes down a
 * binomial tree and a reduction up one, in rank order; the others are linear.
 *
 * A reduction's function that throws fails the request of its own rank; what it threw travels on instead of a value and
 * fails those that wait for the result, so nobody hangs.
 */

import { MpiError } from '../../base/errors.ts';
import type { Port, Schedule, Step } from '../../collective/schedule.ts';
import { decodeObject, type EncodedObject, encodeObject, outOfBandLengths } from '../../datatype/object-codec.ts';
import type { Request } from '../../p2p/request.ts';
import { checkOptions } from '../checks.ts';
import { type CollectiveHost, callOf, PLAIN, post, rootOf, sizes } from './call.ts';

/** A phase that ends with values as they travel. */
type Phase<T> = Generator<Step, T, void>;

/** A value on its way to a rank. */
export interface Outgoing {
  readonly dest: number;
  readonly encoded: EncodedObject;
}

/** Send values and receive one from each source. Each of the three parts is sent when its receivers can have posted theirs. */
export function* exchange(port: Port, outgoing: readonly Outgoing[], sources: readonly number[]): Phase<EncodedObject[]> {
  let step: Step | undefined;
  const lengths = sources.map((source) => {
    const length = new Float64Array(1);
    step = port.recv(length, source);
    return length;
  });
  for (const { dest, encoded } of outgoing) step = port.send(Float64Array.of(encoded.head.byteLength), dest);
  if (step !== undefined) yield step;
  step = undefined;
  for (const { dest, encoded } of outgoing) step = port.send(encoded.head, dest);
  const received = sources.map((source, k) => {
    const head = new Uint8Array(lengths[k]![0]!);
    step = port.recv(head, source);
    return { head, arrays: [] as Uint8Array[] };
  });
  if (step !== undefined) yield step;
  step = undefined;
  for (const { dest, encoded } of outgoing) for (const array of encoded.arrays) step = port.send(array, dest);
  for (const [k, { head, arrays }] of received.entries()) {
    for (const byteLength of outOfBandLengths(head)) {
      const array = new Uint8Array(byteLength);
      arrays.push(array);
      step = port.recv(array, sources[k]!);
    }
  }
  if (step !== undefined) yield step;
  return received;
}

/** A rank's own value as others get it: a copy. */
function copyOf({ head, arrays }: EncodedObject): unknown {
  return decodeObject(
    head,
    arrays.map((array) => array.slice()),
  );
}

/** Return the value that travelled so. */
export function decode({ head, arrays }: EncodedObject): unknown {
  return decodeObject(head, arrays);
}

/** Hand a value down the binomial tree; return it as it travels. */
function* broadcast(port: Port, mine: EncodedObject | undefined, root: number): Phase<EncodedObject> {
  const { size } = port;
  const position = (port.rank - root + size) % size;
  let mask = 1;
  while (mask < size && (position & mask) === 0) mask <<= 1;
  let encoded = mine;
  if (encoded === undefined) [encoded] = yield* exchange(port, [], [(position - mask + root) % size]);
  const outgoing: Outgoing[] = [];
  for (mask >>= 1; mask > 0; mask >>= 1) {
    if (position + mask < size) outgoing.push({ dest: (position + mask + root) % size, encoded: encoded! });
  }
  yield* exchange(port, outgoing, []);
  return encoded!;
}

export function postBcastObject(host: CollectiveHost, value: unknown, root: unknown, options: unknown): Request<unknown> {
  const { rank } = sizes(host);
  const rooted = rootOf(host, 'bcastObject', root, options);
  const mine = rank === rooted.root ? encodeObject(value) : undefined;
  let result = value;
  function* schedule(port: Port): Schedule {
    const encoded = yield* broadcast(port, mine, rooted.root);
    if (mine === undefined) result = decode(encoded);
  }
  return post(host, callOf('bcastObject', rooted.root), rooted.options, schedule, () => result);
}

export function postGatherObject(host: CollectiveHost, value: unknown, root: unknown, options: unknown): Request<unknown> {
  const { rank, size } = sizes(host);
  const rooted = rootOf(host, 'gatherObject', root, options);
  const mine = encodeObject(value);
  let result: unknown[] | undefined;
  function* schedule(port: Port): Schedule {
    if (rank !== rooted.root) {
      yield* exchange(port, [{ dest: rooted.root, encoded: mine }], []);
      return;
    }
    result = inRankOrder(rank, copyOf(mine), yield* exchange(port, [], others(rank, size)));
  }
  return post(host, callOf('gatherObject', rooted.root), rooted.options, schedule, () => result);
}

export function postAllgatherObject(host: CollectiveHost, value: unknown, options: unknown): Request<unknown> {
  const { rank, size } = sizes(host);
  checkOptions(options, 'allgatherObject', PLAIN);
  const mine = encodeObject(value);
  let result: unknown[] = [];
  function* schedule(port: Port): Schedule {
    const peers = others(rank, size);
    const outgoing = peers.map((dest) => ({ dest, encoded: mine }));
    result = inRankOrder(rank, copyOf(mine), yield* exchange(port, outgoing, peers));
  }
  return post(host, callOf('allgatherObject'), options, schedule, () => result);
}

export function postScatterObject(host: CollectiveHost, values: unknown, root: unknown, options: unknown): Request<unknown> {
  const { rank, size } = sizes(host);
  const rooted = rootOf(host, 'scatterObject', root, options);
  const mine = rank === rooted.root ? encodeEach('scatterObject', values, size) : undefined;
  let result: unknown;
  function* schedule(port: Port): Schedule {
    if (mine === undefined) {
      const [received] = yield* exchange(port, [], [rooted.root]);
      result = decode(received!);
      return;
    }
    result = copyOf(mine[rank]!);
    yield* exchange(
      port,
      others(rank, size).map((dest) => ({ dest, encoded: mine[dest]! })),
      [],
    );
  }
  return post(host, callOf('scatterObject', rooted.root), rooted.options, schedule, () => result);
}

export function postAlltoallObject(host: CollectiveHost, values: unknown, options: unknown): Request<unknown> {
  const { rank, size } = sizes(host);
  checkOptions(options, 'alltoallObject', PLAIN);
  const mine = encodeEach('alltoallObject', values, size);
  let result: unknown[] = [];
  function* schedule(port: Port): Schedule {
    const peers = others(rank, size);
    const outgoing = peers.map((dest) => ({ dest, encoded: mine[dest]! }));
    result = inRankOrder(rank, copyOf(mine[rank]!), yield* exchange(port, outgoing, peers));
  }
  return post(host, callOf('alltoallObject'), options, schedule, () => result);
}

export type Combine = (a: unknown, b: unknown) => unknown;
/** A result so far, or the words of what a function threw. */
export type Outcome = { readonly value: unknown } | { readonly failure: string };

export function postReduceObject(
  host: CollectiveHost,
  value: unknown,
  fn: unknown,
  root: unknown,
  options: unknown,
): Request<unknown> {
  const { rank } = sizes(host);
  const combineTwo = checkFunction('reduceObject', fn);
  const rooted = rootOf(host, 'reduceObject', root, options);
  const mine = encodeObject({ value });
  let outcome: Outcome | undefined;
  function* schedule(port: Port): Schedule {
    const whole = yield* reduceUp(port, mine, combineTwo);
    if (rank === 0) outcome = whole;
    if (rooted.root !== 0) {
      if (rank === 0) yield* exchange(port, [{ dest: rooted.root, encoded: encodeOutcome(whole, rank) }], []);
      if (rank === rooted.root) outcome = decode((yield* exchange(port, [], [0]))[0]!) as Outcome;
    }
  }
  const result = (): unknown => (rank === rooted.root ? unwrap('reduceObject', outcome!) : undefined);
  return post(host, callOf('reduceObject', rooted.root), rooted.options, schedule, result);
}

export function postAllreduceObject(host: CollectiveHost, value: unknown, fn: unknown, options: unknown): Request<unknown> {
  const { rank } = sizes(host);
  const combineTwo = checkFunction('allreduceObject', fn);
  checkOptions(options, 'allreduceObject', PLAIN);
  const mine = encodeObject({ value });
  let outcome: Outcome | undefined;
  function* schedule(port: Port): Schedule {
    const whole = yield* reduceUp(port, mine, combineTwo);
    const encoded = yield* broadcast(port, rank === 0 ? encodeOutcome(whole, rank) : undefined, 0);
    outcome = (rank === 0 ? whole : decode(encoded)) as Outcome;
  }
  return post(host, callOf('allreduceObject'), options, schedule, () => unwrap('allreduceObject', outcome!));
}

/** Combine values up the binomial tree, lower ranks' first; rank 0 ends with the whole, the others with their part. */
function* reduceUp(port: Port, mine: EncodedObject, fn: Combine): Phase<Outcome> {
  const { rank, size } = port;
  let outcome = copyOf(mine) as Outcome;
  let mask = 1;
  for (; mask < size && (rank & mask) === 0; mask <<= 1) {
    if (rank + mask >= size) continue;
    const [received] = yield* exchange(port, [], [rank + mask]);
    outcome = combine(outcome, decode(received!) as Outcome, fn, rank);
  }
  if (rank !== 0) yield* exchange(port, [{ dest: rank - mask, encoded: encodeOutcome(outcome, rank) }], []);
  return outcome;
}

/** Combine two results so far. */
export function combine(a: Outcome, b: Outcome, fn: Combine, rank: number): Outcome {
  if ('failure' in a) return a;
  if ('failure' in b) return b;
  try {
    return { value: fn(a.value, b.value) };
  } catch (error) {
    return { failure: `the function threw on rank ${rank}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** What a function returned may be what no message can hold. */
function encodeOutcome(outcome: Outcome, rank: number): EncodedObject {
  try {
    return encodeObject(outcome);
  } catch (error) {
    return encodeObject({ failure: `what the function returned on rank ${rank} cannot be sent: ${(error as Error).message}` });
  }
}

/** Return a result, or throw what became of it. */
export function unwrap(call: string, outcome: Outcome): unknown {
  if ('failure' in outcome) throw new MpiError('ERR_MPI_OP', `${call}: ${outcome.failure}`);
  return outcome.value;
}

/** Encode one value for each rank. */
export function encodeEach(call: string, values: unknown, size: number): EncodedObject[] {
  if (!Array.isArray(values) || values.length !== size) {
    const what = Array.isArray(values) ? `${values.length} values` : String(values);
    throw new MpiError('ERR_MPI_COUNT', `${call} got ${what}: expected an array of ${size}, one value for each rank`);
  }
  return values.map((value) => encodeObject(value));
}

/** Refuse what cannot combine values. */
export function checkFunction(call: string, fn: unknown): Combine {
  if (typeof fn === 'function') return fn as Combine;
  throw new MpiError('ERR_MPI_OP', `${call} got a ${typeof fn} to combine values with: expected a function (a, b) => …`);
}

function others(rank: number, size: number): number[] {
  return Array.from({ length: size - 1 }, (_, k) => (rank + 1 + k) % size);
}

/** Values of `others(rank, size)` and this rank's own, by rank. */
function inRankOrder(rank: number, own: unknown, received: readonly EncodedObject[]): unknown[] {
  const size = received.length + 1;
  const values = new Array<unknown>(size);
  values[rank] = own;
  for (const [k, encoded] of received.entries()) values[(rank + 1 + k) % size] = decode(encoded);
  return values;
}
