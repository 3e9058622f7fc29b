/**
 * What the collective calls of a communicator share: posting, and arguments brought into the algorithms' records.
 *
 * `into?` stands before what follows it; whether it was given is seen by what stands in its place (an operator, a root,
 * options). A number stands for one float64, a bigint for one int64, { value, location } for a pair of float64.
 */

import { CollectiveCall, NONE } from '../../base/collective-call.ts';
import { MpiError } from '../../base/errors.ts';
import { operationCode } from '../../base/operation.ts';
import type { Collectives } from '../../collective/collectives.ts';
import { CollectiveOperation, type CollectiveSpace } from '../../collective/port.ts';
import type { Port, Schedule } from '../../collective/schedule.ts';
import type { FilledParts } from '../../datatype/data.ts';
import { BYTES, createArray, type TypedArray } from '../../datatype/element-type.ts';
import type { Options, Request } from '../../p2p/request.ts';
import { bufferElements, checkOverlap, type Elements } from '../buffer.ts';
import { checkOptions, checkRoot } from '../checks.ts';
import { IN_PLACE } from '../in-place.ts';

/** What the calls need of their communicator. */
export interface CollectiveHost {
  readonly space: CollectiveSpace;
  /** Throws ERR_MPI_COMM once the communicator was given up. */
  readonly collectives: Collectives;
  /** Throw ERR_MPI_COMM once the communicator was given up. */
  checkOpen(): void;
  /** Takes the call instead of posting it: it is set up, to be started later. */
  readonly setUp?: (call: CheckedCall) => void;
}

/** A collective whose arguments were checked. */
export interface CheckedCall {
  readonly call: CollectiveCall;
  readonly options: Options | undefined;
  readonly begin: (port: Port) => Schedule;
  readonly result: () => unknown;
}

export const PLAIN = ['signal', 'timeoutMs'] as const;
const ROOTED = ['signal', 'timeoutMs', 'root'] as const;

/** Post a collective. */
export function post<T>(
  host: CollectiveHost,
  call: CollectiveCall,
  options: Options | undefined,
  begin: (port: Port) => Schedule,
  result: () => T,
): Request<T> {
  if (host.setUp !== undefined) {
    host.setUp({ call, options, begin, result });
    return undefined as never;
  }
  host.checkOpen();
  const operation = new CollectiveOperation(host.space, call, begin, result);
  if (options !== undefined) host.space.engine.progress.limit(operation, options);
  return operation;
}

/** Have the arguments of a call checked without posting it. */
export function checkCall(host: CollectiveHost, call: (host: CollectiveHost) => unknown): CheckedCall {
  let checked: CheckedCall | undefined;
  call({
    space: host.space,
    get collectives() {
      return host.collectives;
    },
    checkOpen: () => {},
    setUp: (made) => {
      checked = made;
    },
  });
  return checked!;
}

/** Return a call of which only the name and perhaps the root must be the same on all ranks. */
export function callOf(name: string, root: number = NONE, detail = 0): CollectiveCall {
  return CollectiveCall.of(operationCode(name), NONE, NONE, root, NONE, detail);
}

/** A root, and the options that may have named it. */
export interface Rooted {
  readonly root: number;
  readonly options: Options | undefined;
}

/** Return this rank's number and how many there are. */
export function sizes(host: CollectiveHost): { rank: number; size: number } {
  const { rank, worldOf } = host.space.context.members;
  return { rank, size: worldOf.length };
}

/** Raw bytes travel as bytes, which agree with every element type: Buffer is what says so. */
export function collectiveElements(elements: Elements): Elements {
  if (elements.code !== BYTES) return elements;
  const { buffer, byteOffset, byteLength } = elements.array;
  return { ...elements, array: Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength) };
}

/** `root` may be a number, left out, or named in the options. */
export function rootOf(host: CollectiveHost, call: string, root: unknown, options: unknown): Rooted {
  const given = typeof root === 'object' && root !== null ? root : options;
  checkOptions(given, call, ROOTED);
  const rank =
    typeof root === 'number'
      ? root
      : root === undefined || root === given
        ? ((given as { root?: unknown } | undefined)?.root ?? 0)
        : root;
  checkRoot(rank, host.space.context.members);
  return { root: rank, options: given as Options | undefined };
}

/** Tell an `into` from what stands behind it: root, options or nothing. */
export function intoOf(data: unknown, rest: readonly unknown[]): [unknown, readonly unknown[]] {
  const [first] = rest;
  const isBuffer = ArrayBuffer.isView(first) || first instanceof ArrayBuffer || first instanceof SharedArrayBuffer;
  if (data === IN_PLACE && !isBuffer)
    throw new MpiError('ERR_MPI_BUFFER', 'IN_PLACE was given without the buffer that serves as both');
  if (isBuffer) return [first, rest.slice(1)];
  // `undefined` in the place of `into` only when something stands behind it.
  return [undefined, first === undefined && rest.length > 1 ? rest.slice(1) : rest];
}

