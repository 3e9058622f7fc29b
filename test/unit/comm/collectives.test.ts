/** Collectives as programs call them: `into` or not, in place, parts, errors by their words; ranks in one thread. */

import { describe, expect, test } from 'vitest';
import { type Communicator, IN_PLACE, MAXLOC, SUM } from '../../../src/index.ts';
import { createWorlds } from '../ranks.ts';

const SIZES = [1, 2, 3, 4, 7];

function each<T>(worlds: readonly Communicator[], call: (world: Communicator) => PromiseLike<T> | T): Promise<T[]> {
  return Promise.all(worlds.map(async (world) => call(world)));
}

/** Sum of f over the ranks below n. */
function below(n: number, f: (rank: number) => number): number {
  let sum = 0;
  for (let rank = 0; rank < n; rank++) sum += f(rank);
  return sum;
}

describe.each(SIZES)('%i ranks', (size) => {
  const ranks = Array.from({ length: size }, (_, rank) => rank);

  test('scan and exscan', async () => {
    const worlds = createWorlds(size);
    expect(await each(worlds, (world) => world.scan(world.rank + 1, SUM))).toEqual(
      ranks.map((rank) => below(rank + 1, (r) => r + 1)),
    );
    expect(await each(worlds, (world) => world.exscan(BigInt(world.rank + 1), SUM))).toEqual(
      ranks.map((rank) => (rank === 0 ? undefined : BigInt(below(rank, (r) => r + 1)))),
    );
    const into = ranks.map(() => Int32Array.of(-5, -6));
    await each(worlds, (world) => world.exscan(Int32Array.of(world.rank, 2 * world.rank), into[world.rank]!, SUM));
    expect(into).toEqual(
      ranks.map((rank) =>
        rank === 0
          ? Int32Array.of(-5, -6)
          : Int32Array.of(
              below(rank, (r) => r),
              2 * below(rank, (r) => r),
            ),
      ),
    );
    const both = ranks.map((rank) => Float64Array.of(rank, 1));
    await each(worlds, (world) => world.scan(IN_PLACE, both[world.rank]!, SUM));
    expect(both).toEqual(
      ranks.map((rank) =>
        Float64Array.of(
          below(rank + 1, (r) => r),
          rank + 1,
        ),
      ),
    );
    expect(await each(worlds, (world) => world.scan({ value: world.rank % 3, location: world.rank }, MAXLOC))).toEqual(
      ranks.map((rank) => (rank >= 2 ? { value: 2, location: 2 } : { value: rank, location: rank })),
    );
  });

  test('reduceScatterBlock and reduceScatter', async () => {
    const worlds = createWorlds(size);
    const whole = (rank: number) => Float64Array.from({ length: 2 * size }, (_, i) => rank * 100 + i);
    const block = (rank: number) =>
      Float64Array.of(
        below(size, (r) => r * 100 + 2 * rank),
        below(size, (r) => r * 100 + 2 * rank + 1),
      );
    expect(await each(worlds, (world) => world.reduceScatterBlock(whole(world.rank), SUM))).toEqual(ranks.map(block));
    const both = ranks.map(whole);
    const results = await each(worlds, (world) => world.reduceScatterBlock(IN_PLACE, both[world.rank]!, SUM));
    for (const rank of ranks) {
      expect(results[rank]).toBe(both[rank]);
      expect(both[rank]!.subarray(0, 2)).toEqual(block(rank));
    }
    const counts = ranks.map((rank) => rank % 3);
    const starts = ranks.map((rank) => below(rank, (r) => r % 3));
    const total = below(size, (r) => r % 3);
    const data = (rank: number) => Int32Array.from({ length: total }, (_, i) => rank + i * i);
    const expected = ranks.map((rank) =>
      Int32Array.from({ length: counts[rank]! }, (_, i) => below(size, (r) => r + (starts[rank]! + i) ** 2)),
    );
    expect(await each(worlds, (world) => world.reduceScatter(data(world.rank), counts, SUM))).toEqual(expected);
    const into = ranks.map((rank) => new Int32Array(counts[rank]!));
    await each(worlds, (world) => world.reduceScatter(data(world.rank), into[world.rank]!, counts, SUM));
    expect(into).toEqual(expected);
  });

  test('allgatherv, scatterv, alltoallv; counts known or not', async () => {
    const worlds = createWorlds(size);
    const mine = (rank: number) => new Float64Array(rank % 3).fill(rank);
    const counts = Int32Array.from(ranks, (rank) => rank % 3);
    const displs = Int32Array.from(ranks, (rank) => below(rank, (r) => r % 3));
    const all = Float64Array.from(ranks.flatMap((rank) => [...mine(rank)]));
    expect(await each(worlds, (world) => world.allgatherv(mine(world.rank)))).toEqual(
      ranks.map(() => ({ data: all, counts, displs })),
    );
    const parts = ranks.map(() => ({ data: new Float64Array(all.length), counts }));
    expect(await each(worlds, (world) => world.allgatherv(mine(world.rank), parts[world.rank]!))).toEqual(parts);
    for (const { data } of parts) expect(data).toEqual(all);

    // Only the root says where the parts go; whatever comes next must find all ranks at one place.
    const gathered = ranks.map((rank) => (rank === 1 % size ? { data: new Float64Array(all.length), counts } : undefined));
    await each(worlds, (world) => world.gatherv(mine(world.rank), gathered[world.rank], 1 % size));
    expect(gathered[1 % size]!.data).toEqual(all);
    await each(worlds, async (world) => {
      const parts = world.rank === 0 ? { data: new Float64Array(all.length), counts, displs } : undefined;
      const again = world.gathervInit(mine(world.rank), parts, 0);
      for (let round = 0; round < 2; round++) expect((await again.start())?.data).toEqual(world.rank === 0 ? all : undefined);
    });
    expect(await each(worlds, (world) => world.allgather(world.rank))).toEqual(ranks.map(() => Float64Array.from(ranks)));

    const root = size - 1;
    const outputs = ranks.map(mine).map((array) => array.fill(-1));
    await each(worlds, (world) =>
      world.scatterv(world.rank === root ? { data: all, counts, displs } : undefined, outputs[world.rank]!, root),
    );
    expect(outputs).toEqual(ranks.map(mine));

    const amount = (from: number, to: number) => (from + 2 * to) % 4;
    const outgoing = (rank: number) => {
      const sent = ranks.map((to) => amount(rank, to));
      return { data: Int32Array.from(ranks.flatMap((to) => new Array<number>(sent[to]!).fill(10 * rank + to))), counts: sent };
    };
    const taken = await each(worlds, (world) => world.alltoallv(outgoing(world.rank)));
    for (const rank of ranks) {
      expect([...taken[rank]!.counts]).toEqual(ranks.map((from) => amount(from, rank)));
      expect([...taken[rank]!.data]).toEqual(
        ranks.flatMap((from) => new Array<number>(amount(from, rank)).fill(10 * from + rank)),
      );
    }
    const into = ranks.map((rank) => ({ data: new Int32Array(taken[rank]!.data.length), counts: taken[rank]!.counts }));
    await each(worlds, (world) => world.alltoallv(outgoing(world.rank), into[world.rank]!));
    for (const rank of ranks) expect(into[rank]!.data).toEqual(taken[rank]!.data);
  });

  test('gatherv: parts on the root alone, on all, or on none; what follows is in step', async () => {
    const worlds = createWorlds(size);
    for (const length of [1, 3000]) {
      const mine = (rank: number) => new Float64Array((rank + 1) * length).fill(rank);
      const counts = ranks.map((rank) => (rank + 1) * length);
      const whole = Float64Array.from(ranks.flatMap((rank) => [...mine(rank)]));
      for (const root of new Set([0, size - 1])) {
        const parts = ranks.map(() => ({ data: new Float64Array(whole.length), counts }));
        const own = ({ rank }: Communicator) => parts[rank]!;
        const expected = (result: unknown) => ranks.map((rank) => (rank === root ? result : undefined));
        expect(await each(worlds, (of) => of.gatherv(mine(of.rank), of.rank === root ? own(of) : undefined, root))).toEqual(
          expected(parts[root]),
        );
        expect(parts[root]!.data).toEqual(whole);
        parts[root]!.data.fill(0);
        expect((await each(worlds, (of) => of.gatherv(mine(of.rank), own(of), root)))[root]).toBe(parts[root]);
        expect(parts[root]!.data).toEqual(whole);
        const found = await each(worlds, (of) => of.gatherv(mine(of.rank), { root }));
        expect(found.map((result) => result?.data)).toEqual(expected(whole));
        expect(found[root]!.counts).toEqual(Int32Array.from(counts));
        const again = worlds.map((of) => of.gathervInit(mine(of.rank), of.rank === root ? own(of) : undefined, root));
        for (let round = 0; round < 2; round++) {
          parts[root]!.data.fill(-1);
          await Promise.all(again.map(async (operation) => operation.start()));
          expect(parts[root]!.data).toEqual(whole);
        }
        expect(await each(worlds, (of) => of.allreduce(1, SUM))).toEqual(ranks.map(() => size));
      }
    }
  });

  test('persistent forms: set up once, started again with other values', async () => {
    const worlds = createWorlds(size);
    await each(worlds, async (world) => {
      const { rank } = world;
      const data = new Float64Array(size);
      const sum = new Float64Array(size);
      const one = new Float64Array(1);
      const many = new Float64Array(size);
      const calls = [
        world.barrierInit(),
        world.bcastInit(one, size - 1),
        world.allreduceInit(data, sum, SUM),
        world.scanInit(data, many, SUM),
        world.gatherInit(one, rank === 0 ? many : undefined, 0),
        world.alltoallInit(data, many),
        world.reduceScatterInit(data, one, new Array<number>(size).fill(1), SUM),
        world.scatterInit(rank === 0 ? data : undefined, one, 0),
      ] as const;
      for (let round = 1; round <= 3; round++) {
        data.fill(rank + round);
        one[0] = 10 * rank + round;
        await calls[0].start();
        expect((await calls[1].start())[0]).toBe(10 * (size - 1) + round);
        expect((await calls[2].start())[0]).toBe(below(size, (r) => r + round));
        expect((await calls[3].start())[0]).toBe(below(rank + 1, (r) => r + round));
        one[0] = rank;
        const gathered = await calls[4].start();
        expect(gathered && [...gathered]).toEqual(rank === 0 ? ranks : undefined);
        expect([...(await calls[5].start())]).toEqual(ranks.map((r) => r + round));
        expect((await calls[6].start())[0]).toBe(below(size, (r) => r + round));
        expect((await calls[7].start())[0]).toBe(round);
      }
    });
  });
});

