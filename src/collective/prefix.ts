/**
 * Prefix: the phases that scan and exscan share.
 *
 * The idea: in round k a rank holds what the ranks that agree with it above bit k have given together, as far as they
 * exist; what it gets from a lower partner goes in front of its prefix.
 */

import { createArray, type TypedArray } from '../datatype/element-type.ts';
import { reduceInto } from '../datatype/reduce-kernels.ts';
import type { ScanArguments } from './arguments.ts';
import type { Port, Schedule } from './schedule.ts';

/** Leave in `output` what ranks up to this one gave, itself included or not; exclusive, rank 0's output is not touched. */
export function* scanByDoubling(port: Port, { input, output, op, code }: ScanArguments, isExclusive: boolean): Schedule {
  const { rank, size } = port;
  const count = input.length;
  let partial = createArray(code, count);
  let incoming = createArray(code, count);
  partial.set(input as never);
  let prefix: TypedArray | undefined = isExclusive ? undefined : output;
  if (!isExclusive && output !== input) output.set(input as never);
  for (let mask = 1; mask < size; mask <<= 1) {
    const peer = rank ^ mask;
    if (peer >= size) continue;
    yield port.exchange(partial, peer, incoming, peer);
    if (peer > rank) {
      // Higher ranks' data is `inout`, and the result lies there.
      reduceInto(op, code, partial, incoming, count);
      [partial, incoming] = [incoming, partial];
      continue;
    }
    if (prefix !== undefined) reduceInto(op, code, incoming, prefix, count);
    else {
      prefix = output;
      output.set(incoming as never);
    }
    reduceInto(op, code, incoming, partial, count);
  }
}

/** The same, rank after rank: each adds its own to what the rank below hands up. */
export function* scanAlong(port: Port, { input, output, op, code }: ScanArguments, isExclusive: boolean): Schedule {
  const { rank, size } = port;
  const count = input.length;
  const own = createArray(code, count);
  own.set(input as never);
  if (rank > 0) {
    const before = createArray(code, count);
    yield port.recv(before, rank - 1);
    if (isExclusive) output.set(before as never);
    reduceInto(op, code, before, own, count);
  }
  if (!isExclusive) output.set(own as never);
  if (rank + 1 < size) yield port.send(own, rank + 1);
}
