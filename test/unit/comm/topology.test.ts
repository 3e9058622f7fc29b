/** Grids, graphs and collectives between neighbours, ranks in one thread, against loops over all ranks. */

import { describe, expect, test } from 'vitest';
import { placeByHost } from '../../../src/comm/topology/grid.ts';
import { type Cartesian, type Communicator, dimsCreate, PROC_NULL } from '../../../src/index.ts';
import { createWorlds } from '../ranks.ts';

function each<C, T>(worlds: readonly C[], call: (world: C) => PromiseLike<T> | T): Promise<T[]> {
  return Promise.all(worlds.map(async (world) => call(world)));
}

function makeGrids(size: number, dims: readonly number[], periodic: boolean | readonly boolean[]): Promise<Cartesian[]> {
  return each(createWorlds(size), (world: Communicator) => world.cartesian(dims, { periodic }));
}

test('dimsCreate chooses even extents, largest first, and keeps what is given', () => {
  expect(dimsCreate(12, 2)).toEqual([4, 3]);
  expect(dimsCreate(16, 2)).toEqual([4, 4]);
  expect(dimsCreate(36, 3)).toEqual([4, 3, 3]);
  expect(dimsCreate(7, 3)).toEqual([7, 1, 1]);
  expect(dimsCreate(64, 3)).toEqual([4, 4, 4]);
  expect(dimsCreate(24, [0, 2, 0])).toEqual([4, 2, 3]);
  expect(dimsCreate(6, [3, 2])).toEqual([3, 2]);
  expect(dimsCreate(1, 0)).toEqual([]);
  expect(() => dimsCreate(6, [4, 0])).toThrow(
    '6 ranks cannot be laid out as 4 x 0: expected dimensions whose product is a divisor of 6',
  );
  expect(() => dimsCreate(6, [2, 2])).toThrow('expected dimensions whose product is 6');
  expect(() => dimsCreate(6, [-1, 2])).toThrow('a dimension is -1: expected an integer, 0 or more');
  for (let size = 1; size <= 200; size++) {
    for (const parts of [1, 2, 3, 4]) {
      const dims = dimsCreate(size, parts);
      expect(dims.reduce((a, b) => a * b, 1)).toBe(size);
      expect(dims).toEqual([...dims].sort((a, b) => b - a));
    }
  }
});

describe.each([
  [1, [1], true],
  [2, [2], true],
  [3, [0], false],
  [4, [2, 2], [true, false]],
  [6, [0, 0], true],
  [8, [2, 2, 2], [true, false, true]],
  [13, [13, 1], [false, true]],
  [16, [0, 2, 0], true],
] as const)('%i ranks in a grid of %j, periodic %j', (size, wanted, periodic) => {
  const dims = dimsCreate(size, wanted);
  const around = dims.map((_, d) => (typeof periodic === 'boolean' ? periodic : periodic[d]!));
  const coordsOf = (rank: number): number[] => {
    const coords: number[] = [];
    for (const extent of [...dims].reverse()) {
      coords.unshift(rank % extent);
      rank = Math.floor(rank / extent);
    }
    return coords;
  };
  /** The rank `step` beside another in dimension d, or undefined. */
  const beside = (rank: number, d: number, step: number): number | undefined => {
    const coords = coordsOf(rank);
    const at = coords[d]! + step;
    if (!around[d] && (at < 0 || at >= dims[d]!)) return undefined;
    coords[d] = (at + dims[d]!) % dims[d]!;
    return coords.reduce((all, c, k) => all * dims[k]! + c, 0);
  };

  test('places, shifts, neighbours', async () => {
    const grids = await makeGrids(size, wanted, periodic);
    for (const [rank, grid] of grids.entries()) {
      expect(grid.rank).toBe(rank);
      expect([grid.dims, grid.periodic, grid.coords]).toEqual([dims, around, coordsOf(rank)]);
      expect(grid.rankOf(grid.coords)).toBe(rank);
      for (const d of dims.keys()) {
        expect(grid.shift(d, 1)).toEqual({ source: beside(rank, d, -1) ?? PROC_NULL, dest: beside(rank, d, 1) ?? PROC_NULL });
      }
    }
    const blocks = await each(grids, (grid) => grid.neighborAllgather(Int32Array.of(grid.rank + 100, grid.rank)));
    for (const [rank, got] of blocks.entries()) {
      const expected = dims.flatMap((_, d) => [beside(rank, d, -1), beside(rank, d, 1)]);
      expect([...got!]).toEqual(expected.flatMap((near) => (near === undefined ? [0, 0] : [near + 100, near])));
    }
  });

  test('alltoall between neighbours: what was sent upwards comes from below, also where both are one rank', async () => {
    const grids = await makeGrids(size, wanted, periodic);
    // Block k of a rank says who sent it in which direction.
    const data = (rank: number) => Int32Array.from(dims.flatMap((_, d) => [1000 * rank + 2 * d, 1000 * rank + 2 * d + 1]));
    const expected = (rank: number) =>
      dims.flatMap((_, d) => {
        const [low, high] = [beside(rank, d, -1), beside(rank, d, 1)];
        return [low === undefined ? -1 : 1000 * low + 2 * d + 1, high === undefined ? -1 : 1000 * high + 2 * d];
      });
    const into = grids.map(() => new Int32Array(2 * dims.length).fill(-1));
    await each(grids, (grid) => grid.neighborAlltoall(data(grid.rank), into[grid.rank]!));
    expect(into.map((array) => [...array])).toEqual(grids.map(({ rank }) => expected(rank)));

    const persistent = grids.map((grid) => grid.neighborAlltoallInit(data(grid.rank), into[grid.rank]!.fill(-1)));
    for (let k = 0; k < 2; k++) await Promise.all(persistent.map(async (operation) => operation.start()));
    expect(into.map((array) => [...array])).toEqual(grids.map(({ rank }) => expected(rank)));

    // Parts of different lengths: block k has k + 1 elements.
    const counts = data(0).map((_, k) => k + 1);
    const taken = await each(grids, (grid) => {
      const blocks = [...data(grid.rank)].flatMap((value, k) => new Array<number>(k + 1).fill(value));
      return grid.neighborAlltoallv({ data: Int32Array.from(blocks), counts });
    });
    for (const [rank, got] of taken.entries()) {
      const lengths = dims.flatMap((_, d) => [
        beside(rank, d, -1) === undefined ? 0 : 2 * d + 2,
        beside(rank, d, 1) === undefined ? 0 : 2 * d + 1,
      ]);
      expect([...got!.counts]).toEqual(lengths);
      expect([...got!.data]).toEqual(expected(rank).flatMap((value, k) => new Array<number>(lengths[k]!).fill(value)));
    }
  });

  test('sub keeps some dimensions, dup keeps all', async () => {
    const grids = await makeGrids(size, wanted, periodic);
    const copies = (await each(grids, (grid) => grid.dup())) as Cartesian[];
    expect(copies.map(({ coords }) => coords)).toEqual(grids.map(({ coords }) => coords));
    const rows = await each(grids, (grid) => grid.sub(dims.map((_, d) => d === 0)));
    for (const [rank, row] of rows.entries()) {
      expect(row!.size).toBe(dims[0]);
      expect(row!.coords).toEqual([grids[rank]!.coords[0]]);
      expect(row!.periodic).toEqual([around[0]]);
    }
  });
});

