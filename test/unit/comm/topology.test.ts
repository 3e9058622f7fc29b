/** Grids, graphs and collectives between neighbours, ranks in one thread, against loops over all ranks. */

import { describe, expect, test } from 'vitest';
import { Grid } from '../../../src/comm/topology/grid.ts';
import { type Cartesian, type Communicator, dimsCreate, type Edge, PROC_NULL } from '../../../src/index.ts';
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
    const copies = await each(grids, (grid) => grid.dup());
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

/** Edges of a grid that join ranks of different hosts, by the hosts at each place. */
function cutBetween(grid: Grid, hostAt: readonly number[]): number {
  let cut = 0;
  for (let place = 0; place < grid.size; place++) {
    for (const d of grid.dims.keys()) {
      const above = grid.neighbor(place, d, 1);
      if (above !== PROC_NULL && hostAt[above] !== hostAt[place]) cut++;
    }
  }
  return cut;
}

describe('reorder', () => {
  const range = (n: number) => Array.from({ length: n }, (_, k) => k);
  test.each<[string, number[], boolean, number[], number]>([
    ['four hosts in blocks get two by two each', [4, 4], false, range(16).map((rank) => rank >> 2), 8],
    ['four hosts dealt out in turn get two by two each', [4, 4], false, range(16).map((rank) => rank % 4), 8],
    ['two hosts dealt out in turn get one half each', [4, 2], true, range(8).map((rank) => rank % 2), 4],
    ['three hosts of different numbers of ranks', [9], false, [0, 1, 2, 0, 1, 2, 0, 1, 0], 2],
    ['hosts of different numbers of ranks in two dimensions', [3, 4], false, range(12).map((rank) => (rank % 5 > 1 ? 1 : 0)), 4],
    ['one host: all stay', [2, 3], false, range(6).map(() => 0), 0],
    ['a number of ranks that no box fits', [5, 2], false, range(10).map((rank) => rank % 2), 3],
  ])('%s', async (_name, dims, periodic, hostOf, most) => {
    const worlds = createWorlds(hostOf.length, hostOf);
    const grids = await each(worlds, (world) => world.cartesian(dims, { periodic, reorder: true }));
    // Every place is taken once, and each rank's group says who stands where.
    expect(grids.map(({ rank }) => rank).sort((a, b) => a - b)).toEqual(range(hostOf.length));
    const hostAt = grids[0]!.group.ranks.map((rank) => hostOf[rank]!);
    for (const [rank, grid] of grids.entries()) expect(grid.group.ranks[grid.rank]).toBe(rank);
    const grid = new Grid(dims, new Array<boolean>(dims.length).fill(periodic));
    const cut = cutBetween(grid, hostAt);
    expect(cut).toBeLessThanOrEqual(cutBetween(grid, hostOf));
    expect(cut).toBeLessThanOrEqual(most);
    // Neighbours agree.
    const got = await each(grids, (of) => of.neighborAllgather(Int32Array.of(of.rank)));
    for (const [k, { rank, coords }] of grids.entries()) {
      const near = coords.flatMap((__, d) => [-1, 1].map((step) => grid.neighbor(rank, d, step)));
      expect([...got[k]!]).toEqual(near.map((other) => (other === PROC_NULL ? 0 : other)));
    }
  });

  test('a graph: ranks that talk to each other share a host, and each gets the neighbours of what it becomes', async () => {
    // A ring of pairs: 2k and 2k + 1 exchange much, pairs little; the hosts are dealt out in turn.
    const size = 8;
    const hostOf = range(size).map((rank) => rank % 4);
    const mate = (vertex: number) => vertex ^ 1;
    const next = (vertex: number) => (vertex + 2) % size;
    const previous = (vertex: number) => (vertex + size - 2) % size;
    for (const isDistributed of [false, true]) {
      const worlds = createWorlds(size, hostOf);
      const graphs = await each(worlds, (world) => {
        if (isDistributed) {
          const edges = range(size).flatMap((vertex): Edge[] => [
            [vertex, mate(vertex), 10],
            [vertex, next(vertex)],
          ]);
          return world.distGraph(world.rank === 3 ? edges : [], { reorder: true });
        }
        const near = [mate(world.rank), next(world.rank)];
        const options = { sourceWeights: [10, 1], destinationWeights: [10, 1], reorder: true };
        return world.graph([mate(world.rank), previous(world.rank)], near, options);
      });
      for (const graph of graphs) {
        const vertex = graph.rank;
        expect([...graph.destinations].sort()).toEqual([mate(vertex), next(vertex)].sort());
        expect([...graph.sources].sort()).toEqual([mate(vertex), previous(vertex)].sort());
        expect(graph.destinationWeights[graph.destinations.indexOf(mate(vertex))]).toBe(10);
        expect(graph.sourceWeights[graph.sources.indexOf(previous(vertex))]).toBe(1);
        const { ranks } = graph.group;
        expect(hostOf[ranks[vertex]!]).toBe(hostOf[ranks[mate(vertex)]!]);
      }
      const got = await each(graphs, (graph) => graph.neighborAllgather(Int32Array.of(graph.rank)));
      expect(got.map((array) => [...array!])).toEqual(graphs.map(({ sources }) => [...sources]));
    }
  });
});

