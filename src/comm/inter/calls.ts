/**
 * Collectives of intercommunicators: data moves from one group to the other. Standard: 6.2.2.
 *
 * All are linear: every sender posts to every receiver of the other group at once, and reductions combine what came in rank
 * order, so they need no phase inside a group, keep the order of operators, and may be in flight together.
 */

import { MpiError } from '../../base/errors.ts';
import type { Port, Schedule, Step } from '../../collective/schedule.ts';
import { createArray, type TypedArray } from '../../datatype/element-type.ts';
import { checkOp, isOp, type Op } from '../../datatype/operator.ts';
import { reduceInto } from '../../datatype/reduce-kernels.ts';
import { PROC_NULL } from '../../p2p/matching-queue.ts';
import type { Request } from '../../p2p/request.ts';
import { bufferElements, type Elements, sendElements } from '../buffer.ts';
import { type CollectiveHost, collectiveElements, intoOf, PLAIN, post, resultBuffer, shareOf } from '../calls/call.ts';
import { checkOptions } from '../checks.ts';

/** Given as root by the root itself; the others of its group give PROC_NULL. Standard: 6.2.3. */
export const ROOT: number = -1004;

const EMPTY = new Uint8Array(0);

/** Send out(r) to, and receive into(r) from, every rank of the other group; undefined: nothing. */
function* cross(
  port: Port,
  out: ((rank: number) => TypedArray) | undefined,
  into: ((rank: number) => TypedArray) | undefined,
): Schedule {
  let step: Step | undefined;
  if (into !== undefined) for (let rank = 0; rank < port.size; rank++) step = port.recv(into(rank), rank);
  if (out !== undefined) for (let rank = 0; rank < port.size; rank++) step = port.send(out(rank), rank);
  if (step !== undefined) yield step;
}

/** Leave when all ranks of the other group have come. */
export function crossBarrier(port: Port): Schedule {
  const nothing = (): TypedArray => EMPTY;
  return cross(port, nothing, nothing);
}

export function postInterBarrier(host: CollectiveHost, options: unknown): Request<void> {
  checkOptions(options, 'barrier', PLAIN);
  return post(host, 'barrier', options, crossBarrier, () => undefined);
}

/** Check a root: ROOT, PROC_NULL or a rank of the other group. */
function checkInterRoot(host: CollectiveHost, call: string, root: unknown): number {
  const { worldOf, name } = host.space.context.members;
  if (root === ROOT || root === PROC_NULL) return root;
  if (typeof root === 'number' && Number.isInteger(root) && root >= 0 && root < worldOf.length) return root;
  throw new MpiError(
    'ERR_MPI_ROOT',
    `${call}: root ${String(root)} on ${name}: expected ROOT, PROC_NULL or a rank of the other group, 0 to ${worldOf.length - 1}`,
  );
}

export function postInterBcast(host: CollectiveHost, data: unknown, root: unknown, options: unknown): Request<unknown> {
  checkOptions(options, 'bcast', PLAIN);
  const from = checkInterRoot(host, 'bcast', root);
  const { array } = collectiveElements(bufferElements(data, 'bcast'));
  function* schedule(port: Port): Schedule {
    if (from === ROOT) yield* cross(port, () => array, undefined);
    else if (from !== PROC_NULL) yield port.recv(array, from);
  }
  return post(host, 'bcast', options, schedule, () => data);
}

export function postInterGather(
  host: CollectiveHost,
  data: unknown,
  into: unknown,
  root: unknown,
  options: unknown,
): Request<unknown> {
  checkOptions(options, 'gather', PLAIN);
  const to = checkInterRoot(host, 'gather', root);
  const { length: remoteSize } = host.space.context.members.worldOf;
  if (to === ROOT) {
    const whole = collectiveElements(bufferElements(into, 'gather'));
    const count = shareOf('gather', whole, remoteSize);
    const block = (rank: number) => whole.array.subarray(rank * count, (rank + 1) * count);
    return post(
      host,
      'gather',
      options,
      (port) => cross(port, undefined, block),
      () => into,
    );
  }
  const mine = to === PROC_NULL ? undefined : collectiveElements(sendElements(data, 'gather')).array;
  function* schedule(port: Port): Schedule {
    if (mine !== undefined) yield port.send(mine, to);
  }
  return post(host, 'gather', options, schedule, () => undefined);
}

