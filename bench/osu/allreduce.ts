/**
 * Allreduce and barrier of all ranks, beside a bare shared counter in the same run.
 *
 * The reference: each rank writes its number into shared memory and counts itself; the last one sums and raises an epoch;
 * the others look at it, and give their slice away after 20 looks. Nothing of tsmpi but the mapping takes part.
 *
 *     tsmpirun -n 8 bench/osu/allreduce.ts -m 8:8
 */

import { SUM, world } from 'tsmpi';
import { loadAddon } from '../../src/native/loader.ts';
import { readOptions } from '../lib/options.ts';
import { Reference } from '../lib/reference.ts';
import { heading, median, row } from '../lib/report.ts';

const options = readOptions({ min: 8, max: 1 << 20, sizes: [8, 64, 1024, 8192, 65536, 1 << 20] });
const reference = Reference.create(world);
const { rank, size: ranks } = world;
/** Looks before a yield, where ranks share cores. */
const LOOKS = ranks <= 2 ? 1e9 : 20;
let turn = 0;

/** One allreduce of one number over the bare counter. */
function bareAllreduce({ i32, f64 }: Reference, value: number): number {
  turn++;
  const parity = turn & 1;
  const slots = 8192 + parity * 8192;
  const result = 4096 + parity * 16;
  f64[slots + rank * 8] = value;
  if (Atomics.add(i32, 64 + parity * 32, 1) === ranks - 1) {
    let sum = 0;
    for (let k = 0; k < ranks; k++) sum += f64[slots + k * 8]!;
    f64[result] = sum;
    Atomics.store(i32, 64 + parity * 32, 0);
    Atomics.store(i32, 0, turn);
    return sum;
  }
  const addon = loadAddon().addon!;
  for (let looks = 1; ((Atomics.load(i32, 0) - turn) | 0) < 0; looks++) if (looks % LOOKS === 0) addon.yield();
  return f64[result]!;
}

function timed(count: number, call: () => void): number {
  world.barrier().wait();
  const start = performance.now();
  for (let k = 0; k < count; k++) call();
  return ((performance.now() - start) * 1000) / count;
}

function measure(size: number): void {
  const data = new Float64Array(Math.max(1, size / 8)).fill(rank);
  const into = new Float64Array(data.length);
  const count =
    options.iterations ??
    Math.max(5, Math.min(ranks <= 2 ? 20_000 : ranks > 16 ? 200 : 2000, Math.floor(2e8 / (size * ranks + 10_000))));
  const [bare, reduced, barriers]: number[][] = [[], [], []];
  for (let repetition = -options.warmup; repetition < options.repetitions; repetition++) {
    const c = reference === undefined ? Number.NaN : timed(count, () => bareAllreduce(reference, rank));
    const a = timed(count, () => world.allreduce(data, into, SUM).wait());
    const b = timed(count, () => world.barrier().wait());
    if (repetition < 0) continue;
    bare!.push(c);
    reduced!.push(a);
    barriers!.push(b);
  }
  if (into[0] !== (ranks * (ranks - 1)) / 2) throw new Error(`allreduce gave ${into[0]}`);
  const [c, a, b] = [median(bare!), median(reduced!), median(barriers!)];
  if (rank === 0) row(size, [a, b, c, a / c]);
}

if (rank === 0) {
  heading(`tsmpi allreduce and barrier in us, ${ranks} ranks, median of ${options.repetitions} repetitions`, [
    'Size',
    'allreduce',
    'barrier',
    'bare counter',
    'allreduce/bare',
  ]);
}
for (const size of options.sizes) measure(size);
