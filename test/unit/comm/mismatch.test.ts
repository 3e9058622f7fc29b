/**
 * Collectives that differ on the ranks of a communicator: found out and named, on an area and by messages.
 *
 * Every call of the catalogue is set against a barrier and against itself with one argument changed, one rank calling
 * the other thing. Every rank must end, by completion or with the mismatch, and at least one with it.
 */

import { describe, expect, test } from 'vitest';
import { MpiError } from '../../../src/base/errors.ts';
import type { Communicator, Intercommunicator } from '../../../src/comm/communicator.ts';
import { ROOT } from '../../../src/comm/inter/cross.ts';
import { createOp, MAX, SUM } from '../../../src/datatype/operator.ts';
import { PROC_NULL } from '../../../src/p2p/matching-queue.ts';
import type { Request } from '../../../src/p2p/request.ts';
import { isLong } from '../../long.ts';
import { randomFrom } from '../collective/simulator.ts';
import { createWorlds, startRanks } from '../ranks.ts';

/** A call, with its words in the error where they are not the call's own text. */
type Call = readonly [words: string, post: (world: Communicator) => Request<unknown>];

const f64 = (length: number): Float64Array => new Float64Array(length);
const each = (world: Communicator, count: number): number[] => new Array<number>(world.size).fill(count);
const parts = (counts: readonly number[]) => ({
  data: f64(counts.reduce((sum, count) => sum + count, 0)),
  counts,
});
const lastLonger = (world: Communicator): number[] => [...each(world, 1).slice(1), 3];
const firstLonger = (world: Communicator): number[] => [3, ...each(world, 1).slice(1)];
const values = (world: Communicator): number[] => Array.from({ length: world.size }, (_, rank) => rank);
const first = createOp((_, inout: Float64Array) => inout);
const pick = (a: number): number => a;
const worldsOf = (size: number, areaCount: number) => startRanks(size, { areaCount }).map(({ world }) => world);

