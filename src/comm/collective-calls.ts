/**
 * The collective calls of a communicator: arguments checked and brought into the algorithms' records, results made.
 *
 * `into?` stands before what follows it; whether it was given is seen by what stands in its place (an operator, a root,
 * options). A number stands for one float64, a bigint for one int64, { value, location } for a pair of float64.
 */

import { MpiError } from '../base/errors.ts';
import type {
  AllgatherArguments,
  AllreduceArguments,
  AlltoallArguments,
  BcastArguments,
  GatherArguments,
  GathervArguments,
  ReduceArguments,
  ScatterArguments,
} from '../collective/arguments.ts';
import type { Collectives } from '../collective/collectives.ts';
import { CollectiveOperation, type CollectiveSpace } from '../collective/port.ts';
import type { Port, Schedule } from '../collective/schedule.ts';
import { BYTES, createArray, F64, type TypedArray } from '../datatype/element-type.ts';
import { checkOp, isOp, type Op } from '../datatype/operator.ts';
import type { Options, Request } from '../p2p/request.ts';
import { bufferElements, checkOverlap, type Elements, sendElements } from './buffer.ts';
import { checkOptions, checkRoot } from './checks.ts';
import { IN_PLACE } from './in-place.ts';

/** What the calls need of their communicator. */
export interface CollectiveHost {
  readonly space: CollectiveSpace;
  /** Throws ERR_MPI_COMM once the communicator was given up. */
  readonly collectives: Collectives;
  /** Note the call for whoever asks what this rank does. */
  noteCollective(call: string): void;
}

const PLAIN = ['signal', 'timeoutMs'] as const;
const ROOTED = ['signal', 'timeoutMs', 'root'] as const;

/** Post a collective. */
function post<T>(
  host: CollectiveHost,
  name: string,
  options: Options | undefined,
  begin: (port: Port) => Schedule,
  result: () => T,
): Request<T> {
  host.noteCollective(name);
  const operation = new CollectiveOperation(host.space, name, begin, result);
  if (options !== undefined) host.space.engine.progress.limit(operation, options);
  return operation;
}

export function postBarrier(host: CollectiveHost, options?: Options): Request<void> {
  checkOptions(options, 'barrier', PLAIN);
  return post(
    host,
    'barrier',
    options,
    (port) => host.collectives.barrier(port),
    () => undefined,
  );
}

export function postBcast(host: CollectiveHost, data: unknown, root: unknown, options: unknown): Request<unknown> {
  const rooted = rootOf(host, 'bcast', root, options);
  const elements = collectiveElements(sendElements(data, 'bcast'));
  const args: BcastArguments = { data: elements.array, root: rooted.root };
  const result = typeof data === 'number' || typeof data === 'bigint' ? () => elements.array[0] : () => data;
  return post(host, 'bcast', rooted.options, (port) => host.collectives.bcast(port, args), result);
}

export function postReduce(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const { rank } = host.space.context.members;
  const call = reduceCall('reduce', data, rest);
  const rooted = rootOf(host, 'reduce', call.rest[0], call.rest[1]);
  const isRoot = rank === rooted.root;
  let output = call.output;
  if (isRoot) output ??= createArray(call.input.code, call.input.count);
  else if (call.isInPlace) output = undefined;
  if (isRoot) checkResult('reduce', call.input, output!);
  const args: ReduceArguments = {
    input: call.input.array,
    output: isRoot ? output : undefined,
    op: call.op,
    code: call.input.code,
    root: rooted.root,
  };
  const result = (): unknown => (isRoot ? call.wrap(output!) : undefined);
  return post(host, 'reduce', rooted.options, (port) => host.collectives.reduce(port, args), result);
}

export function postAllreduce(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const call = reduceCall('allreduce', data, rest);
  const options = call.rest[0];
  checkOptions(options, 'allreduce', PLAIN);
  const output = call.output ?? createArray(call.input.code, call.input.count);
  checkResult('allreduce', call.input, output);
  const args: AllreduceArguments = { input: call.input.array, output, op: call.op, code: call.input.code };
  return post(
    host,
    'allreduce',
    options,
    (port) => host.collectives.allreduce(port, args),
    () => call.wrap(output),
  );
}

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
      'gather',
      rooted.options,
      (port) => host.collectives.gather(port, args),
      () => given,
    );
  }
  const mine = collectiveElements(sendElements(data, 'gather'));
  const into = isRoot ? resultBuffer('gather', mine, given, mine.count * size) : undefined;
  const args: GatherArguments = { data: mine.array, into: into?.array, count: mine.count, root: rooted.root };
  const result = (): unknown => (isRoot ? (given ?? into!.array) : undefined);
  return post(host, 'gather', rooted.options, (port) => host.collectives.gather(port, args), result);
}

