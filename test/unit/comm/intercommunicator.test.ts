/** Two groups that talk across, ranks in one thread. */

import { describe, expect, test } from 'vitest';
import {
  createKeyval,
  createOp,
  f64,
  IN_PLACE,
  type Intercommunicator,
  MAXLOC,
  MIN,
  PROC_NULL,
  ROOT,
  SUM,
  vector,
} from '../../../src/index.ts';
import { createWorlds } from '../ranks.ts';

/** Split so many ranks into a first group of `first` ranks and the rest, joined again by an intercommunicator. */
async function createSides(size: number, first: number) {
  const worlds = createWorlds(size);
  return Promise.all(
    worlds.map(async (world) => {
      const isFirst = world.rank < first;
      const local = await world.split(isFirst ? 0 : 1);
      const inter = await local.intercommCreate(0, world, isFirst ? first : 0, 12);
      return { world, isFirst, inter };
    }),
  );
}

type Side = Awaited<ReturnType<typeof createSides>>[number];

function each<T>(sides: readonly Side[], call: (inter: Intercommunicator, side: Side) => PromiseLike<T> | T): Promise<T[]> {
  return Promise.all(sides.map(async (side) => call(side.inter, side)));
}

const range = (n: number) => Array.from({ length: n }, (_, k) => k);

