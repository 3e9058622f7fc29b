/** Collectives of layouts give what they give of arrays; their results lie where the layouts say. */

import { describe, expect, test } from 'vitest';
import {
  type Cartesian,
  type Communicator,
  contiguous,
  type Data,
  f64,
  IN_PLACE,
  type Layout,
  MAX,
  pack,
  SUM,
  struct,
  subarray,
  unpack,
  vector,
} from '../../../src/index.ts';
import { createWorlds } from '../ranks.ts';

function each<C, T>(worlds: readonly C[], call: (world: C, rank: number) => PromiseLike<T> | T): Promise<T[]> {
  return Promise.all(worlds.map(async (world, rank) => call(world, rank)));
}

/** So many elements, two apart, from the second on, in an array of their own. */
function spread(count: number, first = 0): Layout<Float64Array> {
  const layout = vector(count, 1, 2).of(new Float64Array(2 * count + 1).fill(-1), 1);
  unpack(
    Float64Array.from({ length: count }, (_, k) => first + k),
    0,
    layout,
  );
  return layout;
}

/** Elements between those of the layout are as they were. */
function isIntact({ array }: Layout<Float64Array>): boolean {
  return array.every((value, k) => k % 2 === 1 || value === -1);
}

type Call = (
  comm: Communicator,
  make: (count: number, first?: number) => Layout<Float64Array> | Float64Array,
) => PromiseLike<unknown>;

const array = (count: number, first = 0): Float64Array => Float64Array.from({ length: count }, (_, k) => first + k);

/** What stands in a result, whatever holds it. */
function plain(result: unknown): unknown {
  if (result === undefined || ArrayBuffer.isView(result)) return result;
  const { data, counts, displs } = result as { data?: Data; counts?: ArrayLike<number>; displs?: ArrayLike<number> };
  if (data === undefined) return pack(result as Layout);
  return { data: plain(data), counts: Array.from(counts!), displs: displs === undefined ? undefined : Array.from(displs) };
}

const calls: Record<string, Call> = {
  bcast: (comm, make) => comm.bcast(make(3, comm.rank * 10), 1 % comm.size),
  reduce: (comm, make) => comm.reduce(make(4, comm.rank), SUM, comm.size - 1),
  'reduce into': (comm, make) => comm.reduce(make(4, comm.rank), make(4, 50), SUM, { root: 0 }),
  allreduce: (comm, make) => comm.allreduce(make(5, comm.rank), MAX),
  'allreduce into': (comm, make) => comm.allreduce(make(5, comm.rank), make(5), SUM),
  'allreduce in place': (comm, make) => comm.allreduce(IN_PLACE, make(2000, comm.rank), SUM),
  'allreduce onto itself': (comm, make) => {
    const both = make(3, comm.rank);
    return comm.allreduce(both, both, SUM);
  },
  scan: (comm, make) => comm.scan(make(3, comm.rank), make(3), SUM),
  exscan: (comm, make) => comm.exscan(make(3, comm.rank), make(3, 70), SUM),
  gather: (comm, make) => comm.gather(make(2, comm.rank), comm.rank === 0 ? make(2 * comm.size) : undefined),
  gatherv: (comm, make) => comm.gatherv(make(comm.rank, 1)),
  'gatherv into': (comm, make) => {
    const counts = Array.from({ length: comm.size }, (_, r) => r);
    const total = counts.reduce((a, b) => a + b, 0);
    return comm.gatherv(make(comm.rank, comm.rank), { data: make(total), counts }, { root: 0 });
  },
  scatter: (comm, make) => comm.scatter(comm.rank === 0 ? make(3 * comm.size) : undefined, make(3)),
  'scatter in place': (comm, make) =>
    comm.rank === 0 ? comm.scatter(make(2 * comm.size), IN_PLACE) : comm.scatter(undefined, make(2)),
  scatterv: (comm, make) => {
    const counts = Array.from({ length: comm.size }, (_, r) => r);
    const parts = { data: make(comm.size ** 2), counts, displs: counts.map((r) => r * 2) };
    return comm.scatterv(comm.rank === 0 ? parts : undefined, make(comm.rank + 1));
  },
  allgather: (comm, make) => comm.allgather(make(2, comm.rank)),
  'allgather in place': (comm, make) => comm.allgather(IN_PLACE, make(2 * comm.size, comm.rank)),
  allgatherv: (comm, make) => comm.allgatherv(make(comm.rank, comm.rank)),
  alltoall: (comm, make) => comm.alltoall(make(2 * comm.size, comm.rank), make(2 * comm.size)),
  alltoallv: (comm, make) => {
    const counts = new Array<number>(comm.size).fill(2);
    return comm.alltoallv({ data: make(2 * comm.size, comm.rank), counts }, { data: make(2 * comm.size), counts });
  },
  reduceScatterBlock: (comm, make) => comm.reduceScatterBlock(make(2 * comm.size, comm.rank), make(2), SUM),
  reduceScatter: (comm, make) => {
    const counts = Array.from({ length: comm.size }, (_, r) => r);
    return comm.reduceScatter(
      make(
        counts.reduce((a, b) => a + b, 0),
        comm.rank,
      ),
      counts,
      SUM,
    );
  },
};

