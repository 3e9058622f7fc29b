/**
 * Collectives of two ranks beside what they are made of: small ones in half round trips of 8 bytes, a long allreduce
 * beside two threads in C that reduce the same arrays.
 *
 * The C threads run in rank 0's process while rank 1 sleeps; the second is pinned to rank 1's core. Long arrays come from
 * alloc() (huge pages from 2 MiB on) and from the language; each measurement takes turns with its reference, and the ratio
 * printed is the median of the ratios of the turns.
 *
 *     tsmpirun -n 2 --bind-to core bench/micro/allreduce-pair.ts
 */

import { alloc, SUM, world } from 'tsmpi';
import { loadAddon } from '../../src/native/loader.ts';
import { readOptions } from '../lib/options.ts';
import { heading, row } from '../lib/report.ts';
import { median } from '../lib/statistics.ts';

const options = readOptions({ min: 8192, max: 1 << 23, sizes: [8192, 65536, 1 << 20, 1 << 23] });
if (world.size !== 2) {
  console.error('allreduce-pair needs two ranks: tsmpirun -n 2');
  process.exit(2);
}
const { addon } = loadAddon();
const { rank } = world;
const peer = 1 - rank;

/** Microseconds of a call, after both ranks have come. */
function timed(count: number, call: () => void): number {
  world.barrier().wait();
  const start = performance.now();
  for (let k = 0; k < count; k++) call();
  return ((performance.now() - start) * 1000) / count;
}

/** Median of the ratios of two series taken in turns. */
const ratio = (above: readonly number[], below: readonly number[]): number =>
  median(above.map((value, index) => value / below[index]!));

function roundTrip(data: Float64Array, into: Float64Array): void {
  if (rank === 0) {
    world.send(data, peer, 1).wait();
    world.recv(into, peer, 1).wait();
  } else {
    world.recv(into, peer, 1).wait();
    world.send(data, peer, 1).wait();
  }
}

function measureSmall(): void {
  const [data, into] = [Float64Array.of(rank), new Float64Array(1)];
  const count = options.iterations ?? 10_000;
  const [trips, reductions, barriers]: [number[], number[], number[]] = [[], [], []];
  for (let repetition = -options.warmup; repetition < options.repetitions; repetition++) {
    const trip = timed(count, () => roundTrip(data, into)) / 2;
    const reduction = timed(count, () => world.allreduce(data, into, SUM).wait());
    const barrier = timed(count, () => world.barrier().wait());
    if (repetition < 0) continue;
    trips.push(trip);
    reductions.push(reduction);
    barriers.push(barrier);
  }
  if (rank !== 0) return;
  const columns = ['Size', 'us', 'half round trip', 'ratio'];
  heading(`tsmpi small collectives of 2 ranks, median of ${options.repetitions} repetitions`, columns);
  row('barrier', [median(barriers), median(trips), ratio(barriers, trips)]);
  row('allreduce 8', [median(reductions), median(trips), ratio(reductions, trips)]);
}

/** Microseconds of an allreduce by two threads in C; 0 on rank 1, which sleeps meanwhile. */
function bareAllreduce(arrays: readonly Float64Array[], count: number, core: number): number {
  const token = new Float64Array(1);
  if (rank === 1) {
    world.recv(token, 0, 2).wait();
    return 0;
  }
  const [firstInput, secondInput, firstOutput, secondOutput] = arrays;
  const ns = addon!.referenceAllreduce(firstInput!, secondInput!, firstOutput!, secondOutput!, count, core);
  world.send(token, 1, 2).wait();
  return ns / 1000 / count;
}

/** Where arrays come from. */
const KINDS = {
  alloc: (length: number): Float64Array => alloc(Float64Array, length),
  new: (length: number): Float64Array => new Float64Array(length),
};

function measureLong(size: number, kind: keyof typeof KINDS, core: number): void {
  const length = Math.max(1, size / 8);
  const arrays = Array.from({ length: 4 }, () => KINDS[kind](length).fill(rank + 1));
  const [data, into] = arrays;
  const count = options.iterations ?? Math.max(10, Math.min(5000, Math.floor(1e8 / (size + 10_000))));
  const [bare, reduced]: [number[], number[]] = [[], []];
  for (let repetition = -options.warmup; repetition < options.repetitions; repetition++) {
    const c = addon === undefined ? Number.NaN : bareAllreduce(arrays, count, core);
    const a = timed(count, () => world.allreduce(data!, into!, SUM).wait());
    if (repetition < 0) continue;
    bare.push(c);
    reduced.push(a);
  }
  if (into![length - 1] !== 3) throw new Error(`allreduce gave ${into![length - 1]}: expected 3`);
  if (rank === 0) row(`${size} ${kind}`, [median(reduced), median(bare), ratio(bare, reduced)]);
}

const cores = addon?.getAffinity() ?? [];
const place = Float64Array.of(cores.length === 1 ? cores[0]! : -1);
world.bcast(place, 1).wait();

measureSmall();
if (rank === 0) {
  const title = `tsmpi allreduce of float64 in us, 2 ranks, median of ${options.repetitions} repetitions`;
  heading(title, ['Size', 'allreduce', 'two C threads', 'C/allreduce']);
}
for (const size of options.sizes) for (const kind of ['alloc', 'new'] as const) measureLong(size, kind, place[0]!);