describe.each([
  [2, 1],
  [3, 2],
  [5, 2],
  [7, 3],
  [8, 4],
])('%i ranks, %i of them in the first group', (size, first) => {
  const sizeOf = ({ isFirst }: Side) => (isFirst ? first : size - first);
  const remoteOf = ({ isFirst }: Side) => (isFirst ? size - first : first);
  /** World rank of a rank of the other group. */
  const worldOf = ({ isFirst }: Side, rank: number) => (isFirst ? first + rank : rank);

  test('groups and messages', async () => {
    const sides = await createSides(size, first);
    await each(sides, async (inter, side) => {
      expect([inter.isInter, inter.size, inter.remoteSize]).toEqual([true, sizeOf(side), remoteOf(side)]);
      expect(inter.group.ranks).toEqual(range(inter.size).map((rank) => (side.isFirst ? rank : first + rank)));
      expect(inter.remoteGroup.ranks).toEqual(range(inter.remoteSize).map((rank) => worldOf(side, rank)));
      const sent = range(inter.remoteSize).map((dest) => inter.send(Int32Array.of(side.world.rank, dest), dest, 5));
      for (const source of range(inter.remoteSize)) {
        const into = new Int32Array(2);
        expect(await inter.recv(into, source, 5)).toMatchObject({ source, tag: 5, count: 2 });
        expect([...into]).toEqual([worldOf(side, source), inter.rank]);
      }
      await Promise.all(sent);
      await inter.sendObject({ from: side.world.rank }, 0, 9);
      if (inter.rank === 0) {
        const seen = new Set<number>();
        for (const _ of range(inter.remoteSize)) seen.add((await inter.recvObject<{ from: number }>({ tag: 9 })).from);
        expect([...seen].sort((a, b) => a - b)).toEqual(inter.remoteGroup.ranks);
      }
    });
    expect(() => sides[0]!.inter.send(1, sizeOf(sides.at(-1)!) + size)).toThrow('is no rank of');
  });

  test('collectives across', async () => {
    const sides = await createSides(size, first);
    await each(sides, async (inter, side) => {
      const { rank } = side.world;
      const theirs = range(inter.remoteSize).map((other) => worldOf(side, other));
      const pending = [inter.barrier(), inter.allreduce(rank + 1, SUM)] as const;
      await pending[0];
      expect(await pending[1]).toBe(theirs.reduce((sum, other) => sum + other + 1, 0));
      // From the left, in rank order, though the operator does not commute.
      const second = createOp((input, inout) => {
        for (let i = 0; i < inout.length; i++) inout[i] = (10 * (input[i] as number) + (inout[i] as number)) as never;
      });
      expect(await inter.allreduce(Float64Array.of(rank + 1), second)).toEqual(
        Float64Array.of(theirs.map((other) => other + 1).reduce((a, b) => 10 * a + b)),
      );
      const all = new Int32Array(inter.remoteSize * 2);
      expect([...(await inter.allgather(Int32Array.of(rank, 1 - rank), all))]).toEqual(
        theirs.flatMap((other) => [other, 1 - other]),
      );
      const parts = Int32Array.from(theirs, (other) => 100 * rank + other);
      expect([...(await inter.alltoall(parts, new Int32Array(inter.remoteSize)))]).toEqual(
        theirs.map((other) => 100 * other + rank),
      );
      // The second rank (or the only one) of the first group is the root.
      const root = Math.min(1, first - 1);
      const role = side.isFirst ? (rank === root ? ROOT : PROC_NULL) : root;
      const data = new Float64Array(3000).fill(role === ROOT ? 2.5 : 0);
      await inter.bcast(data, role);
      expect(data[2999]).toBe(role === PROC_NULL ? 0 : 2.5);
      const isRoot = role === ROOT;
      const gathered = await inter.gather(Int32Array.of(rank), isRoot ? new Int32Array(inter.remoteSize) : undefined, role);
      expect(gathered && [...gathered]).toEqual(isRoot ? theirs : undefined);
      const mine = new Int32Array(1);
      await inter.scatter(isRoot ? Int32Array.from(theirs, (other) => 7 * other) : undefined, isRoot ? undefined : mine, role);
      expect(mine[0]).toBe(side.isFirst ? 0 : 7 * rank);
      const sum = await inter.reduce(Float64Array.of(rank), isRoot ? new Float64Array(1) : undefined, SUM, role);
      expect(sum?.[0]).toBe(isRoot ? theirs.reduce((a, b) => a + b, 0) : undefined);
    });
  });

  /** What the first group's second rank (or only one) gives as root, and the others. */
  const roleOf = ({ isFirst, world }: Side) => {
    const root = Math.min(1, first - 1);
    return isFirst ? (world.rank === root ? ROOT : PROC_NULL) : root;
  };
  const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const mineOf = (rank: number) => new Int32Array(rank % 3).fill(100 + rank);

  test('v-forms across, counts known or not', async () => {
    const sides = await createSides(size, first);
    await each(sides, async (inter, side) => {
      const { rank } = side.world;
      const theirs = range(inter.remoteSize).map((other) => worldOf(side, other));
      const whole = Int32Array.from(theirs.flatMap((other) => [...mineOf(other)]));
      const counts = theirs.map((other) => other % 3);
      const role = roleOf(side);
      const isRoot = role === ROOT;
      const parts = { data: new Int32Array(whole.length), counts };
      expect(await inter.gatherv(mineOf(rank), isRoot ? parts : undefined, role)).toBe(isRoot ? parts : undefined);
      expect(parts.data).toEqual(isRoot ? whole : new Int32Array(whole.length));

      const own = new Int32Array(rank % 3);
      const got = await inter.scatterv(isRoot ? { data: whole, counts } : undefined, own, role);
      expect(got).toBe(side.isFirst ? undefined : own);
      expect(own).toEqual(side.isFirst ? new Int32Array(rank % 3) : mineOf(rank));

      const known = { data: new Int32Array(whole.length), counts };
      expect(await inter.allgatherv(mineOf(rank), known)).toBe(known);
      expect(known.data).toEqual(whole);
      const unknown = await inter.allgatherv(mineOf(rank));
      expect([unknown.data, [...unknown.counts]]).toEqual([whole, counts]);

      // From a to b go (a + 2b) % 4 elements that say so.
      const amount = (from: number, to: number) => (from + 2 * to) % 4;
      const sent = theirs.map((to) => amount(rank, to));
      const out = {
        data: Int32Array.from(theirs.flatMap((to, k) => new Array<number>(sent[k]!).fill(10 * rank + to))),
        counts: sent,
      };
      const expected = theirs.flatMap((from) => new Array<number>(amount(from, rank)).fill(10 * from + rank));
      const taken = await inter.alltoallv(out);
      expect([...taken.data]).toEqual(expected);
      const into = { data: new Int32Array(expected.length), counts: theirs.map((from) => amount(from, rank)) };
      expect(await inter.alltoallv(out, into)).toBe(into);
      expect([...into.data]).toEqual(expected);
      expect(await inter.bcast(isRoot ? 4.5 : 1.5, role)).toBe(role === PROC_NULL ? 1.5 : 4.5);
      expect(await inter.bcast(isRoot ? 4n : 1n, role)).toBe(role === PROC_NULL ? 1n : 4n);
    });
  });

  test('reductions that scatter, across', async () => {
    const sides = await createSides(size, first);
    await each(sides, async (inter, side) => {
      const { rank } = side.world;
      const theirs = range(inter.remoteSize).map((other) => worldOf(side, other));
      // Both groups' data is as long: a multiple of both sizes.
      const length = 2 * first * (size - first);
      const data = (of: number) => Float64Array.from({ length }, (_, i) => 1000 * of + i);
      const share = length / inter.size;
      const at = inter.rank * share;
      const sumAt = (i: number) => total(theirs.map((other) => 1000 * other + i));
      const block = Float64Array.from({ length: share }, (_, i) => sumAt(at + i));
      expect(await inter.reduceScatterBlock(data(rank), SUM)).toEqual(block);
      const into = new Float64Array(share);
      expect(await inter.reduceScatterBlock(data(rank), into, SUM)).toBe(into);
      expect(into).toEqual(block);
      // The first rank gets all but one element each of the others.
      const counts = range(inter.size).map((r) => (r === 0 ? length - inter.size + 1 : 1));
      const start = inter.rank === 0 ? 0 : length - inter.size + inter.rank;
      const part = await inter.reduceScatter(data(rank), counts, SUM);
      expect(part).toEqual(Float64Array.from({ length: counts[inter.rank]! }, (_, i) => sumAt(start + i)));
      expect(await inter.allreduce({ value: rank % 3, location: rank }, MAXLOC)).toEqual(
        theirs.map((other) => ({ value: other % 3, location: other })).reduce((a, b) => (b.value > a.value ? b : a)),
      );
    });
  });

  test('collectives of values across', async () => {
    const sides = await createSides(size, first);
    const sampleOf = (rank: number) => ({ rank, set: new Set([rank]), field: new Float64Array(300 * (rank % 3)).fill(rank) });
    await each(sides, async (inter, side) => {
      const { rank } = side.world;
      const theirs = range(inter.remoteSize).map((other) => worldOf(side, other));
      const role = roleOf(side);
      const isRoot = role === ROOT;
      const rootRank = Math.min(1, first - 1);
      const own = sampleOf(rank);
      const broadcast = await inter.bcastObject(own, role);
      if (side.isFirst) expect(broadcast).toBe(own);
      else expect(broadcast).toEqual(sampleOf(rootRank));
      expect(await inter.gatherObject(own, role)).toEqual(isRoot ? theirs.map(sampleOf) : undefined);
      expect(await inter.scatterObject(isRoot ? theirs.map(sampleOf) : undefined, role)).toEqual(side.isFirst ? undefined : own);
      expect(await inter.allgatherObject(own)).toEqual(theirs.map(sampleOf));
      expect(await inter.alltoallObject(theirs.map((to) => `${rank} to ${to}`))).toEqual(
        theirs.map((from) => `${from} to ${rank}`),
      );
      const join = (a: string, b: string) => a + b;
      expect(await inter.reduceObject(String(rank), join, role)).toBe(isRoot ? theirs.join('') : undefined);
      expect(await inter.allreduceObject(String(rank), join)).toBe(theirs.join(''));
      const thrower = (): never => {
        throw new Error('never');
      };
      const failing = inter.allreduceObject(1, thrower);
      if (theirs.length === 1) expect(await failing).toBe(1);
      else await expect(failing).rejects.toThrow(`allreduceObject: the function threw on rank ${inter.rank}: never`);
      // The communicator goes on.
      expect(await inter.allreduce(rank, MIN)).toBe(Math.min(...theirs));
    });
  });

  test('persistent forms across, started again with other values', async () => {
    const sides = await createSides(size, first);
    await each(sides, async (inter, side) => {
      const { rank } = side.world;
      const theirs = range(inter.remoteSize).map((other) => worldOf(side, other));
      const role = roleOf(side);
      const isRoot = role === ROOT;
      const rootRank = Math.min(1, first - 1);
      const one = new Int32Array(1);
      const many = new Int32Array(inter.remoteSize);
      const back = new Int32Array(inter.remoteSize);
      const out = new Int32Array(1);
      const ones = { data: new Int32Array(inter.remoteSize), counts: theirs.map(() => 1) };
      const long = new Int32Array(first * (size - first));
      const share = new Int32Array(long.length / inter.size);
      const shares = range(inter.size).map(() => share.length);
      const barrier = inter.barrierInit();
      const broadcast = inter.bcastInit(one, role);
      const gather = inter.gatherInit(one, isRoot ? back : undefined, role);
      const gatherv = inter.gathervInit(one, isRoot ? ones : undefined, role);
      const scatter = inter.scatterInit(isRoot ? many : undefined, out, role);
      const scatterv = inter.scattervInit(isRoot ? { data: many, counts: ones.counts } : undefined, out, role);
      const allgather = inter.allgatherInit(one, back);
      const allgatherv = inter.allgathervInit(one, ones);
      const alltoall = inter.alltoallInit(many, back);
      const alltoallv = inter.alltoallvInit({ data: many, counts: ones.counts }, ones);
      const reduce = inter.reduceInit(one, isRoot ? out : undefined, SUM, role);
      const allreduce = inter.allreduceInit(one, out, SUM);
      const block = inter.reduceScatterBlockInit(long, share, SUM);
      const scattered = inter.reduceScatterInit(long, share, shares, SUM);
      for (let round = 1; round <= 3; round++) {
        const set = () => {
          one[0] = 10 * round + rank;
          many.fill(10 * round + rank);
          long.fill(10 * round + rank);
        };
        const all = theirs.map((other) => 10 * round + other);
        set();
        await barrier.start();
        await broadcast.start();
        expect(one[0]).toBe(side.isFirst ? 10 * round + rank : 10 * round + rootRank);
        set();
        await gather.start();
        if (isRoot) expect([...back]).toEqual(all);
        await gatherv.start();
        if (isRoot) expect([...ones.data]).toEqual(all);
        for (const operation of [scatter, scatterv]) {
          out[0] = -1;
          await operation.start();
          expect(out[0]).toBe(side.isFirst ? -1 : 10 * round + rootRank);
        }
        for (const operation of [allgather, alltoall]) expect([...(await operation.start())]).toEqual(all);
        for (const operation of [allgatherv, alltoallv]) expect([...(await operation.start()).data]).toEqual(all);
        await reduce.start();
        if (isRoot) expect(out[0]).toBe(total(all));
        expect((await allreduce.start())[0]).toBe(total(all));
        for (const operation of [block, scattered]) {
          expect([...(await operation.start())]).toEqual(
            shares.slice(0, 1).flatMap((n) => new Array<number>(n).fill(total(all))),
          );
        }
      }
    });
  });

  test('layouts across: packed for collectives, streamed by alltoallw', async () => {
    const sides = await createSides(size, first);
    await each(sides, async (inter, side) => {
      const { rank } = side.world;
      const theirs = range(inter.remoteSize).map((other) => worldOf(side, other));
      const role = roleOf(side);
      const isRoot = role === ROOT;
      // Every second element.
      const column = vector(3, 1, 2, f64);
      const own = Float64Array.from({ length: 6 }, (_, i) => 10 * rank + i);
      const packed = (of: number) => [0, 2, 4].map((i) => 10 * of + i);
      expect([...(await inter.allgather(column.of(own)))]).toEqual(theirs.flatMap(packed));
      const into = new Float64Array(6).fill(-1);
      const got = await inter.bcast(column.of(isRoot ? own : into), role);
      expect(got).toBeDefined();
      const rootRank = Math.min(1, first - 1);
      const expected = side.isFirst ? new Array<number>(6).fill(-1) : packed(rootRank).flatMap((value) => [value, -1]);
      expect([...into]).toEqual(expected);
      const all = theirs.map(() => new Float64Array(6).fill(-1));
      await inter.alltoallw(
        theirs.map(() => column.of(own)),
        all.map((array) => column.of(array)),
      );
      expect(all.map((array) => [...array])).toEqual(theirs.map((other) => packed(other).flatMap((value) => [value, -1])));
    });
  });

  test('dup: the same two groups, messages apart, attributes handed on', async () => {
    const sides = await createSides(size, first);
    const key = createKeyval<string>({ copy: (value) => `copy of ${value}` });
    await each(sides, async (inter, side) => {
      inter.setAttribute(key, 'it');
      const dup = await inter.dup({ info: { mpi_assert_no_any_tag: 'true' } });
      expect([dup.attribute(key), dup.info]).toEqual(['copy of it', { mpi_assert_no_any_tag: 'true' }]);
      expect([dup.isInter, dup.rank, dup.size, dup.remoteSize]).toEqual([true, inter.rank, inter.size, inter.remoteSize]);
      expect([inter.compare(inter), inter.compare(dup), inter.compare(side.world), side.world.compare(inter)]).toEqual([
        'ident',
        'congruent',
        'unequal',
        'unequal',
      ]);
      const [peer] = [inter.rank % inter.remoteSize];
      const isPaired = inter.rank < inter.remoteSize;
      const sends = isPaired ? [inter.send(1, peer!, 3), dup.send(2, peer!, 3)] : [];
      if (isPaired) {
        const into = new Float64Array(1);
        await dup.recv(into, peer, 3);
        expect(into[0]).toBe(2);
        await inter.recv(into, peer, 3);
        expect(into[0]).toBe(1);
      }
      await Promise.all(sends);
      expect(await dup.allreduce(1, SUM)).toBe(inter.remoteSize);
      await dup.free();
      await dup.free();
      expect(() => dup.barrier()).toThrow('was freed or disposed');
      expect(await inter.allreduce(1, SUM)).toBe(inter.remoteSize);
    });
  });

  test('split: those of one color on both sides, ordered by key; none where a side is empty', async () => {
    const sides = await createSides(size, first);
    // Even world ranks of both groups, in reverse; odd ones of the first group alone.
    const parts = await each(sides, (inter, { world, isFirst }) =>
      inter.split(world.rank % 2 === 0 ? 4 : isFirst ? 5 : undefined, -world.rank),
    );
    const even = (isFirst: boolean) =>
      sides
        .filter((side) => side.isFirst === isFirst && side.world.rank % 2 === 0)
        .map(({ world }) => world.rank)
        .reverse();
    for (const [k, { world, isFirst }] of sides.entries()) {
      const part = parts[k];
      const hasPart = world.rank % 2 === 0 && even(true).length > 0 && even(false).length > 0;
      if (!hasPart) {
        expect(part).toBeUndefined();
        continue;
      }
      expect(part!.group.ranks).toEqual(even(isFirst));
      expect(part!.remoteGroup.ranks).toEqual(even(!isFirst));
      expect(part!.rank).toBe(even(isFirst).indexOf(world.rank));
    }
    const members = parts.filter((part) => part !== undefined);
    const sums = await Promise.all(members.map(async (part) => part.allreduce(part.group.ranks[part.rank]!, SUM)));
    expect(sums).toEqual(members.map((part) => total(part.remoteGroup.ranks)));
    expect(members.map((part) => part.compare(sides[0]!.inter))).toEqual(
      members.map((part) => (part.size + part.remoteSize < size ? 'unequal' : 'congruent')),
    );
  });

  test('create: a part of each group; none for others, and where the other side names nobody', async () => {
    const sides = await createSides(size, first);
    const made = await each(sides, (inter) => inter.create(inter.group.include([inter.size - 1])));
    for (const [k, { world, isFirst }] of sides.entries()) {
      const last = isFirst ? first - 1 : size - 1;
      expect(made[k]?.group.ranks).toEqual(world.rank === last ? [last] : undefined);
      expect(made[k]?.remoteGroup.ranks).toEqual(world.rank === last ? [isFirst ? size - 1 : first - 1] : undefined);
    }
    const pair = made.filter((inter) => inter !== undefined);
    expect(await Promise.all(pair.map(async (inter) => inter.allgather(Int32Array.of(inter.group.ranks[0]!))))).toEqual([
      Int32Array.of(size - 1),
      Int32Array.of(first - 1),
    ]);
    const none = await each(sides, (inter, { isFirst }) => inter.create(isFirst ? inter.group : inter.group.include([])));
    expect(none).toEqual(sides.map(() => undefined));
    expect(() => sides[0]!.inter.create(sides[0]!.inter.remoteGroup)).toThrow('which is not in');
  });

  test('merge: one group behind the other, and a collective there', async () => {
    const sides = await createSides(size, first);
    for (const highFirst of [false, true]) {
      const merged = await each(sides, (inter, { isFirst }) => inter.merge(isFirst === highFirst));
      const order = highFirst ? [...range(size).slice(first), ...range(first)] : range(size);
      for (const [rank, comm] of merged.entries()) {
        expect(comm.group.ranks).toEqual(order);
        expect(comm.rank).toBe(order.indexOf(rank));
      }
      expect(await Promise.all(merged.map(async (comm) => comm.allreduce(comm.rank, SUM)))).toEqual(
        merged.map(() => (size * (size - 1)) / 2),
      );
      await Promise.all(merged.map(async (comm) => comm.free()));
    }
    // Both the same: the group with the lower world rank comes first.
    const merged = await each(sides, (inter) => inter.merge(true));
    expect(merged[0]!.group.ranks).toEqual(range(size));
    await each(sides, (inter) => inter.free());
    expect(() => sides[0]!.inter.barrier()).toThrow('was freed or disposed');
  });
});