/** Calls that differ from each other in one argument. */
const FAMILIES: Readonly<Record<string, readonly Call[]>> = {
  bcast: [
    ['bcast(root 0, f64 x 4)', (w) => w.bcast(f64(4))],
    ['bcast(root 1, f64 x 4)', (w) => w.bcast(f64(4), 1)],
    ['bcast(root 0, f64 x 5)', (w) => w.bcast(f64(5))],
    ['bcast(root 0, f64 x 9000)', (w) => w.bcast(f64(9000))],
    ['bcast(root 0, i64 x 4)', (w) => w.bcast(new BigInt64Array(4))],
  ],
  reduce: [
    ['reduce(SUM, root 0, f64 x 4)', (w) => w.reduce(f64(4), SUM)],
    ['reduce(SUM, root 1, f64 x 4)', (w) => w.reduce(f64(4), SUM, 1)],
    ['reduce(MAX, root 0, f64 x 4)', (w) => w.reduce(f64(4), MAX)],
    ['reduce(SUM, root 0, f64 x 3)', (w) => w.reduce(f64(3), SUM)],
    ['reduce(SUM, root 0, f32 x 8)', (w) => w.reduce(new Float32Array(8), SUM)],
  ],
  allreduce: [
    ['allreduce(SUM, f64 x 4)', (w) => w.allreduce(f64(4), SUM)],
    ['allreduce(MAX, f64 x 4)', (w) => w.allreduce(f64(4), MAX)],
    ['allreduce(operator, f64 x 4)', (w) => w.allreduce(f64(4), first)],
    ['allreduce(SUM, f64 x 3)', (w) => w.allreduce(f64(3), SUM)],
    ['allreduce(SUM, f64 x 5000)', (w) => w.allreduce(f64(5000), SUM)],
    ['allreduce(SUM, i64 x 4)', (w) => w.allreduce(new BigInt64Array(4), SUM)],
  ],
  scan: [
    ['scan(SUM, f64 x 4)', (w) => w.scan(f64(4), SUM)],
    ['scan(MAX, f64 x 4)', (w) => w.scan(f64(4), MAX)],
    ['scan(SUM, f64 x 5)', (w) => w.scan(f64(5), SUM)],
    ['exscan(SUM, f64 x 4)', (w) => w.exscan(f64(4), SUM)],
  ],
  reduceScatter: [
    ['reduceScatter(SUM, ', (w) => w.reduceScatter(f64(w.size + 2), lastLonger(w), SUM)],
    ['reduceScatter(SUM, ', (w) => w.reduceScatter(f64(w.size + 2), firstLonger(w), SUM)],
    ['reduceScatter(MAX, ', (w) => w.reduceScatter(f64(w.size + 2), lastLonger(w), MAX)],
    ['reduceScatterBlock(SUM, ', (w) => w.reduceScatterBlock(f64(w.size * 2), SUM)],
    ['reduceScatterBlock(SUM, ', (w) => w.reduceScatterBlock(f64(w.size * 3), SUM)],
  ],
  gather: [
    ['gather(root 0, f64 x 2)', (w) => w.gather(f64(2))],
    ['gather(root 1, f64 x 2)', (w) => w.gather(f64(2), 1)],
    ['gather(root 0, f64 x 3)', (w) => w.gather(f64(3))],
    ['gather(root 0, i64 x 2)', (w) => w.gather(new BigInt64Array(2))],
    ['gatherv(root 0)', (w) => w.gatherv(f64(2))],
    ['gatherv(root 1)', (w) => w.gatherv(f64(2), 1)],
  ],
  scatter: [
    ['scatter(root 0, f64 x 2)', (w) => w.scatter(w.rank === 0 ? f64(2 * w.size) : undefined, f64(2))],
    ['scatter(root 1, f64 x 2)', (w) => w.scatter(w.rank === 1 ? f64(2 * w.size) : undefined, f64(2), 1)],
    ['scatter(root 0, f64 x 3)', (w) => w.scatter(w.rank === 0 ? f64(3 * w.size) : undefined, f64(3))],
    ['scatterv(root 0)', (w) => w.scatterv(w.rank === 0 ? parts(each(w, 2)) : undefined, f64(2))],
    ['scatterv(root 1)', (w) => w.scatterv(w.rank === 1 ? parts(each(w, 2)) : undefined, f64(2), 1)],
  ],
  allgather: [
    ['allgather(f64 x 2)', (w) => w.allgather(f64(2))],
    ['allgather(f64 x 3)', (w) => w.allgather(f64(3))],
    ['allgather(i64 x 2)', (w) => w.allgather(new BigInt64Array(2))],
    ['allgatherv(without parts)', (w) => w.allgatherv(f64(1))],
    ['allgatherv(f64)', (w) => w.allgatherv(f64(lastLonger(w)[w.rank]!), parts(lastLonger(w)))],
    ['allgatherv(f64)', (w) => w.allgatherv(f64(firstLonger(w)[w.rank]!), parts(firstLonger(w)))],
  ],
  alltoall: [
    ['alltoall(f64 x 2)', (w) => w.alltoall(f64(2 * w.size))],
    ['alltoall(f64 x 3)', (w) => w.alltoall(f64(3 * w.size))],
    ['alltoall(i64 x 2)', (w) => w.alltoall(new BigInt64Array(2 * w.size))],
    ['alltoallv(without parts)', (w) => w.alltoallv(parts(each(w, 1)))],
    ['alltoallv', (w) => w.alltoallv(parts(each(w, 1)), parts(each(w, 1)))],
  ],
  objects: [
    ['bcastObject(root 0)', (w) => w.bcastObject(1)],
    ['bcastObject(root 1)', (w) => w.bcastObject(1, 1)],
    ['gatherObject(root 0)', (w) => w.gatherObject(1)],
    ['gatherObject(root 1)', (w) => w.gatherObject(1, 1)],
    ['scatterObject(root 0)', (w) => w.scatterObject(w.rank === 0 ? values(w) : undefined)],
    ['scatterObject(root 1)', (w) => w.scatterObject(w.rank === 1 ? values(w) : undefined, 1)],
    ['reduceObject(root 0)', (w) => w.reduceObject(1, pick)],
    ['reduceObject(root 1)', (w) => w.reduceObject(1, pick, 1)],
    ['allgatherObject', (w) => w.allgatherObject(1)],
    ['alltoallObject', (w) => w.alltoallObject(values(w))],
    ['allreduceObject', (w) => w.allreduceObject(1, pick)],
  ],
  communicators: [
    ['dup', (w) => w.dup()],
    ['split', (w) => w.split(0)],
    ['splitShared', (w) => w.splitShared()],
    ['create', (w) => w.create(w.group)],
    ['cartesian', (w) => w.cartesian([w.size])],
    ['graph', (w) => w.graph([], [])],
    ['free', (w) => w.free()],
  ],
  persistent: [
    ['allreduce(SUM, f64 x 4)', (w) => w.allreduceInit(f64(4), f64(4), SUM).start()],
    ['allreduce(MAX, f64 x 4)', (w) => w.allreduceInit(f64(4), f64(4), MAX).start()],
    ['bcast(root 1, f64 x 4)', (w) => w.bcastInit(f64(4), 1).start()],
  ],
};
const BARRIER: Call = ['barrier', (w) => w.barrier()];

