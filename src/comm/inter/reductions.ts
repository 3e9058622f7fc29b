/**
 * Reductions of intercommunicators: what comes from the other group is combined from the left, in rank order.
 */

import { NONE } from '../../base/collective-call.ts';
import { MpiError } from '../../base/errors.ts';
import type { Port, Schedule } from '../../collective/schedule.ts';
import { createArray, type TypedArray } from '../../datatype/element-type.ts';
import { checkOp, isOp, type Op, unitOf } from '../../datatype/operator.ts';
import { reduceInto } from '../../datatype/reduce-kernels.ts';
import { PROC_NULL } from '../../p2p/matching-queue.ts';
import type { Request } from '../../p2p/request.ts';
import { bufferElements, checkOverlap, type Elements, sendElements } from '../buffer.ts';
import { type CollectiveHost, PLAIN, post, shareOf } from '../calls/call.ts';
import { optionsOf, type ReduceCall, reduceCall } from '../calls/reductions.ts';
import { checkOptions } from '../checks.ts';
import { checkInterRoot, cross, interCall, type PartOf, ROOT, remoteSizeOf } from './cross.ts';

/** Send out(r) to every rank of the other group, receive as many arrays like `into` and combine them there. */
function* reduceAcross(port: Port, out: PartOf | undefined, code: number, op: Op, into: TypedArray): Schedule {
  const parts = Array.from({ length: port.size }, () => createArray(code, into.length));
  yield* cross(port, out, (rank) => parts[rank]!);
  let result = parts[0]!;
  for (const part of parts.slice(1)) {
    // The higher rank's is `inout`, where the result lies.
    reduceInto(op, code, result, part, into.length);
    result = part;
  }
  into.set(result as never);
}

/** `allreduce(data, into?, op)`: the other group's data combined. */
export function postInterAllreduce(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const call = reduceCall('allreduce', data, rest);
  const { input, op } = call;
  const options = optionsOf('allreduce', call);
  const into = resultOf('allreduce', call, input.count);
  return post(
    host,
    interCall(host, 'allreduce', undefined, input, input.byteLength, op),
    options,
    (port) => reduceAcross(port, () => input.array, input.code, op, into),
    () => call.wrap(into),
  );
}

/** `reduce(data, into, op, root)`: ROOT gets the other group's data combined, in `into`. */
export function postInterReduce(
  host: CollectiveHost,
  data: unknown,
  given: unknown,
  op: Op,
  root: unknown,
  options: unknown,
): Request<unknown> {
  checkOptions(options, 'reduce', PLAIN);
  const to = checkInterRoot(host, 'reduce', root);
  if (to === ROOT) {
    const like = bufferElements(given, 'reduce');
    const { array, code, count } = like;
    checkOp(op, code, count);
    return post(
      host,
      interCall(host, 'reduce', to, like, like.byteLength, op),
      options,
      (port) => reduceAcross(port, undefined, code, op, array),
      () => given,
    );
  }
  const mine = to === PROC_NULL ? undefined : sendElements(data, 'reduce');
  if (mine !== undefined) checkOp(op, mine.code, mine.count);
  function* schedule(port: Port): Schedule {
    if (mine !== undefined) yield port.send(mine.array, to);
  }
  const call = interCall(host, 'reduce', to, mine, mine?.byteLength ?? NONE, op);
  return post(host, call, options, schedule, () => undefined);
}

/** `reduceScatterBlock(data, into?, op)`: both groups' data is as long, so each side knows the other's blocks. */
export function postInterReduceScatterBlock(
  host: CollectiveHost,
  size: number,
  data: unknown,
  ...rest: unknown[]
): Request<unknown> {
  const name = 'reduceScatterBlock';
  const call = reduceCall(name, data, rest);
  const { input, op } = call;
  const options = optionsOf(name, call);
  const count = shareOf(name, input, size);
  const theirs = shareOf(name, input, remoteSizeOf(host));
  checkUnits(name, op, [count, theirs]);
  const into = resultOf(name, call, count);
  const out: PartOf = (rank) => input.array.subarray(rank * theirs, (rank + 1) * theirs);
  return post(
    host,
    interCall(host, name, undefined, input, input.byteLength, op),
    options,
    (port) => reduceAcross(port, out, input.code, op, into),
    () => call.wrap(into),
  );
}

