/** Kernels for the tests of teams. */

import { threadId } from 'node:worker_threads';
import { world } from 'tsmpi';

export function fill(from: number, to: number, into: Float64Array, value: number): void {
  for (let k = from; k < to; k++) into[k] = value;
}

export function sum(from: number, to: number, array: Float64Array): number {
  let total = 0;
  for (let k = from; k < to; k++) total += array[k]!;
  return total;
}

/** Count each index; `busy` turns of a loop for each, so that some chunks take longer than others. */
export function count(from: number, to: number, base: number, counts: Int32Array, busy: number): void {
  for (let k = from; k < to; k++) {
    Atomics.add(counts, k - base, 1);
    for (let turn = 0; turn < busy * (k & 7); turn++) Math.sqrt(turn);
  }
}

/** Note which thread had which index, and what it got. */
export function note(from: number, to: number, threads: Int32Array, seen: unknown, other: unknown): void {
  for (let k = from; k < to; k++) threads[k] = threadId;
  if (!Object.is(seen, -0) || other !== -(2n ** 40n)) throw new Error(`got ${String(seen)} and ${String(other)}`);
}

export function fail(from: number, _to: number, at: number): void {
  if (from === at) throw new RangeError(`nothing at ${from}`);
}

export function useWorld(): void {
  if (threadId !== 0) void world.rank;
}

export async function wait(): Promise<void> {}

export function text(): string {
  return 'no number';
}

/** Hold a thread until the other index has come too: both must be under way at once. */
export function meet(from: number, _to: number, word: Int32Array): void {
  Atomics.add(word, 0, 1);
  Atomics.notify(word, 0);
  while (Atomics.load(word, 0) < 2) Atomics.wait(word, 0, 1, 1000);
  if (from === 1) console.log('printed by a kernel');
}

/** Hold a thread until it is let go. */
export function hold(_from: number, _to: number, word: Int32Array): void {
  Atomics.add(word, 1, 1);
  Atomics.wait(word, 0, 0);
}

export async function twice(argument: { value: number }): Promise<{ value: number; isOwn: boolean }> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return { value: 2 * argument.value, isOwn: threadId === 0 };
}

export function holdTask(word: Int32Array): number {
  Atomics.store(word, 1, 1);
  Atomics.wait(word, 0, 0);
  return threadId;
}

/** Leave a timer behind, which counts in the second word. */
export function tickTask(word: Int32Array): void {
  const timer = setInterval(() => {
    if (Atomics.load(word, 0) !== 0) clearInterval(timer);
    else Atomics.add(word, 1, 1);
  }, 1);
}

export function throwTask(): never {
  throw new TypeError('a task of no use');
}

/** Ways for a worker to end. */
export function end(_from: number, _to: number, way: number): void {
  if (threadId === 0) return;
  if (way === 1) process.removeAllListeners('exit');
  if (way === 2)
    setImmediate(() => {
      throw new Error('out of the blue');
    });
  else process.exit(7);
}