export function postGatherv(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const { rank, size } = sizes(host);
  const [given, tail] = partsOf(data, rest);
  const rooted = rootOf(host, 'gatherv', tail[0], tail[1]);
  const isRoot = rank === rooted.root;
  if (data === IN_PLACE && !isRoot) throw inPlaceOnRoot('gatherv');
  const mine = data === IN_PLACE ? undefined : collectiveElements(sendElements(data, 'gatherv'));
  if (data !== IN_PLACE && given === undefined) return gatherUnknown(host, mine!, rooted);
  if (!isRoot) {
    const args: GathervArguments = {
      data: mine!.array,
      into: undefined,
      counts: undefined,
      displs: undefined,
      root: rooted.root,
    };
    return post(
      host,
      'gatherv',
      rooted.options,
      (port) => host.collectives.gatherv(port, args),
      () => undefined,
    );
  }
  const { into, counts, displs } = checkParts('gatherv', given, size);
  if (mine !== undefined && mine.count !== counts[rank]) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `gatherv: the root's own data has ${mine.count} elements, counts[${rank}] says ${counts[rank]}: expected the same`,
    );
  }
  if (mine !== undefined) checkSameType('gatherv', mine, into);
  const args: GathervArguments = { data: mine?.array, into: into.array, counts, displs, root: rank };
  return post(
    host,
    'gatherv',
    rooted.options,
    (port) => host.collectives.gatherv(port, args),
    () => given,
  );
}

/** gatherv without parts: the root learns the counts by a gather of its own first. */
function gatherUnknown(host: CollectiveHost, mine: Elements, rooted: Rooted): Request<unknown> {
  const { rank, size } = sizes(host);
  const isRoot = rank === rooted.root;
  const counts = isRoot ? new Int32Array(size) : undefined;
  let filled: { data: TypedArray; counts: Int32Array; displs: Int32Array } | undefined;
  function* schedule(port: Port): Schedule {
    yield* host.collectives.gather(port, { data: Int32Array.of(mine.count), into: counts, count: 1, root: rooted.root });
    if (counts === undefined) {
      yield* host.collectives.gatherv(port, {
        data: mine.array,
        into: undefined,
        counts: undefined,
        displs: undefined,
        root: rooted.root,
      });
      return;
    }
    const displs = new Int32Array(size);
    let total = 0;
    for (let r = 0; r < size; r++) {
      displs[r] = total;
      total += counts[r]!;
    }
    filled = { data: createArray(mine.code, total), counts, displs };
    yield* host.collectives.gatherv(port, { data: mine.array, into: filled.data, counts, displs, root: rooted.root });
  }
  return post(host, 'gatherv', rooted.options, schedule, () => filled);
}

export function postScatter(
  host: CollectiveHost,
  data: unknown,
  into: unknown,
  root: unknown,
  options: unknown,
): Request<unknown> {
  const { rank, size } = sizes(host);
  const rooted = rootOf(host, 'scatter', root, options);
  const isRoot = rank === rooted.root;
  if (into === IN_PLACE && !isRoot) throw inPlaceOnRoot('scatter');
  const whole = isRoot ? collectiveElements(bufferElements(data, 'scatter')) : undefined;
  const part = into === IN_PLACE ? undefined : collectiveElements(bufferElements(into, 'scatter'));
  const count = part === undefined ? shareOf('scatter', whole!, size) : part.count;
  if (whole !== undefined) {
    if (whole.count !== count * size) {
      throw new MpiError(
        'ERR_MPI_COUNT',
        `scatter: data has ${whole.count} elements: expected ${count * size}, ${count} for each of ${size} ranks`,
      );
    }
    if (part !== undefined) {
      checkSameType('scatter', whole, part);
      checkOverlap(whole.array, part.array, 'scatter');
    }
  }
  const args: ScatterArguments = { data: whole?.array, into: part?.array, count, root: rooted.root };
  return post(
    host,
    'scatter',
    rooted.options,
    (port) => host.collectives.scatter(port, args),
    () => (into === IN_PLACE ? data : into),
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
      'allgather',
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
    'allgather',
    options,
    (port) => host.collectives.allgather(port, args),
    () => given ?? into.array,
  );
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
      'alltoall',
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
    'alltoall',
    options,
    (port) => host.collectives.alltoall(port, args),
    () => given ?? into.array,
  );
}

// ---- arguments ---------------------------------------------------------------------------------

interface Rooted {
  readonly root: number;
  readonly options: Options | undefined;
}

interface ReduceCall {
  readonly input: Elements;
  readonly output: TypedArray | undefined;
  readonly op: Op;
  readonly isInPlace: boolean;
  readonly rest: readonly unknown[];
  wrap(output: TypedArray): unknown;
}

function sizes(host: CollectiveHost): { rank: number; size: number } {
  const { rank, worldOf } = host.space.context.members;
  return { rank, size: worldOf.length };
}