test('distGraph: each rank names any edges; neighbours stand in the order of those who named them', async () => {
  const worlds = createWorlds(3);
  const named: Edge[][] = [
    [[2, 1, 0.5]],
    [
      [0, 1],
      [1, 1],
    ],
    [
      [2, 1],
      [0, 2, 4],
    ],
  ];
  const graphs = await each(worlds, (world) => world.distGraph(named[world.rank]!));
  expect(graphs.map(({ sources }) => sources)).toEqual([[], [2, 0, 1, 2], [0]]);
  expect(graphs.map(({ destinations }) => destinations)).toEqual([[1, 2], [1], [1, 1]]);
  expect(graphs.map(({ sourceWeights }) => sourceWeights)).toEqual([[], [0.5, 1, 1, 1], [4]]);
  expect(graphs.map(({ destinationWeights }) => destinationWeights)).toEqual([[1, 4], [1], [0.5, 1]]);
  const got = await each(graphs, (graph) => graph.neighborAllgather(Int32Array.of(graph.rank)));
  expect(got.map((array) => [...array!])).toEqual([[], [2, 0, 1, 2], [0]]);
  const copies = await each(graphs, (graph) => graph.dup());
  expect(copies.map(({ sourceWeights }) => sourceWeights)).toEqual(graphs.map(({ sourceWeights }) => sourceWeights));
});

test('persistent forms between neighbours of a graph, with counts that differ', async () => {
  const worlds = createWorlds(3);
  // Each sends rank + 1 elements to the next.
  const graphs = await each(worlds, (world) => world.graph([(world.rank + 2) % 3], [(world.rank + 1) % 3]));
  const mine = graphs.map(({ rank }) => new Float64Array(rank + 1));
  const into = graphs.map(({ sources: [source] }) => ({ data: new Float64Array(source! + 1), counts: [source! + 1] }));
  const all = graphs.map((graph, rank) => graph.neighborAllgathervInit(mine[rank]!, into[rank]!));
  const pairwise = graphs.map((graph, rank) =>
    graph.neighborAlltoallvInit({ data: mine[rank]!, counts: [rank + 1] }, into[rank]!),
  );
  const one = graphs.map(() => new Int32Array(1));
  const single = graphs.map((graph, rank) => graph.neighborAllgatherInit(Int32Array.of(rank), one[rank]!));
  for (let round = 1; round <= 3; round++) {
    for (const [rank, data] of mine.entries()) data.fill(10 * round + rank);
    for (const operations of [all, pairwise]) {
      for (const { data } of into) data.fill(0);
      await Promise.all(operations.map(async (operation) => operation.start()));
      for (const [rank, { data }] of into.entries()) {
        const source = (rank + 2) % 3;
        expect(data).toEqual(new Float64Array(source + 1).fill(10 * round + source));
      }
    }
    await Promise.all(single.map(async (operation) => operation.start()));
    expect(one).toEqual([Int32Array.of(2), Int32Array.of(0), Int32Array.of(1)]);
  }
});

test('what is wrong is said at the call', () => {
  const [world] = createWorlds(2);
  expect(() => world!.cartesian([3])).toThrow('2 ranks cannot be laid out as 3');
  expect(() => world!.cartesian([2], { periodic: [true, false] })).toThrow('periodic has 2 entries: expected 1');
  expect(() => world!.graph([2], [])).toThrow('graph got source 2: expected integers from 0 to 1');
  expect(() => world!.cartesian([2], { wrap: true } as never)).toThrow('cartesian has no option wrap');
  expect(() => world!.graph([1], [], { sourceWeights: [1, 2] })).toThrow(
    'sourceWeights has 2 entries: expected 1, one a neighbour',
  );
  expect(() => world!.graph([], [1], { destinationWeights: [-1] })).toThrow(
    'destinationWeights[0] is -1: expected a number, 0 or more',
  );
  expect(() => world!.distGraph([[0, 2]])).toThrow('distGraph: edge 0 goes to 2: expected integers from 0 to 1');
  expect(() => world!.distGraph([0 as never])).toThrow('distGraph got 0 for edge 0: expected [from, to]');
});