test('a graph: edges in both directions, several between two ranks, and to oneself', async () => {
  const worlds = createWorlds(4);
  // Each rank sends to the next twice, and rank 3 to itself.
  const edges = [
    { sources: [3, 3], destinations: [1, 1] },
    { sources: [0, 0], destinations: [2, 2] },
    { sources: [1, 1], destinations: [3, 3] },
    { sources: [2, 2, 3], destinations: [0, 3, 0] },
  ];
  const graphs = await each(worlds, (world) => world.graph(edges[world.rank]!.sources, edges[world.rank]!.destinations));
  const got = await each(graphs, (graph) =>
    graph.neighborAlltoall(
      Int32Array.from(graph.destinations, (dest, k) => 100 * graph.rank + 10 * dest + k),
      new Int32Array(graph.sources.length),
    ),
  );
  expect(got.map((array) => [...array!])).toEqual([
    [300, 302],
    [10, 11],
    [120, 121],
    [230, 231, 331],
  ]);
  const all = await each(graphs, (graph) => graph.neighborAllgatherv(new Float64Array(graph.rank).fill(graph.rank)));
  expect(all.map((parts) => [...parts!.data])).toEqual([[3, 3, 3, 3, 3, 3], [], [1, 1], [2, 2, 2, 2, 3, 3, 3]]);
});

test('reorder: ranks of one host stand in a box of the grid', () => {
  // Four hosts of four ranks on a 4 x 4 grid: two by two each.
  const hostOf = Array.from({ length: 16 }, (_, rank) => rank >> 2);
  const placed = placeByHost([4, 4], hostOf);
  expect([...placed].sort((a, b) => a - b)).toEqual(hostOf.map((_, rank) => rank));
  const hostAt = placed.reduce<number[]>((all, place, rank) => {
    all[place] = hostOf[rank]!;
    return all;
  }, []);
  let inside = 0;
  for (let row = 0; row < 4; row++)
    for (let column = 0; column < 4; column++) {
      const here = hostAt[4 * row + column];
      if (column < 3 && hostAt[4 * row + column + 1] === here) inside++;
      if (row < 3 && hostAt[4 * row + column + 4] === here) inside++;
    }
  expect(inside).toBe(16);
  expect(placeByHost([3], [0, 0, 1])).toEqual([0, 1, 2]);
});

test('what is wrong is said at the call', () => {
  const [world] = createWorlds(2);
  expect(() => world!.cartesian([3])).toThrow('2 ranks cannot be laid out as 3');
  expect(() => world!.cartesian([2], { periodic: [true, false] })).toThrow('periodic has 2 entries: expected 1');
  expect(() => world!.graph([2], [])).toThrow('graph got source 2: expected integers from 0 to 1');
  expect(() => world!.cartesian([2], { wrap: true } as never)).toThrow('cartesian has no option wrap');
});
