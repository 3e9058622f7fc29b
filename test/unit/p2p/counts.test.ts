/**
 * What a message costs in things that can be counted, as hard limits: cells, compare-and-swaps, other atomic writes, wakes,
 * copies. A change that makes one more of any of them fails here on every machine, however slow or busy.
 */

import { expect, test } from 'vitest';
import type { Communicator } from '../../../src/comm/communicator.ts';
import { SUM } from '../../../src/datatype/operator.ts';
import { createWorlds } from '../ranks.ts';

const MESSAGES = 50;
const LONG_MESSAGES = 5;

/** What is counted, per operation. */
interface Counts {
  /** Compare-and-swaps that were tried, and those that claimed what they were for: one claims a cell. */
  swaps: number;
  claimed: number;
  /** Exchanges and additions: flags of sleepers, counters of collectives. */
  exchanges: number;
  wakes: number;
  /** Bytes that `set` moved, in parts of the message: 1 is one copy. */
  copies: number;
}

type Method = (...values: never[]) => unknown;

/** Count over what `run` does so many times. */
async function count(times: number, byteLength: number, run: () => Promise<void>): Promise<Counts> {
  const seen = { swaps: 0, claimed: 0, exchanges: 0, wakes: 0, copies: 0 };
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as Record<string, Method>;
  const restore: (() => void)[] = [];
  const wrap = (owner: Record<string, Method>, name: string, look: (values: unknown[], result: unknown) => void): void => {
    const original = owner[name]!;
    owner[name] = function (this: unknown, ...values: never[]): unknown {
      const result = original.apply(this, values);
      look(values, result);
      return result;
    } as Method;
    restore.push(() => {
      owner[name] = original;
    });
  };
  const atomics = Atomics as unknown as Record<string, Method>;
  wrap(atomics, 'compareExchange', ([, , expected], found) => {
    seen.swaps++;
    if (found === expected) seen.claimed++;
  });
  for (const name of ['exchange', 'add', 'sub']) wrap(atomics, name, () => seen.exchanges++);
  wrap(atomics, 'notify', () => seen.wakes++);
  wrap(typedArray, 'set', ([source]) => {
    // A plain array is a frame's fields.
    seen.copies += ArrayBuffer.isView(source) ? source.byteLength : 0;
  });
  try {
    for (let k = 0; k < times; k++) await run();
  } finally {
    for (const undo of restore) undo();
  }
  return {
    swaps: seen.swaps / times,
    claimed: seen.claimed / times,
    exchanges: seen.exchanges / times,
    wakes: seen.wakes / times,
    copies: byteLength === 0 ? 0 : seen.copies / times / byteLength,
  };
}

async function message(worlds: readonly Communicator[], data: Uint8Array, into: Uint8Array): Promise<void> {
  await Promise.all([worlds[1]!.recv(into, 0), worlds[0]!.send(data, 1)]);
}

/** All that a test allows: a little more than none where a rank may have fallen asleep meanwhile. */
const RARELY = 0.2;

test.each([
  // Up to 32 bytes lie in the cell; `set` is used from some bytes on, a loop below.
  { size: 0, exchanges: RARELY, copies: 0 },
  { size: 8, exchanges: RARELY, copies: 0 },
  { size: 32, exchanges: RARELY, copies: 2 },
  // Longer ones go through a buffer that is given back by one exchange.
  { size: 33, exchanges: 1 + RARELY, copies: 2 },
  { size: 1024, exchanges: 1 + RARELY, copies: 2 },
  { size: 16_384, exchanges: 1 + RARELY, copies: 2 },
])('$size bytes: one cell by one compare-and-swap, two copies', async ({ size, exchanges, copies }) => {
  const worlds = createWorlds(2);
  const [data, into] = [new Uint8Array(size).fill(3), new Uint8Array(size)];
  await message(worlds, data, into);
  const counts = await count(MESSAGES, size, () => message(worlds, data, into));
  expect(Buffer.compare(into, data)).toBe(0);
  expect(counts.claimed).toBe(1);
  expect(counts.swaps).toBe(1);
  expect(counts.exchanges).toBeLessThanOrEqual(exchanges);
  expect(counts.wakes).toBeLessThanOrEqual(RARELY);
  expect(counts.copies).toBe(copies);
});

test.each([8, 1024])('an unexpected message of %d bytes costs one cell as well', async (size) => {
  const worlds = createWorlds(2);
  const [data, into] = [new Uint8Array(size).fill(3), new Uint8Array(size)];
  const counts = await count(MESSAGES, size, async () => {
    await worlds[0]!.send(data, 1);
    await worlds[1]!.recv(into, 0);
  });
  expect(counts.claimed).toBe(1);
  expect(counts.swaps).toBe(1);
  expect(counts.wakes).toBeLessThanOrEqual(RARELY);
});

test.each([
  { size: 1 << 16, claimed: 3 },
  { size: 1 << 20, claimed: 6 },
])('$size bytes: announced and moved in pieces, few cells', async ({ size, claimed }) => {
  const worlds = createWorlds(2);
  const [data, into] = [new Uint8Array(size).fill(3), new Uint8Array(size)];
  const counts = await count(LONG_MESSAGES, size, () => message(worlds, data, into));
  expect(Buffer.compare(into, data)).toBe(0);
  expect(counts.claimed).toBeLessThanOrEqual(claimed);
});

test.each([2, 4])('collectives on %d ranks: barrier and a small allreduce take no cell', async (ranks) => {
  const worlds = createWorlds(ranks);
  const all = async (run: (comm: Communicator) => PromiseLike<unknown>): Promise<void> => {
    await Promise.all(worlds.map(run));
  };
  const counters = ranks > 2 ? ranks : 0;
  const barrier = await count(MESSAGES, 0, () => all((comm) => comm.barrier()));
  const allreduce = await count(MESSAGES, 8, () => all((comm) => comm.allreduce(1, SUM)));
  for (const { swaps, exchanges } of [barrier, allreduce]) {
    expect(swaps).toBe(0);
    expect(exchanges).toBeLessThanOrEqual(counters + RARELY);
  }
  const data = new Uint8Array(1024);
  const bcast = await count(MESSAGES, 1024, () => all((comm) => comm.bcast(data, 0)));
  expect(bcast.claimed).toBe(ranks - 1);
});
