/**
 * reduce, allreduce, reduce-scatter, scan and exscan.
 */

import { CollectiveCall, checksum, NONE, opCode } from '../../base/collective-call.ts';
import { MpiError } from '../../base/errors.ts';
import { operationCode } from '../../base/operation.ts';
import type { AllreduceArguments, ReduceArguments, ReduceScatterArguments, ScanArguments } from '../../collective/arguments.ts';
import { createArray, ELEMENT_BYTES, F64, type TypedArray } from '../../datatype/element-type.ts';
import { checkOp, isOp, type Op, type Operator, unitOf } from '../../datatype/operator.ts';
import type { Request } from '../../p2p/request.ts';
import { bufferElements, checkOverlap, type Elements, sendElements } from '../buffer.ts';
import { checkOptions } from '../checks.ts';
import { IN_PLACE } from '../in-place.ts';
import { type CollectiveHost, checkSameType, PLAIN, post, rootOf, shareOf, sizes } from './call.ts';

/** A reduction's arguments. */
export interface ReduceCall {
  readonly input: Elements;
  readonly output: TypedArray | undefined;
  readonly op: Op;
  readonly isInPlace: boolean;
  readonly rest: readonly unknown[];
  wrap(output: TypedArray): unknown;
}

const REDUCE = operationCode('reduce');
const ALLREDUCE = operationCode('allreduce');
const SCAN = operationCode('scan');
const EXSCAN = operationCode('exscan');

function reductionCall(operation: number, { input, op }: ReduceCall, root: number, detail: number): CollectiveCall {
  const code = opCode((op as Operator).id, op.isCommutative);
  return CollectiveCall.of(operation, input.code, input.byteLength, root, code, detail);
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
  return post(
    host,
    reductionCall(REDUCE, call, rooted.root, 0),
    rooted.options,
    (port) => host.collectives.reduce(port, args),
    result,
  );
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
    reductionCall(ALLREDUCE, call, NONE, 0),
    options,
    (port) => host.collectives.allreduce(port, args),
    () => call.wrap(output),
  );
}

export function postScan(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const call = reduceCall('scan', data, rest);
  const args = scanArguments('scan', call);
  return post(
    host,
    reductionCall(SCAN, call, NONE, 0),
    optionsOf('scan', call),
    (port) => host.collectives.scan(port, args),
    () => call.wrap(args.output),
  );
}

export function postExscan(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const call = reduceCall('exscan', data, rest);
  const args = scanArguments('exscan', call);
  // Nothing comes before rank 0: its own `into` stays as it is, and without one there is no result.
  const hasResult = host.space.context.members.rank > 0 || call.output !== undefined;
  return post(
    host,
    reductionCall(EXSCAN, call, NONE, 0),
    optionsOf('exscan', call),
    (port) => host.collectives.exscan(port, args),
    () => (hasResult ? call.wrap(args.output) : undefined),
  );
}

export function postReduceScatterBlock(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const { size } = sizes(host);
  const call = reduceCall('reduceScatterBlock', data, rest);
  const share = shareOf('reduceScatterBlock', call.input, size);
  return reduceScatter(host, 'reduceScatterBlock', call, new Array<number>(size).fill(share));
}

export function postReduceScatter(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const { size } = sizes(host);
  // (counts, op, …) or (into, counts, op, …)
  const at = isOp(rest[1]) ? 0 : 1;
  const counts = rest[at] as ArrayLike<number> | undefined;
  const call = reduceCall('reduceScatter', data, [...rest.slice(0, at), ...rest.slice(at + 1)]);
  if (counts?.length !== size) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `reduceScatter: counts has ${counts?.length ?? 'no'} entries: expected ${size}, one for each rank`,
    );
  }
  let total = 0;
  for (let rank = 0; rank < size; rank++) {
    const count = counts[rank]!;
    if (!Number.isInteger(count) || count < 0)
      throw new MpiError('ERR_MPI_COUNT', `reduceScatter: counts[${rank}] is ${String(count)}: expected an integer, 0 or more`);
    total += count;
  }
  if (total !== call.input.count) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `reduceScatter: counts add up to ${total}, the data has ${call.input.count} elements: expected the same`,
    );
  }
  return reduceScatter(host, 'reduceScatter', call, Array.from(counts));
}

/** Both forms: in place, the result lies at the beginning of the data. Standard: 6.10. */
function reduceScatter(host: CollectiveHost, name: string, call: ReduceCall, counts: readonly number[]): Request<unknown> {
  const { rank } = sizes(host);
  const unit = unitOf(call.op);
  const odd = counts.findIndex((count) => count % unit !== 0);
  if (odd >= 0) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `${name}: rank ${odd} would get ${counts[odd]} elements: ${call.op.name} works on pairs, an even number was expected`,
    );
  }
  const count = counts[rank]!;
  const input = call.input.array;
  const given = call.isInPlace ? input.subarray(0, count) : call.output;
  const output = given ?? createArray(call.input.code, count);
  if (output.length !== count) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `${name}: the result has ${output.length} elements: expected ${count}, this rank's share`,
    );
  }
  if (!call.isInPlace) checkOverlap(input, output, name);
  const args: ReduceScatterArguments = { input, output, counts, op: call.op, code: call.input.code };
  const result = call.isInPlace || given !== undefined ? () => call.wrap(output) : () => output;
  const detail = checksum(counts, ELEMENT_BYTES[call.input.code]!);
  const shape = reductionCall(operationCode(name), call, NONE, detail);
  return post(host, shape, optionsOf(name, call), (port) => host.collectives.reduceScatter(port, args), result);
}

function scanArguments(name: string, call: ReduceCall): ScanArguments {
  const output = call.output ?? createArray(call.input.code, call.input.count);
  checkResult(name, call.input, output);
  return { input: call.input.array, output, op: call.op, code: call.input.code };
}

/** Return the options behind the operator, checked. */
export function optionsOf(name: string, call: ReduceCall): Record<string, unknown> | undefined {
  const options = call.rest[0];
  checkOptions(options, name, PLAIN);
  return options;
}

/** Bring `(data, into?, op, …)` of a reduction into order. */
export function reduceCall(call: string, data: unknown, rest: readonly unknown[]): ReduceCall {
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