describe.each([1, 2, 3, 5])('%i ranks', (size) => {
  test.each(Object.entries(calls))('%s', async (_name, call) => {
    const made: Layout<Float64Array>[] = [];
    const ofArrays = await each(createWorlds(size), (comm) => call(comm, array));
    const ofLayouts = await each(createWorlds(size), (comm) =>
      call(comm, (count, first) => {
        const layout = spread(count, first);
        made.push(layout);
        return layout;
      }),
    );
    expect(ofLayouts.map(plain)).toEqual(ofArrays.map(plain));
    // What was given as the place of a result is the result.
    for (const result of ofLayouts) {
      const layout = (result as { data?: Data } | undefined)?.data ?? result;
      if (layout !== undefined && !ArrayBuffer.isView(layout)) expect(made).toContain(layout);
    }
    expect(made.every(isIntact)).toBe(true);
  });

  test('persistent forms read and write the layouts at each start', async () => {
    const worlds = createWorlds(size);
    const data = worlds.map(() => spread(3));
    const into = worlds.map(() => spread(3));
    const sums = worlds.map((comm, rank) => comm.allreduceInit(data[rank]!, into[rank]!, SUM));
    const sends = worlds.map((comm, rank) => comm.bcastInit(data[rank]!, 0));
    for (let round = 0; round < 3; round++) {
      for (const layout of data) unpack(Float64Array.of(round, 1, 2), 0, layout);
      const results = await each(sums, (sum) => sum.start());
      expect(results).toEqual(into);
      for (const layout of into) expect(pack(layout)).toEqual(Float64Array.of(round * size, size, 2 * size));
      unpack(Float64Array.of(7, 8, round), 0, data[0]!);
      await each(sends, (send) => send.start());
      for (const layout of data) expect(pack(layout)).toEqual(Float64Array.of(7, 8, round));
    }
    expect([...data, ...into].every(isIntact)).toBe(true);
  });

  test('alltoallw: data of any type and place for each rank', async () => {
    const worlds = createWorlds(size);
    const received = await each(worlds, async (comm, rank) => {
      // To even ranks a column of doubles, to odd ones shorts; nothing to the last, if there are others.
      const out = (dest: number): Data => (dest % 2 === 0 ? spread(dest + 1, rank * 100) : Int16Array.of(rank, dest));
      const into: Data[] = worlds.map(() => (rank % 2 === 0 ? spread(rank + 1) : new Int16Array(2)));
      await comm.alltoallw(
        worlds.map((_, dest) => out(dest)),
        into,
      );
      return into.map((part) => pack(part));
    });
    for (const [rank, parts] of received.entries()) {
      for (const [source, part] of parts.entries()) {
        expect(part).toEqual(rank % 2 === 0 ? array(rank + 1, source * 100) : Int16Array.of(source, rank));
      }
    }
    const inPlace = await each(worlds, async (comm, rank) => {
      const parts = worlds.map((_, dest) =>
        (dest + rank) % 2 === 0 ? spread(1200, rank * 10 + dest) : Float64Array.of(rank, dest),
      );
      await comm.alltoallw(IN_PLACE, parts);
      return parts.map((part) => pack(part)[0]);
    });
    for (const [rank, parts] of inPlace.entries()) {
      expect(parts).toEqual(worlds.map((_, source) => ((source + rank) % 2 === 0 ? source * 10 + rank : source)));
    }
    await expect(worlds[0]!.alltoallw.bind(worlds[0])).toBeTypeOf('function');
    expect(() =>
      worlds[0]!.alltoallw(
        [],
        worlds.map(() => new Float64Array(1)),
      ),
    ).toThrow(`alltoallw got a list of 0 for data: expected a list of ${size}, one for each rank it concerns`);
  });
});

test('a halo exchange of a cube with neighborAlltoallw, as a sequence of planes', async () => {
  const n = 4;
  const worlds = createWorlds(4);
  const grids = await each(worlds, (comm) => comm.cartesian([2, 2, 1], { periodic: true }));
  const shape = [n + 2, n + 2, n + 2];
  const cubes = grids.map(({ rank }) => new Float64Array((n + 2) ** 3).fill(rank));
  await each(grids, (grid: Cartesian, rank) => {
    const planes = (inner: number, outer: number): Layout[] =>
      [0, 1, 2].flatMap((d) =>
        [inner === 0 ? 0 : 1, inner === 0 ? n + 1 : outer].map((at) => {
          const part = [n, n, n];
          part[d] = 1;
          const start = [1, 1, 1];
          start[d] = at;
          return subarray(shape, part, start).of(cubes[rank]!);
        }),
      );
    return grid.neighborAlltoallw(planes(1, n), planes(0, n + 1));
  });
  for (const [rank, cube] of cubes.entries()) {
    const grid = grids[rank]!;
    const at = (x: number, y: number, z: number): number => cube[(x * (n + 2) + y) * (n + 2) + z]!;
    expect(at(0, 2, 2)).toBe(grid.shift(0, 1).source);
    expect(at(n + 1, 2, 2)).toBe(grid.shift(0, 1).dest);
    expect(at(2, 0, 2)).toBe(grid.shift(1, 1).source);
    expect(at(2, 2, 0)).toBe(rank);
    expect([at(0, 0, 2), at(2, 2, 2)]).toEqual([rank, rank]);
  }
});

test('structs are gathered as values', async () => {
  const particle = struct({ x: f64, id: f64, flag: f64 });
  const worlds = createWorlds(3);
  const views = await each(worlds, async (comm, rank) => {
    const into = particle.alloc(6);
    const mine = particle.encode([0, 1].map((k) => ({ x: rank + k / 2, id: k, flag: 1 })));
    await comm.allgather(mine, particle.of(into));
    return into;
  });
  const expected = [0, 1, 2].flatMap((rank) => [0, 1].map((k) => ({ x: rank + k / 2, id: k, flag: 1 })));
  for (const view of views) expect(particle.decode(view)).toEqual(expected);
  const [first] = await each(worlds, (comm) => comm.bcast(contiguous(1, particle).of(particle.alloc(1)), 0));
  expect(first!.datatype.size).toBe(24);
});