/** Raw bytes travel as bytes, which agree with every element type: Buffer is what says so. */
function collectiveElements(elements: Elements): Elements {
  if (elements.code !== BYTES) return elements;
  const { buffer, byteOffset, byteLength } = elements.array;
  return { ...elements, array: Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength) };
}

/** `root` may be a number, left out, or named in the options. */
function rootOf(host: CollectiveHost, call: string, root: unknown, options: unknown): Rooted {
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

/** Bring `(data, into?, op, …)` of a reduction into order. */
function reduceCall(call: string, data: unknown, rest: readonly unknown[]): ReduceCall {
  const hasInto = !isOp(rest[0]) && rest.length > 1 && isOp(rest[1]);
  const into = hasInto ? rest[0] : undefined;
  const op = hasInto ? rest[1] : rest[0];
  const tail = rest.slice(hasInto ? 2 : 1);
  if (data === IN_PLACE) {
    const both = bufferElements(into, call);
    checkOp(op, both.code, both.count);
    return { input: both, output: both.array, op, isInPlace: true, rest: tail, wrap: () => into };
  }
  if (isLocated(data)) {
    const input = bufferElements(Float64Array.of(data.value, data.location), call);
    checkOp(op, F64, 2);
    const wrap = (output: TypedArray): unknown => ({ value: output[0], location: output[1] });
    return { input, output: undefined, op, isInPlace: false, rest: tail, wrap };
  }
  const input = sendElements(data, call);
  checkOp(op, input.code, input.count);
  if (into === undefined) {
    const isScalar = typeof data === 'number' || typeof data === 'bigint';
    return { input, output: undefined, op, isInPlace: false, rest: tail, wrap: (output) => (isScalar ? output[0] : output) };
  }
  const output = bufferElements(into, call);
  checkSameType(call, input, output);
  return { input, output: output.array, op, isInPlace: into === data, rest: tail, wrap: () => into };
}

function isLocated(data: unknown): data is { value: number; location: number } {
  return typeof data === 'object' && data !== null && 'value' in data && 'location' in data && !ArrayBuffer.isView(data);
}

function checkResult(call: string, input: Elements, output: TypedArray): void {
  if (output === input.array) return;
  if (output.length < input.count) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `${call}: the result has room for ${output.length} elements: expected ${input.count}, as many as were given`,
    );
  }
  if (output.length > input.count) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `${call}: the result has ${output.length} elements, the data ${input.count}: expected the same number`,
    );
  }
  checkOverlap(input.array, output, call);
}

/** Tell an `into` from what stands behind it: root, options or nothing. */
function intoOf(data: unknown, rest: readonly unknown[]): [unknown, readonly unknown[]] {
  const [first] = rest;
  const isBuffer = ArrayBuffer.isView(first) || first instanceof ArrayBuffer || first instanceof SharedArrayBuffer;
  if (data === IN_PLACE && !isBuffer)
    throw new MpiError('ERR_MPI_BUFFER', 'IN_PLACE was given without the buffer that serves as both');
  if (isBuffer) return [first, rest.slice(1)];
  // `undefined` in the place of `into` only when something stands behind it.
  return [undefined, first === undefined && rest.length > 1 ? rest.slice(1) : rest];
}

function partsOf(data: unknown, rest: readonly unknown[]): [unknown, readonly unknown[]] {
  const [first] = rest;
  if (typeof first === 'object' && first !== null && 'data' in first) return [first, rest.slice(1)];
  if (data === IN_PLACE) throw new MpiError('ERR_MPI_BUFFER', 'IN_PLACE was given without the parts that hold the data');
  return [undefined, first === undefined && rest.length > 1 ? rest.slice(1) : rest];
}

function resultBuffer(call: string, mine: Elements, given: unknown, count: number): Elements {
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

function shareOf(call: string, whole: Elements, size: number): number {
  if (whole.count % size === 0) return whole.count / size;
  throw new MpiError(
    'ERR_MPI_COUNT',
    `${call}: ${whole.count} elements cannot be divided among ${size} ranks: expected a multiple`,
  );
}

function checkSameType(call: string, a: Elements, b: Elements): void {
  if (a.code === b.code) return;
  const names = `${a.array.constructor.name} and ${b.array.constructor.name}`;
  throw new MpiError('ERR_MPI_TYPE', `${call}: data and result are ${names}: expected the same element type`);
}

function inPlaceOnRoot(call: string): MpiError {
  return new MpiError(
    'ERR_MPI_BUFFER',
    `${call}: IN_PLACE was given on a rank that is not the root: expected it on the root only`,
  );
}

function checkParts(call: string, given: unknown, size: number): { into: Elements; counts: Int32Array; displs: Int32Array } {
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