/** Tell parts from what stands behind them: root, options or nothing. */
export function partsOf(data: unknown, rest: readonly unknown[]): [unknown, readonly unknown[]] {
  const [first] = rest;
  if (typeof first === 'object' && first !== null && 'data' in first) return [first, rest.slice(1)];
  if (data === IN_PLACE) throw new MpiError('ERR_MPI_BUFFER', 'IN_PLACE was given without the parts that hold the data');
  return [undefined, first === undefined && rest.length > 1 ? rest.slice(1) : rest];
}

/** Return the buffer for a result of so many elements: a fresh one, or the one given, checked. */
export function resultBuffer(call: string, mine: Elements, given: unknown, count: number): Elements {
  if (given === undefined) {
    const array = createArray(mine.code, count);
    return { array, code: mine.code, count, byteLength: array.byteLength };
  }
  const into = collectiveElements(bufferElements(given, call));
  checkSameType(call, mine, into);
  if (into.count !== count) {
    throw new MpiError('ERR_MPI_COUNT', `${call}: the result has room for ${into.count} elements: expected ${count}`);
  }
  checkOverlap(mine.array, into.array, call);
  return into;
}

/** Return how many elements of `whole` are one rank's. */
export function shareOf(call: string, whole: Elements, size: number): number {
  if (whole.count % size === 0) return whole.count / size;
  throw new MpiError(
    'ERR_MPI_COUNT',
    `${call}: ${whole.count} elements cannot be divided among ${size} ranks: expected a multiple`,
  );
}

/** Refuse data and a result of different element types. */
export function checkSameType(call: string, a: Elements, b: Elements): void {
  if (a.code === b.code) return;
  const names = `${a.array.constructor.name} and ${b.array.constructor.name}`;
  throw new MpiError('ERR_MPI_TYPE', `${call}: data and result are ${names}: expected the same element type`);
}

/** Make the error for IN_PLACE on another rank than the root. */
export function inPlaceOnRoot(call: string): MpiError {
  return new MpiError(
    'ERR_MPI_BUFFER',
    `${call}: IN_PLACE was given on a rank that is not the root: expected it on the root only`,
  );
}

/** Parts whose counts and places were checked. */
export interface CheckedParts {
  readonly into: Elements;
  readonly counts: Int32Array;
  readonly displs: Int32Array;
}

/** Check parts that are read or filled: their counts and that each lies inside. */
export function checkParts(call: string, given: unknown, size: number): CheckedParts {
  if (typeof given !== 'object' || given === null || !('data' in given)) {
    throw new MpiError(
      'ERR_MPI_BUFFER',
      `${call} got ${String(given)} for parts: expected an object with data, counts and displs`,
    );
  }
  const { data, counts, displs } = given as { data: unknown; counts: ArrayLike<number>; displs?: ArrayLike<number> };
  const into = collectiveElements(bufferElements(data, call));
  if (counts?.length !== size) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `${call}: counts has ${counts?.length ?? 'no'} entries: expected ${size}, one for each rank`,
    );
  }
  if (displs !== undefined && displs.length !== size) {
    throw new MpiError('ERR_MPI_COUNT', `${call}: displs has ${displs.length} entries: expected ${size}, one for each rank`);
  }
  const starts = new Int32Array(size);
  let next = 0;
  for (let r = 0; r < size; r++) {
    const count = counts[r]!;
    const start = displs?.[r] ?? next;
    if (!Number.isInteger(count) || count < 0)
      throw new MpiError('ERR_MPI_COUNT', `${call}: counts[${r}] is ${String(count)}: expected an integer, 0 or more`);
    if (!Number.isInteger(start) || start < 0 || start + count > into.count) {
      throw new MpiError(
        'ERR_MPI_COUNT',
        `${call}: part ${r} is [${start}, ${start + count}) of an array of ${into.count} elements: expected it inside`,
      );
    }
    starts[r] = start;
    next = start + count;
  }
  return { into, counts: Int32Array.from(counts), displs: starts };
}

/** Make room for parts of those counts behind one another. */
export function createParts(code: number, counts: Int32Array): FilledParts<TypedArray> {
  const displs = new Int32Array(counts.length);
  let total = 0;
  for (const [rank, count] of counts.entries()) {
    displs[rank] = total;
    total += count;
  }
  return { data: createArray(code, total), counts, displs };
}