/** What became of each rank's call: its error, or undefined; a rank that hangs is named. */
async function outcomes(posts: readonly (() => Request<unknown>)[], what: string): Promise<(MpiError | undefined)[]> {
  const late = new Set(posts.keys());
  const all = Promise.all(
    posts.map(async (post, rank) => {
      try {
        await post();
        return undefined;
      } catch (error) {
        if (error instanceof MpiError) return error;
        throw error;
      } finally {
        late.delete(rank);
      }
    }),
  );
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: ranks ${[...late].join(', ')} hang`)), 15_000);
  });
  return Promise.race([all, deadline]).finally(() => clearTimeout(timer));
}

/** Let rank `odd` call `b` and the others `a`; return what is wrong with the result, or nothing. */
async function against(a: Call, b: Call, size: number, odd: number, areaCount: number): Promise<string[]> {
  const what = `${b[0]} on rank ${odd} of ${size} against ${a[0]}`;
  const worlds = worldsOf(size, areaCount);
  await Promise.all(worlds.map((world) => world.barrier()));
  const seen = await outcomes(
    worlds.map((world, rank) => () => (rank === odd ? b : a)[1](world)),
    what,
  );
  const errors = seen.filter((error) => error !== undefined);
  // Where all have passed, a message tells of it: at the next call.
  for (let more = 0; errors.length === 0 && more < 3; more++) {
    const next = await outcomes(
      worlds.map((world) => () => world.barrier()),
      `after ${what}`,
    );
    errors.push(...next.filter((error) => error !== undefined));
  }
  if (errors.length === 0) return [`${what}: nobody noticed`];
  return errors.flatMap(({ code, message }) => {
    const mine = `called ${a[0]}`;
    const theirs = a[0] === b[0] ? 'called it with other counts' : `called ${b[0]}`;
    const isNamed =
      / as collective 2 on world, rank \d+ called .*: expected the same call on all ranks$/.test(message) &&
      (message.includes(mine) || message.includes(theirs)) &&
      (message.includes(theirs) || message.includes(`called ${b[0]}`));
    return code === 'ERR_MPI_COLLECTIVE_MISMATCH' && isNamed ? [] : [`${what}: ${code} ${message}`];
  });
}

describe.each([
  ['on an area', 4],
  ['by messages', 0],
])('%s', (_, areaCount) => {
  test.each(Object.keys(FAMILIES))('%s', async (family) => {
    const calls = FAMILIES[family]!;
    const wrong: string[] = [];
    for (const size of [2, 3, 5, 8]) {
      const pairs = calls.flatMap((a, k) => [
        [a, BARRIER, size - 1] as const,
        [BARRIER, a, (k * 3) % size] as const,
        // Larger worlds take their turn at one rank each, smaller ones at all.
        ...calls.slice(k + 1).map((b, at) => [a, b, (k + at) % size] as const),
      ]);
      const found = await Promise.all(pairs.map(([a, b, odd]) => against(a, b, size, odd, areaCount)));
      wrong.push(...found.flat());
    }
    expect(wrong).toEqual([]);
  });
});

test('order: A then B against B then A, several in flight', async () => {
  for (const areaCount of [4, 0]) {
    const worlds = worldsOf(3, areaCount);
    const seen = await outcomes(
      worlds.map((world, rank) => () => {
        const calls = [() => world.allreduce(f64(1), SUM), () => world.bcast(f64(9000), 0), () => world.barrier()];
        return Promise.all((rank === 1 ? calls.reverse() : calls).map((call) => call())) as never;
      }),
      'order',
    );
    const words = seen.flatMap((error) => (error === undefined ? [] : [error.message]));
    expect(words.length).toBeGreaterThan(0);
    for (const message of words) {
      expect(message).toMatch(/allreduce\(SUM, f64 x 1\).*barrier|barrier.*allreduce\(SUM, f64 x 1\)/);
      expect(message).toContain('as collective 1 on world');
    }
  }
});

test('counts that agree in pairs only: both sides are named', async () => {
  const [a, b] = createWorlds(2) as [Communicator, Communicator];
  const seen = await outcomes(
    [
      () => a.alltoallv({ data: f64(3), counts: [1, 2] }, { data: f64(2), counts: [1, 1] }),
      () => b.alltoallv({ data: f64(2), counts: [1, 1] }, { data: f64(2), counts: [1, 1] }),
    ],
    'pairs',
  );
  expect(seen[0]).toBeUndefined();
  expect(seen[1]).toMatchObject({ code: 'ERR_MPI_COLLECTIVE_MISMATCH', rank: 1, peer: 0 });
  expect(seen[1]!.message).toBe(
    'alltoallv as collective 1 on world: rank 0 sent 16 bytes of f64 to rank 1, which takes 8 bytes of f64 from it: expected the same on both sides',
  );
});

test('the communicator is unusable afterwards, others are not', async () => {
  const worlds = createWorlds(2);
  const others = await Promise.all(worlds.map((world) => world.dup()));
  const seen = await outcomes(
    worlds.map((world, rank) => () => world.allreduce(1, rank === 0 ? SUM : MAX)),
    'operators',
  );
  expect(seen.map((error) => error?.code)).toEqual(['ERR_MPI_COLLECTIVE_MISMATCH', 'ERR_MPI_COLLECTIVE_MISMATCH']);
  for (const [rank, world] of worlds.entries()) expect(() => world.barrier()).toThrow(seen[rank]!.message);
  expect(await Promise.all(others.map((other) => other.allreduce(1, SUM)))).toEqual([2, 2]);
});

test('a mismatch that only a message tells of is not lost', async () => {
  const ranks = startRanks(2, { areaCount: 0 });
  const posted = ranks.map(({ world }, rank) => world.bcast(f64(1), rank));
  await Promise.all(posted);
  // Each has sent to the other and gone on; the messages come with the next look.
  for (const { progress } of ranks) while (progress.poll());
  const words =
    /^a collective on world failed and nobody looked at it: rank \d called bcast\(root \d, f64 x 1\) as collective 1 on world, rank \d called bcast\(root \d, f64 x 1\)/;
  const left = ranks.flatMap(({ progress }) => progress.unseen.drain());
  expect(left.length).toBeGreaterThan(0);
  for (const sentence of left) expect(sentence).toMatch(words);
});

describe('on intercommunicators', () => {
  const halves = async (size: number) => {
    const worlds = createWorlds(size);
    return Promise.all(
      worlds.map(async (world) => {
        const side = world.rank % 2;
        const group = await world.split(side);
        return group.intercommCreate(0, world, 1 - side, 5);
      }),
    );
  };

  test.each<[string, (inter: Intercommunicator, isOdd: boolean) => Request<unknown>]>([
    ['operation', (inter, isOdd) => (isOdd ? inter.barrier() : inter.allgather(f64(1)))],
    ['operator', (inter, isOdd) => inter.allreduce(f64(1), isOdd ? SUM : MAX)],
    ['count', (inter, isOdd) => inter.allreduce(f64(isOdd ? 1 : 2), SUM)],
    ['root', (inter, isOdd) => (isOdd ? inter.bcast(f64(1), inter.rank === 0 ? ROOT : PROC_NULL) : inter.bcast(f64(1), 1))],
  ])('%s', async (_, call) => {
    const inters = await halves(4);
    const seen = await outcomes(
      inters.map((inter, rank) => () => call(inter, rank % 2 === 1)),
      'between groups',
    );
    const errors = seen.filter((error) => error !== undefined);
    expect(errors.length).toBeGreaterThan(0);
    for (const { code, message } of errors) {
      expect(code).toBe('ERR_MPI_COLLECTIVE_MISMATCH');
      expect(message).toMatch(/^rank [01] called .*, rank [01] of the other group called /);
    }
  });

  test('what may differ does not count', async () => {
    const inters = await halves(5);
    for (let turn = 0; turn < 3; turn++) {
      const seen = await outcomes(
        inters.map((inter, rank) => () => {
          const { remoteSize } = inter;
          // The groups give blocks of different lengths.
          const mine = rank % 2 === 0 ? 2 : 3;
          const root = rank % 2 === 0 ? (rank === 0 ? ROOT : PROC_NULL) : 0;
          return Promise.all([
            inter.allgather(f64(mine), f64((5 - mine) * remoteSize)),
            inter.bcast(rank === 0 ? Buffer.alloc(16) : f64(2), root),
            inter.barrier(),
          ]) as never;
        }),
        'legal',
      );
      expect(seen).toEqual(inters.map(() => undefined));
    }
  });
});

test.each([4, 0])('legal programs with many in flight pass, areas: %i', async (areaCount) => {
  for (const size of [2, 3, 5]) {
    const draw = randomFrom(size + areaCount);
    const worlds = worldsOf(size, areaCount);
    const twins = await Promise.all(worlds.map((world) => world.dup()));
    for (let round = 0; round < (isLong ? 12 : 5); round++) {
      const program = Array.from({ length: 24 }, () => ({
        kind: Math.floor(draw() * 8),
        root: Math.floor(draw() * size),
        count: [0, 1, 7, 300][Math.floor(draw() * 4)]!,
        onTwin: draw() < 0.3,
        bytesOn: Math.floor(draw() * size),
      }));
      const seen = await outcomes(
        worlds.map((world, rank) => () => {
          const posted = program.map(({ kind, root, count, onTwin, bytesOn }) => {
            const comm = onTwin ? twins[rank]! : world;
            // Bytes agree with every type.
            const data = rank === bytesOn ? Buffer.alloc(count * 8) : f64(count);
            const all = rank === bytesOn ? Buffer.alloc(count * 8 * size) : f64(count * size);
            switch (kind) {
              case 0:
                return comm.barrier();
              case 1:
                return comm.bcast(data, root);
              case 2:
                return comm.gather(data, rank === root ? (all as never) : undefined, root);
              case 3:
                return comm.allreduce(f64(count), SUM);
              case 4:
                return comm.allgather(data, all as never);
              case 5:
                return comm.bcastObject({ count }, root);
              case 6:
                return comm.scan(f64(count), MAX);
              default:
                return comm.alltoallv(parts(each(comm, rank + 1)));
            }
          });
          return Promise.all(posted) as never;
        }),
        `round ${round} on ${size} ranks`,
      );
      expect(seen).toEqual(worlds.map(() => undefined));
    }
  }
});