export function postInterScatter(
  host: CollectiveHost,
  data: unknown,
  into: unknown,
  root: unknown,
  options: unknown,
): Request<unknown> {
  checkOptions(options, 'scatter', PLAIN);
  const from = checkInterRoot(host, 'scatter', root);
  const { length: remoteSize } = host.space.context.members.worldOf;
  if (from === ROOT) {
    const whole = collectiveElements(bufferElements(data, 'scatter'));
    const count = shareOf('scatter', whole, remoteSize);
    const block = (rank: number) => whole.array.subarray(rank * count, (rank + 1) * count);
    return post(
      host,
      'scatter',
      options,
      (port) => cross(port, block, undefined),
      () => undefined,
    );
  }
  const mine = from === PROC_NULL ? undefined : collectiveElements(bufferElements(into, 'scatter')).array;
  function* schedule(port: Port): Schedule {
    if (mine !== undefined) yield port.recv(mine, from);
  }
  return post(host, 'scatter', options, schedule, () => (mine === undefined ? undefined : into));
}

export function postInterAllgather(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const [given, tail] = intoOf(data, rest);
  checkOptions(tail[0], 'allgather', PLAIN);
  const { length: remoteSize } = host.space.context.members.worldOf;
  const mine = collectiveElements(sendElements(data, 'allgather'));
  // The groups' shares may differ: `into` tells how much the others give.
  const count = given === undefined ? mine.count : shareOf('allgather', bufferElements(given, 'allgather'), remoteSize);
  const into = resultBuffer('allgather', mine, given, count * remoteSize).array;
  return post(
    host,
    'allgather',
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
  const { length: remoteSize } = host.space.context.members.worldOf;
  const mine = collectiveElements(bufferElements(data, 'alltoall'));
  const count = shareOf('alltoall', mine, remoteSize);
  const back = given === undefined ? count : shareOf('alltoall', bufferElements(given, 'alltoall'), remoteSize);
  const into = resultBuffer('alltoall', mine, given, back * remoteSize).array;
  return post(
    host,
    'alltoall',
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

/** Receive everybody's array and combine them from the left. */
function* reduceAcross(
  port: Port,
  mine: Elements | undefined,
  to: number | undefined,
  like: Elements,
  op: Op,
  into: TypedArray,
): Schedule {
  const parts = Array.from({ length: port.size }, () => createArray(like.code, like.count));
  if (to === undefined)
    yield* cross(
      port,
      () => mine!.array,
      (rank) => parts[rank]!,
    );
  else yield* cross(port, undefined, (rank) => parts[rank]!);
  let result = parts[0]!;
  for (const part of parts.slice(1)) {
    // The higher rank's is `inout`, where the result lies.
    reduceInto(op, like.code, result, part, like.count);
    result = part;
  }
  into.set(result as never);
}

/** `allreduce(data, into?, op)`: the other group's data combined. */
export function postInterAllreduce(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const { given, op, options } = operatorOf(rest);
  checkOptions(options, 'allreduce', PLAIN);
  const mine = collectiveElements(sendElements(data, 'allreduce'));
  checkOp(op, mine.code, mine.count);
  const into = resultBuffer('allreduce', mine, given, mine.count).array;
  const isScalar = typeof data === 'number' || typeof data === 'bigint';
  return post(
    host,
    'allreduce',
    options,
    (port) => reduceAcross(port, mine, undefined, mine, op, into),
    () => given ?? (isScalar ? into[0] : into),
  );
}

/** `reduce(data, into?, op, root)`: ROOT gets the other group's data combined, in `into`. */
export function postInterReduce(host: CollectiveHost, data: unknown, ...rest: unknown[]): Request<unknown> {
  const { given, op, root, options } = operatorOf(rest);
  checkOptions(options, 'reduce', PLAIN);
  const to = checkInterRoot(host, 'reduce', root);
  if (to === ROOT) {
    const like = collectiveElements(bufferElements(given ?? data, 'reduce'));
    checkOp(op, like.code, like.count);
    return post(
      host,
      'reduce',
      options,
      (port) => reduceAcross(port, undefined, to, like, op, like.array),
      () => given ?? data,
    );
  }
  const mine = to === PROC_NULL ? undefined : collectiveElements(sendElements(data, 'reduce'));
  if (mine !== undefined) checkOp(op, mine.code, mine.count);
  function* schedule(port: Port): Schedule {
    if (mine !== undefined) yield port.send(mine.array, to);
  }
  return post(host, 'reduce', options, schedule, () => undefined);
}

function operatorOf(rest: readonly unknown[]): {
  given: unknown;
  op: Op;
  root: unknown;
  options: Record<string, unknown> | undefined;
} {
  const at = isOp(rest[0]) ? 0 : 1;
  const [root, options] = typeof rest[at + 1] === 'number' ? [rest[at + 1], rest[at + 2]] : [undefined, rest[at + 1]];
  return {
    given: at === 0 ? undefined : rest[0],
    op: rest[at] as Op,
    root,
    options: options as Record<string, unknown> | undefined,
  };
}
