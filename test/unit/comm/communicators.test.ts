/** Communicators: construction, groups, ids and areas used again, and collectives as programs call them. */

import { expect, test } from 'vitest';
import type { Communicator } from '../../../src/comm/communicator.ts';
import type { RankRange } from '../../../src/comm/group.ts';
import { IN_PLACE } from '../../../src/comm/in-place.ts';
import { createOp, MAX, MAXLOC, MINLOC, SUM } from '../../../src/datatype/operator.ts';
import { PROC_NULL } from '../../../src/p2p/matching-queue.ts';
import { createWorlds } from '../ranks.ts';

const each = <T>(worlds: readonly Communicator[], call: (world: Communicator) => PromiseLike<T>): Promise<T[]> =>
  Promise.all(worlds.map(call));

test('split by colour and key, with ranks that become no member', async () => {
  const worlds = createWorlds(5);
  const parts = await each(worlds, (world) => world.split(world.rank === 4 ? undefined : world.rank % 2, -world.rank));
  expect(parts.map((part) => part && [part.rank, part.size, [...part.group.ranks]])).toEqual([
    [1, 2, [2, 0]],
    [1, 2, [3, 1]],
    [0, 2, [2, 0]],
    [0, 2, [3, 1]],
    undefined,
  ]);
  const members = parts.filter((part) => part !== undefined);
  expect(await each(members, (part) => part.allreduce(part.group.ranks[part.rank]!, SUM))).toEqual([2, 4, 2, 4]);
});

test('dup keeps messages apart; create and splitShared', async () => {
  const worlds = createWorlds(3);
  const dups = await each(worlds, (world) => world.dup());
  await worlds[0]!.send(Int32Array.of(1), 1, 7);
  await dups[0]!.send(Int32Array.of(2), 1, 7);
  const into = new Int32Array(1);
  await dups[1]!.recv(into, 0, 7);
  expect(into[0]).toBe(2);
  await worlds[1]!.recv(into, 0, 7);
  expect(into[0]).toBe(1);
  const shared = await each(worlds, (world) => world.splitShared());
  expect(shared.map(({ rank, size }) => [rank, size])).toEqual([
    [0, 3],
    [1, 3],
    [2, 3],
  ]);
  const created = await each(worlds, (world) => world.create(world.group.include([2, 0])));
  expect(created.map((part) => part && [part.rank, part.size])).toEqual([[1, 2], undefined, [0, 2]]);
});

test('createGroup: made by its members alone, out of step with the rest, tags keep two apart', async () => {
  const worlds = createWorlds(5);
  const { group } = worlds[0]!;
  const make = (ranks: number[], tag?: number) =>
    Promise.all(ranks.map(async (rank) => worlds[rank]!.createGroup(worlds[rank]!.group.include(ranks), tag)));
  // Rank 4 takes no part and does other things; rank 2 is in both, and calls them in another order than the others.
  const other = worlds[4]!.allreduce(1, SUM);
  const odd = group.include([3, 2, 0]);
  const second = worlds[2]!.createGroup(group.include([1, 2]), 9);
  const [first, third] = await Promise.all([
    Promise.all([3, 2, 0].map(async (rank) => worlds[rank]!.createGroup(odd, 7))),
    Promise.all([worlds[1]!.createGroup(group.include([1, 2]), 9), second]),
  ]);
  expect(first.map((made) => [made.rank, [...made.group.ranks]])).toEqual([0, 1, 2].map((rank) => [rank, [3, 2, 0]]));
  expect(third.map((made) => [made.rank, [...made.group.ranks]])).toEqual([0, 1].map((rank) => [rank, [1, 2]]));
  expect(await each(first, (made) => made.allreduce(made.rank, SUM))).toEqual([3, 3, 3]);
  expect(await each(third, (made) => made.allreduce(made.rank, SUM))).toEqual([1, 1]);
  expect(await each(worlds.slice(0, 4), (world) => world.allreduce(1, SUM))).toEqual([5, 5, 5, 5]);
  expect(await other).toBe(5);
  // Ids and areas are given back.
  for (let k = 0; k < 300; k++) {
    const made = await make([4, 1]);
    expect(await each(made, (comm) => comm.allreduce(k, SUM))).toEqual([2 * k, 2 * k]);
    await each(made, (comm) => comm.free());
  }
  const [alone] = await make([2]);
  expect(alone!.size).toBe(1);
  expect(() => worlds[1]!.createGroup(group.include([0]))).toThrow('createGroup got a group without this rank');
  expect(() => alone!.createGroup(worlds[2]!.group)).toThrow('createGroup got a group with world rank 0, which is not in');
  expect(() => worlds[1]!.createGroup(worlds[1]!.group, -1)).toThrow('tag -1 is no tag');
});

