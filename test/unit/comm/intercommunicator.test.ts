/** Two groups that talk across, ranks in one thread. */

import { describe, expect, test } from 'vitest';
import { createOp, type Intercommunicator, PROC_NULL, ROOT, SUM } from '../../../src/index.ts';
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
  const [side, other] = await createSides(2, 1);
  expect(() => side!.inter.bcast(new Float64Array(1), 1)).toThrow(
    'expected ROOT, PROC_NULL or a rank of the other group, 0 to 0',
  );
  expect(() => other!.inter.alltoall(new Float64Array(0) as never, 'x' as never)).toThrow();
  expect(() => side!.world.intercommCreate(0, undefined, 0)).toThrow('the local leader has no peer communicator');
});
