/** Kernels for the tests of teams. */

import { threadId } from 'node:worker_threads';

export function fill(from: number, to: number, into: Float64Array, value: number): void {
  for (let k = from; k < to; k++) into[k] = value;
}

export function sum(from: number, to: number, array: Float64Array): number {
  let total = 0;
  for (let k = from; k < to; k++) total += array[k]!;
  return total;
}

export function nothing(_from: number, _to: number): void {}

/** Count each index, and note which thread had it. */
export function count(from: number, to: number, base: number, counts: Int32Array, threads: Int32Array): void {
  for (let k = from; k < to; k++) {
    Atomics.add(counts, k - base, 1);
    threads[k - base] = threadId;
  }
}

export function fail(from: number, _to: number): void {
  if (from > 0) throw new RangeError(`nothing at ${from}`);
}

export async function twice(argument: { value: number }): Promise<{ value: number; threadId: number }> {
  return { value: 2 * argument.value, threadId };
}