test('two constructions in flight on different communicators get different ids', async () => {
  const worlds = createWorlds(2);
  const dups = await each(worlds, (world) => world.dup());
  const made = await Promise.all(worlds.flatMap((world, rank) => [world.dup(), dups[rank]!.dup()]));
  await made[0]!.send(Int32Array.of(1), 1);
  expect(made[3]!.tryProbe()).toBeUndefined();
  expect((await made[2]!.recv(new Int32Array(1), 0)).count).toBe(1);
});

test('three hundred communicators after one another, and more at once than there are areas', async () => {
  const worlds = createWorlds(2);
  for (let k = 0; k < 300; k++) {
    const dups = await each(worlds, (world) => world.dup());
    expect(await each(dups, (dup) => dup.allreduce(k, SUM))).toEqual([2 * k, 2 * k]);
    await each(dups, (dup) => dup.free());
  }
  const many: Communicator[][] = [];
  for (let k = 0; k < 10; k++) many.push(await each(worlds, (world) => world.dup()));
  for (const [k, dups] of many.entries()) expect(await each(dups, (dup) => dup.allreduce(k, MAX))).toEqual([k, k]);
});

test('messages to a communicator that the receiver has not made yet are kept', async () => {
  const worlds = createWorlds(3);
  // Ranks 0 and 1 have their handle as soon as the exchange is over for them; rank 2 polls late.
  const first = await Promise.all([worlds[0]!.dup(), worlds[1]!.dup(), worlds[2]!.dup()]);
  const sends = Array.from({ length: 20 }, (_, k) => first[0]!.send(new Int32Array(100).fill(k), 2));
  const into = new Int32Array(100);
  for (let k = 0; k < 20; k++) {
    await first[2]!.recv(into, 0);
    expect(into[99]).toBe(k);
  }
  await Promise.all(sends);
});

test('group algebra', () => {
  const [world] = createWorlds(4);
  const { group } = world!;
  const odd = group.include([3, 1]);
  expect([...group.exclude([0]).ranks]).toEqual([1, 2, 3]);
  expect([...odd.union(group).ranks]).toEqual([3, 1, 0, 2]);
  expect([...group.intersection(odd).ranks]).toEqual([1, 3]);
  expect([...group.difference(odd).ranks]).toEqual([0, 2]);
  expect(odd.translate([0, 1], group)).toEqual([3, 1]);
  expect(group.translate([0], odd)).toEqual([undefined]);
  expect([group.rank, odd.rank]).toEqual([0, undefined]);
  expect(() => group.include([4])).toThrow(/^rank 4 is not in the group: expected an integer from 0 to 3$/);
  expect(() => group.include([1, 1])).toThrow(/name a member twice/);
});

test('groups by ranges', () => {
  const { group } = createWorlds(10)[3]!;
  const ranksOf = (...ranges: RankRange[]) => [...group.includeRanges(ranges).ranks];
  expect(ranksOf([1, 9, 3], [0, 2, 2])).toEqual([1, 4, 7, 0, 2]);
  expect(ranksOf([6, 2, -2])).toEqual([6, 4, 2]);
  expect(ranksOf([6, 1, -2])).toEqual([6, 4, 2]);
  expect(ranksOf([2, 4])).toEqual([2, 3, 4]);
  expect(ranksOf([4, 2])).toEqual([]);
  expect(ranksOf([5, 5, 7])).toEqual([5]);
  expect([...group.excludeRanges([[1, 9, 2]]).ranks]).toEqual([0, 2, 4, 6, 8]);
  expect(group.excludeRanges([[0, 9]]).size).toBe(0);
  expect(() => ranksOf([0, 10])).toThrow('rank 10 is not in the group: expected an integer from 0 to 9');
  expect(() => ranksOf([0, 2 ** 40])).toThrow(`rank ${2 ** 40} is not in the group`);
  expect(() => ranksOf([0, 3], [3, 5])).toThrow('name a member twice');
  expect(() => ranksOf([0, 3, 0])).toThrow('range [0, 3, 0]: expected integers [first, last, stride], the stride not 0');
  expect(() => ranksOf([0, 1.5])).toThrow('range [0, 1.5, 1]: expected integers');
  expect(group.translate([PROC_NULL, 4], group.include([4]))).toEqual([PROC_NULL, 0]);
});

