/**
 * Loops of a team: what one costs when it is hot, what waking a cold one costs, what it takes when nobody needs it, and the
 * triad of STREAM beside the same loop in C with OpenMP (triad.c, compiled here).
 *
 *     tsmpirun -n 1 bench/team/loop.ts [-m bytes of each array] [-r repetitions]
 *
 * Cold: workers have slept for some milliseconds; the time until one has begun. Triad: one thread and all, ours and C in turns.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { alloc, job, type Request, team, world } from 'tsmpi';
import { readOptions } from '../lib/options.ts';
import { heading, row } from '../lib/report.ts';
import { median, quantile } from '../lib/statistics.ts';

const { sizes, repetitions, iterations = 20_000 } = readOptions({ min: 1 << 25, max: 1 << 25 });
if (world.size !== 1 || job.threads < 2) {
  console.error('loop wants one rank with two cores or more');
  process.exit(2);
}
const crew = await team();
const alone = await team(1);
const k = crew.kernels<typeof import('./kernels.ts')>(new URL('./kernels.ts', import.meta.url));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const microseconds = (fn: () => void): number => {
  const start = performance.now();
  fn();
  return (performance.now() - start) * 1000;
};

function hot(call: () => Request<void>): number[] {
  const times = Array.from({ length: 2 * iterations }, () => microseconds(() => call().wait()));
  return times.slice(iterations);
}

heading(`a loop of ${crew.size} threads, in us`, ['Figure', 'median', '99 %', 'of']);
const empty = hot(() => crew.parallelFor(k.nothing, crew.size));
row('hot, empty', [median(empty), quantile(empty, 0.99), String(empty.length)]);
const single = hot(() => alone.parallelFor(k.nothing, 1));
row('one thread', [median(single), quantile(single, 0.99), String(single.length)]);
const meeting = hot(() => crew.parallelFor(k.meet, 2, alloc(Int32Array, 1, { shared: true }))).slice(-2000);
row('hot, meet', [median(meeting), quantile(meeting, 0.99), String(meeting.length)]);
const cold: number[] = [];
for (let turn = 0; turn < 200; turn++) {
  const word = alloc(Int32Array, 1, { shared: true });
  await pause(6);
  cold.push(microseconds(() => crew.parallelFor(k.meet, 2, word).wait()));
}
row('cold, meet', [median(cold), quantile(cold, 0.99), String(cold.length)]);
await pause(10);
const before = process.cpuUsage();
await pause(1000);
const { user, system } = process.cpuUsage(before);
row('idle second', [user + system]);

const folder = mkdtempSync(join(tmpdir(), 'tsmpi-triad-'));
try {
  const program = join(folder, 'triad');
  const source = fileURLToPath(new URL('./triad.c', import.meta.url));
  execFileSync('cc', ['-O3', '-march=native', '-fopenmp', '-o', program, source], { stdio: 'inherit' });
  heading('triad, GB/s: one thread / all', [
    'Bytes',
    'ours, one',
    'ours, all',
    'C, one',
    'C, all',
    'all / one',
    'all / C',
    'C all / one',
  ]);
  for (const size of sizes) measureTriad(size, program);
} finally {
  rmSync(folder, { recursive: true });
}

function measureTriad(size: number, program: string): void {
  const length = size / 8;
  const [a, b, c] = [0, 1, 2].map(() => alloc(Float64Array, length, { shared: true })) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  b.forEach((_, index) => {
    b[index] = index;
  });
  c.fill(1);
  const rate = (crewOf: typeof crew): number =>
    (24 * length) / microseconds(() => crewOf.parallelFor(k.triad, length, a, b, c, 3).wait()) / 1000;
  const [ours, oursAll, theirs, theirsAll]: number[][] = [[], [], [], []];
  for (let turn = -1; turn < repetitions; turn++) {
    const rates = [alone, crew].map((crewOf) => median(Array.from({ length: 9 }, () => rate(crewOf))));
    const words = execFileSync(program, [String(length), '9'], { encoding: 'utf8' })
      .split(' ')
      .map(Number);
    if (words[2] !== crew.size || a[length - 1] !== length + 2) throw new Error('the triads do not agree');
    if (turn < 0) continue;
    for (const [list, value] of [
      [ours, rates[0]],
      [oursAll, rates[1]],
      [theirs, words[0]],
      [theirsAll, words[1]],
    ] as const) {
      list!.push(value!);
    }
  }
  const [one, all, cOne, cAll] = [ours!, oursAll!, theirs!, theirsAll!].map(median) as [number, number, number, number];
  row(size, [one, all, cOne, cAll, all / one, all / cAll, cAll / cOne]);
}