test('gatherv: counts of which a rank knows better are said by the root', async () => {
  const worlds = createWorlds(2);
  const parts = { data: new Float64Array(9), counts: [1, 5] };
  const [onRoot, other] = worlds.map((world) => world.gatherv(new Float64Array(world.rank + 1), parts));
  await expect(onRoot).rejects.toMatchObject({
    code: 'ERR_MPI_COUNT',
    message: 'gatherv: rank 1 sends 2 elements, counts[1] says 5: expected the same',
  });
  await other;
});

test('what is wrong is said at the call', () => {
  const [world] = createWorlds(2);
  const wrong = (call: (world: Communicator) => unknown) => expect(() => call(world!));
  wrong((c) => c.reduceScatterBlock(new Float64Array(3), SUM)).toThrow('3 elements cannot be divided among 2 ranks');
  wrong((c) => c.reduceScatter(new Float64Array(3), [1, 1], SUM)).toThrow('counts add up to 2, the data has 3 elements');
  wrong((c) => c.reduceScatter(new Float64Array(3), [3], SUM)).toThrow('counts has 1 entries: expected 2');
  wrong((c) => c.reduceScatter(new Float64Array(2), [1, 1], MAXLOC)).toThrow('MAXLOC works on pairs');
  wrong((c) => c.allgatherv(new Float64Array(3), { data: new Float64Array(5), counts: [2, 3] })).toThrow(
    "this rank's own data has 3 elements, counts[0] says 2",
  );
  wrong((c) => c.scatterv({ data: new Float64Array(5), counts: [4, 1] }, new Float64Array(3))).toThrow('room for 3 elements');
  wrong((c) => c.alltoallv({ data: new Float64Array(5), counts: [4, 2] })).toThrow('part 1 is [4, 6) of an array of 5 elements');
  wrong((c) => c.alltoallv([1, 2] as never)).toThrow('expected an object with data, counts and displs');
  wrong((c) => c.bcastInit(3 as never)).toThrow('bcastInit got a number: expected a typed array');
  wrong((c) => c.scan(new Float64Array(2), new Float64Array(3), SUM)).toThrow('the result has 3 elements, the data 2');
});