test('collectives as programs call them', async () => {
  const worlds = createWorlds(3);
  expect(await each(worlds, (world) => world.allreduce(3n + BigInt(world.rank), SUM))).toEqual([12n, 12n, 12n]);
  expect(await each(worlds, (world) => world.reduce(world.rank, MAX, 1))).toEqual([undefined, 2, undefined]);
  expect(await each(worlds, (world) => world.reduce(world.rank, MAX, { root: 2 }))).toEqual([undefined, undefined, 2]);
  expect(await each(worlds, (world) => world.allreduce({ value: world.rank % 2, location: world.rank }, MAXLOC))).toEqual(
    worlds.map(() => ({ value: 1, location: 1 })),
  );
  expect(await each(worlds, (world) => world.allreduce(Float64Array.of(world.rank % 2, world.rank), MINLOC))).toEqual(
    worlds.map(() => Float64Array.of(0, 0)),
  );
  const data = worlds.map(({ rank }) => Float64Array.of(rank, 10 * rank));
  const same = await each(worlds, (world) => world.allreduce(IN_PLACE, data[world.rank]!, SUM));
  expect(same.every((array, rank) => array === data[rank])).toBe(true);
  expect([...data[2]!]).toEqual([3, 30]);
  expect(await each(worlds, (world) => world.gather(world.rank))).toEqual([Float64Array.of(0, 1, 2), undefined, undefined]);
  expect(await each(worlds, (world) => world.gatherv(new Int32Array(world.rank).fill(world.rank), undefined, 1))).toEqual([
    undefined,
    { data: Int32Array.of(1, 2, 2), counts: Int32Array.of(0, 1, 2), displs: Int32Array.of(0, 0, 1) },
    undefined,
  ]);
  const parts = await each(worlds, (world) =>
    world.scatter(world.rank === 0 ? Float64Array.of(5, 6, 7) : undefined, new Float64Array(1)),
  );
  expect(parts.map(([x]) => x)).toEqual([5, 6, 7]);
  expect(await each(worlds, (world) => world.allgather(Int32Array.of(world.rank)))).toEqual(
    worlds.map(() => Int32Array.of(0, 1, 2)),
  );
  expect(await each(worlds, (world) => world.alltoall(Int32Array.of(0, 1, 2).map((to) => 10 * world.rank + to)))).toEqual([
    Int32Array.of(0, 10, 20),
    Int32Array.of(1, 11, 21),
    Int32Array.of(2, 12, 22),
  ]);
  expect(await each(worlds, (world) => world.bcast(world.rank === 2 ? 4.5 : 0, 2))).toEqual([4.5, 4.5, 4.5]);
  const first = createOp((input: Float64Array, inout: Float64Array) => inout.set(input), { commutative: false });
  expect(await each(worlds, (world) => world.allreduce(world.rank + 1, first))).toEqual([1, 1, 1]);
});

test('several collectives in flight complete in any order of waiting', async () => {
  const worlds = createWorlds(4);
  const all = worlds.map(
    (world) =>
      [
        world.allreduce(world.rank, SUM),
        world.barrier(),
        world.allreduce(new Float64Array(5000).fill(1), SUM),
        world.bcast(Float64Array.of(world.rank), 3),
      ] as const,
  );
  for (const [sum, barrier, long, broadcast] of all.reverse()) {
    expect((await broadcast)[0]).toBe(3);
    expect((await long)[4999]).toBe(4);
    await barrier;
    expect(await sum).toBe(6);
  }
});
