/** Collectives of values, ranks in one thread. */

import { describe, expect, test } from 'vitest';
import { type Communicator, SUM } from '../../../src/index.ts';
import { createWorlds } from '../ranks.ts';

function each<T>(worlds: readonly Communicator[], call: (world: Communicator) => PromiseLike<T> | T): Promise<T[]> {
  return Promise.all(worlds.map(async (world) => call(world)));
}

/** A value of every kind that structuredClone takes, different by rank. */
function sampleOf(rank: number): unknown {
  const cycle: { self?: unknown; rank: number } = { rank };
  cycle.self = cycle;
  return {
    map: new Map<unknown, unknown>([
      [rank, 'rank'],
      ['set', new Set([1, rank, 'x'])],
    ]),
    date: new Date(rank * 1e9),
    pattern: /a+b/gi,
    error: new RangeError(`of rank ${rank}`),
    big: 2n ** 70n + BigInt(rank),
    cycle,
    small: Uint8Array.of(rank, 2, 3),
    large: new Float64Array(300).fill(rank + 0.5),
    nothing: [null, undefined, Number.NaN, -0, Number.POSITIVE_INFINITY],
    text: 'é'.repeat(rank),
  };
}

const LETTERS = 'abcdefghijklmnop';

describe.each([1, 2, 3, 4, 5, 7, 8, 13])('%i ranks', (size) => {
  const ranks = Array.from({ length: size }, (_, rank) => rank);

  test('bcastObject, gatherObject, allgatherObject', async () => {
    const worlds = createWorlds(size);
    for (const root of new Set([0, size >> 1, size - 1])) {
      const got = await each(worlds, (world) => world.bcastObject(world.rank === root ? sampleOf(root) : undefined, root));
      expect(got).toEqual(ranks.map(() => sampleOf(root)));
      expect(await each(worlds, (world) => world.gatherObject(sampleOf(world.rank), { root }))).toEqual(
        ranks.map((rank) => (rank === root ? ranks.map(sampleOf) : undefined)),
      );
    }
    expect(await each(worlds, (world) => world.allgatherObject(sampleOf(world.rank)))).toEqual(
      ranks.map(() => ranks.map(sampleOf)),
    );
  });

  test('scatterObject, alltoallObject', async () => {
    const worlds = createWorlds(size);
    const root = size - 1;
    expect(
      await each(worlds, (world) => world.scatterObject(world.rank === root ? ranks.map(sampleOf) : undefined, root)),
    ).toEqual(ranks.map(sampleOf));
    const pair = (from: number, to: number) => ({ from, to, data: new Int32Array(from * 100).fill(to) });
    expect(await each(worlds, (world) => world.alltoallObject(ranks.map((to) => pair(world.rank, to))))).toEqual(
      ranks.map((to) => ranks.map((from) => pair(from, to))),
    );
  });

  test('reduceObject and allreduceObject keep the order of ranks', async () => {
    const worlds = createWorlds(size);
    const join = (a: string, b: string) => a + b;
    const whole = LETTERS.slice(0, size);
    for (const root of ranks) {
      expect(await each(worlds, (world) => world.reduceObject(LETTERS[world.rank]!, join, root))).toEqual(
        ranks.map((rank) => (rank === root ? whole : undefined)),
      );
    }
    expect(await each(worlds, (world) => world.allreduceObject(LETTERS[world.rank]!, join))).toEqual(ranks.map(() => whole));
  });

  test('a function that throws on one rank fails whoever waits for the result, and the communicator goes on', async () => {
    const worlds = createWorlds(size);
    const thrower = (a: number, b: number): number => {
      if (b >= size - 1) throw new Error(`no ${b}`);
      return Math.max(a, b);
    };
    const outcomes = await Promise.allSettled(worlds.map(async (world) => world.allreduceObject(world.rank, thrower)));
    for (const outcome of outcomes) {
      if (size === 1) expect(outcome).toMatchObject({ status: 'fulfilled', value: 0 });
      else {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_MPI_OP' } });
        expect((outcome as PromiseRejectedResult).reason.message).toMatch(/the function threw on rank \d+: no \d+$/);
      }
    }
    const root = size - 1;
    const toRoot = await Promise.allSettled(worlds.map(async (world) => world.reduceObject(world.rank, thrower, root)));
    expect(toRoot.map(({ status }) => status)).toEqual(
      ranks.map((rank) => (size > 1 && rank === root ? 'rejected' : 'fulfilled')),
    );
    expect(await each(worlds, (world) => world.allreduce(1, SUM))).toEqual(ranks.map(() => size));
  });
});

test('values are copies, those of the own rank too', async () => {
  const worlds = createWorlds(2);
  const data = new Float64Array(5000).fill(1);
  const lists = await each(worlds, (world) => world.allgatherObject({ data }));
  for (const list of lists) for (const { data: got } of list) expect(got).not.toBe(data);
  lists[0]![0]!.data[0] = 7;
  expect(data[0]).toBe(1);
});

test('what cannot be sent is said at the call', () => {
  const [world] = createWorlds(2);
  expect(() => world!.allgatherObject({ deep: [() => 1] })).toThrow('function');
  expect(() => world!.alltoallObject([1])).toThrow('alltoallObject got 1 values: expected an array of 2');
  expect(() => world!.scatterObject(undefined, 0)).toThrow('scatterObject got undefined: expected an array of 2');
  expect(() => world!.allreduceObject(1, undefined as never)).toThrow('allreduceObject got a undefined to combine values with');
});

test('messages() takes one at each step: leaving the loop loses none', async () => {
  const [world] = createWorlds(1);
  for (let k = 0; k < 5; k++) await world!.sendObject({ k }, 0, 3);
  const seen: number[] = [];
  for await (const { value, status } of world!.messages<{ k: number }>(0, 3)) {
    seen.push(value.k);
    expect(status).toMatchObject({ source: 0, tag: 3, type: 'object' });
    if (value.k === 2) break;
  }
  expect(seen).toEqual([0, 1, 2]);
  expect(await world!.recvObject(0, 3)).toEqual({ k: 3 });
  expect(await world!.recvObject(0, 3)).toEqual({ k: 4 });
});

test('messages() holds the sender back: it gets no further than what is taken', async () => {
  const [from, to] = createWorlds(2);
  let sent = 0;
  const sending = (async () => {
    for (let k = 0; k < 40; k++) {
      await from!.sendObject({ k, field: new Float64Array(100_000).fill(k) }, 1, 2);
      sent++;
    }
  })();
  let taken = 0;
  for await (const { value } of to!.messages<{ k: number; field: Float64Array }>(0, 2)) {
    expect([value.k, value.field[99_999]]).toEqual([taken, taken]);
    taken++;
    // However often the loop turns meanwhile, the next one waits for its receive.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toBeLessThanOrEqual(taken + 1);
    if (taken === 40) break;
  }
  await sending;
  expect(to!.tryProbe()).toBeUndefined();
});

test('messages(): wrong arguments throw at the call, a time-out ends one step only', async () => {
  const [world] = createWorlds(1);
  expect(() => world!.messages(4)).toThrow('source 4 is no rank of world');
  expect(() => world!.messages(0, { wrong: 1 } as never)).toThrow('messages has no option wrong');
  const inbox = world!.messages<number>(0, 1, { timeoutMs: 5 });
  await expect(inbox.next()).rejects.toMatchObject({ code: 'ERR_MPI_TIMEOUT' });
  await world!.sendObject(7, 0, 1);
  expect(await world!.messages<number>({ source: 0, tag: 1 }).next()).toMatchObject({ value: { value: 7 }, done: false });
});