/** `reduceScatter(data, into?, counts, op)`: the first rank of each group tells the other group its counts. */
export function postInterReduceScatter(host: CollectiveHost, size: number, data: unknown, ...rest: unknown[]): Request<unknown> {
  const name = 'reduceScatter';
  // (counts, op, …) or (into, counts, op, …)
  const at = isOp(rest[1]) ? 0 : 1;
  const counts = checkCounts(rest[at], size);
  const call = reduceCall(name, data, [...rest.slice(0, at), ...rest.slice(at + 1)]);
  const { input, op } = call;
  const options = optionsOf(name, call);
  checkUnits(name, op, counts);
  checkTotal(counts, input);
  const { rank } = host.space.context.members;
  const into = resultOf(name, call, counts[rank]!);
  function* schedule(port: Port): Schedule {
    const theirs = new Int32Array(port.size);
    let step = port.recv(theirs, 0);
    if (rank === 0) for (let dest = 0; dest < port.size; dest++) step = port.send(counts, dest);
    yield step;
    const starts = new Int32Array(port.size);
    for (let r = 1; r < port.size; r++) starts[r] = starts[r - 1]! + theirs[r - 1]!;
    const total = starts.at(-1)! + theirs.at(-1)!;
    if (total !== input.count) {
      throw new MpiError(
        'ERR_MPI_COUNT',
        `${name}: counts of the other group add up to ${total}, those of this one to ${input.count}: expected the same`,
      );
    }
    const out: PartOf = (r) => input.array.subarray(starts[r], starts[r]! + theirs[r]!);
    yield* reduceAcross(port, out, input.code, op, into);
  }
  // The groups' lengths are compared by the counts that they tell each other.
  const shape = interCall(host, name, undefined, input, NONE, op);
  return post(host, shape, options, schedule, () => call.wrap(into));
}

function checkCounts(counts: unknown, size: number): Int32Array {
  const { length } = (counts ?? []) as ArrayLike<number>;
  if (length !== size) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `reduceScatter: counts has ${length} entries: expected ${size}, one for each rank of this group`,
    );
  }
  const list = Array.from(counts as ArrayLike<number>);
  const wrong = list.findIndex((count) => !Number.isInteger(count) || count < 0);
  if (wrong >= 0) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `reduceScatter: counts[${wrong}] is ${String(list[wrong])}: expected an integer, 0 or more`,
    );
  }
  return Int32Array.from(list);
}

function checkTotal(counts: Int32Array, { count }: Elements): void {
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (total === count) return;
  throw new MpiError(
    'ERR_MPI_COUNT',
    `reduceScatter: counts add up to ${total}, the data has ${count} elements: expected the same`,
  );
}

function checkUnits(name: string, op: Op, counts: ArrayLike<number>): void {
  const unit = unitOf(op);
  const odd = Array.from(counts).find((count) => count % unit !== 0);
  if (odd === undefined) return;
  throw new MpiError(
    'ERR_MPI_COUNT',
    `${name}: a rank would get ${odd} elements: ${op.name} works on pairs, an even number was expected`,
  );
}

/** Return where the result goes: to what was given, of so many elements, or to a fresh array. */
function resultOf(name: string, { input, output }: ReduceCall, count: number): TypedArray {
  if (output === undefined) return createArray(input.code, count);
  if (output.length !== count)
    throw new MpiError('ERR_MPI_COUNT', `${name}: the result has ${output.length} elements: expected ${count}`);
  checkOverlap(input.array, output, name);
  return output;
}
