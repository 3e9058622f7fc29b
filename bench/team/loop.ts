/**
 * Loops of a team: what one costs when it is hot, what waking a cold one costs, what it takes when nobody needs it, and the
 * triad of STREAM, as a kernel in TypeScript and one in WebAssembly with SIMD instructions (triad.wat), beside the same loop in
 * C with OpenMP (triad.c, compiled here).
 *
 *     tsmpirun -n 1 bench/team/loop.ts [-m bytes of each array] [-r repetitions]
 *
 * Meet: the time until a worker has begun; cold: after it has slept for some milliseconds. Triad: one thread and all, ours and
 * C in turns.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { alloc, job, type Request, team, world } from 'tsmpi';
import loadAssembler from 'wabt';
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
const word = alloc(Int32Array, 1, { shared: true });
const meet = (): Request<void> => {
  word[0] = 0;
  return crew.parallelFor(k.meet, 2, word);
};
const meeting = hot(meet).slice(-2000);
row('hot, meet', [median(meeting), quantile(meeting, 0.99), String(meeting.length)]);
const cold: number[] = [];
for (let turn = 0; turn < 200; turn++) {
  await pause(6);
  cold.push(microseconds(() => meet().wait()));
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
  const assembler = await loadAssembler();
  const parsed = assembler.parseWat('triad.wat', readFileSync(new URL('./triad.wat', import.meta.url), 'utf8'), {
    simd: true,
    threads: true,
  });
  const module = new WebAssembly.Module(parsed.toBinary({}).buffer);
  heading('triad, GB/s: one thread / all', [
    'Bytes, kernel',
    'ours, one',
    'ours, all',
    'C, one',
    'C, all',
    'all / one',
    'all / C',
    'C all / one',
  ]);
  for (const size of sizes) measureTriad(size, program, module);
} finally {
  rmSync(folder, { recursive: true });
}

function measureTriad(size: number, program: string, module: WebAssembly.Module): void {
  const length = size / 8;
  const memory = new WebAssembly.Memory({ initial: Math.ceil((3 * size) / 65536), maximum: 65536, shared: true });
  const [a, b, c] = [0, 1, 2].map((place) => new Float64Array(memory.buffer, place * size, length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  b.forEach((_, index) => {
    b[index] = index;
  });
  c.fill(1);
  // Eight to a turn of the SIMD loop.
  const range = { from: 0, to: length, grain: 8 };
  const kernels = {
    TypeScript: (on: typeof crew) => on.parallelFor(k.triad, range, a, b, c, 3),
    SIMD: (on: typeof crew) => on.parallelFor(k.triadSimd, range, module, memory, a.byteOffset, b.byteOffset, c.byteOffset, 3),
  };
  const rates = new Map(Object.keys(kernels).map((name) => [name, { one: [] as number[], all: [] as number[] }]));
  const theirs: number[][] = [[], []];
  for (let turn = -1; turn < repetitions; turn++) {
    const words = execFileSync(program, [String(length), '9'], { encoding: 'utf8' })
      .split(' ')
      .map(Number);
    if (words[2] === -1) throw new Error('the triad in C is wrong');
    if (words[2] !== crew.size) {
      throw new Error(`OpenMP sees ${words[2]} of ${crew.size} cores: expected a rank that is not bound to one (--bind-to)`);
    }
    if (turn >= 0) for (const [place, list] of theirs.entries()) list.push(words[place]!);
    for (const [name, call] of Object.entries(kernels)) {
      const rate = (on: typeof crew): number => (24 * length) / microseconds(() => call(on).wait()) / 1000;
      a.fill(0);
      const [one, all] = [alone, crew].map((on) => median(Array.from({ length: 9 }, () => rate(on)))) as [number, number];
      if (a.some((value, index) => value !== index + 3)) throw new Error(`the triad in ${name} is wrong`);
      if (turn < 0) continue;
      rates.get(name)!.one.push(one);
      rates.get(name)!.all.push(all);
    }
  }
  const [cOne, cAll] = theirs.map(median) as [number, number];
  for (const [name, { one, all }] of rates) {
    const [mine, together] = [median(one), median(all)];
    row(`${size}, ${name}`, [mine, together, cOne, cAll, together / mine, together / cAll, cAll / cOne]);
  }
}