test('what is wrong is said', async () => {
  const [side, other] = await createSides(3, 2);
  expect(() => side!.inter.bcast(new Float64Array(1), 1)).toThrow(
    'expected ROOT, PROC_NULL or a rank of the other group, 0 to 0',
  );
  expect(() => other!.inter.alltoall(new Float64Array(0) as never, 'x' as never)).toThrow();
  expect(() => side!.inter.allgather(IN_PLACE as never)).toThrow(
    'allgather got IN_PLACE, which means nothing between two groups: expected buffers of their own',
  );
  expect(() => side!.inter.allreduceInit(IN_PLACE as never, new Float64Array(1) as never, SUM as never)).toThrow(
    'allreduceInit got IN_PLACE',
  );
  expect(() => side!.inter.reduceScatter(new Float64Array(2), [2], SUM)).toThrow(
    'counts has 1 entries: expected 2, one for each rank of this group',
  );
  expect(() => side!.inter.reduceScatter(new Float64Array(2), [2, 1], SUM)).toThrow(
    'counts add up to 3, the data has 2 elements',
  );
  expect(() => side!.inter.reduceScatterBlock(new Float64Array(3), SUM)).toThrow('3 elements cannot be divided among 2 ranks');
  expect(() => side!.inter.reduce(1 as never, undefined, SUM, ROOT)).toThrow('reduce got undefined: expected a typed array');
  expect(() => side!.inter.gatherv(undefined, { data: new Float64Array(1), counts: [1, 2] }, ROOT)).toThrow(
    'counts has 2 entries: expected 1',
  );
  expect(() => side!.inter.alltoallObject([1, 2])).toThrow('alltoallObject got 2 values: expected an array of 1');
  expect(() => side!.inter.split(-1)).toThrow('split got -1 for its color');
  expect(() => side!.inter.merge('high' as never)).toThrow('merge got high for high: expected true or false');
  expect(() => side!.world.intercommCreate(0, undefined, 0)).toThrow('the local leader has no peer communicator');
});

test('reduceScatter: counts that add up differently on the two sides are said on both', async () => {
  const sides = await createSides(2, 1);
  const outcomes = await Promise.allSettled(
    sides.map(async ({ inter, isFirst }) => {
      const length = isFirst ? 2 : 3;
      return inter.reduceScatter(new Float64Array(length), [length], SUM);
    }),
  );
  expect(outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason.message)).toEqual([
    'reduceScatter: counts of the other group add up to 3, those of this one to 2: expected the same',
    'reduceScatter: counts of the other group add up to 2, those of this one to 3: expected the same',
  ]);
});

test('three hundred duplicates after one another: ids are used again', async () => {
  const sides = await createSides(3, 1);
  for (let k = 0; k < 300; k++) {
    const dups = await each(sides, (inter) => inter.dup());
    expect(await Promise.all(dups.map(async (dup) => dup.allreduce(k, SUM)))).toEqual([2 * k, k, k]);
    await Promise.all(dups.map(async (dup) => dup.free()));
  }
});
