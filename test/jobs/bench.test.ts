/** tsmpi bench as users run it: columns, lines of JSON, several interconnects with a report, an end by Ctrl-C. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { Line, RowLine } from '../../bench/records.ts';
import { isLong } from '../long.ts';
import { Job, type JobOptions, type JobResult, runJob } from './run-job.ts';

const TSMPI = fileURLToPath(new URL('../../dist/tsmpi.js', import.meta.url));
const output = mkdtempSync(join(tmpdir(), 'tsmpi-bench-test-'));
const options: JobOptions = { command: [process.execPath, TSMPI], deadlineMs: 90_000 };
/** Few operations, no waiting for a steady state: what is tested is not the machine. */
const SHORT = ['-i', '20', '-x', '2', '-r', '1'];
const bench = (...words: string[]): Promise<JobResult> => runJob(['bench', ...words], options);

afterAll(() => rmSync(output, { recursive: true, force: true }));

test('latency prints the columns of OSU', async () => {
  const { code, stdout, stderr } = await bench('latency', '-m', '8:8', '-i', '100', '-r', '1', '--settle', '0', '-z', '50,99');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^# OSU-style MPI Latency Test, tsmpi /);
  expect(stdout).toMatch(/^# Size +Latency \(us\) +P50 Tail Lat\(us\) +P99 Tail Lat\(us\)$/m);
  expect(stdout).toMatch(/^8 +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d/m);
  expect(stdout).toMatch(/^# \d of \d repetitions rejected.*judged by: /m);
});

test('each kind of program, as lines of JSON', async () => {
  const programs = [
    'bw',
    'bibw_persistent',
    'mbw_mr',
    'alltoallw',
    'ireduce',
    'neighbor_alltoallw_persistent',
    'barrier',
    'init',
  ];
  const { code, stdout, stderr } = await bench(...programs, ...SHORT, '-m', '8,1024', '-W', '4', '-t', '2', '--json');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const rows = lines.filter((line): line is RowLine => line.kind === 'row');
  expect(lines.flatMap((line) => (line.kind === 'job' ? line.program : []))).toEqual(programs);
  const sized = programs.slice(0, 6).flatMap((program) => [`${program} 8`, `${program} 1024`]);
  expect(rows.map(({ program, size }) => `${program} ${size}`)).toEqual([...sized, 'barrier 0', 'init 0']);
  for (const { us, tail } of rows) {
    expect(us).toBeGreaterThan(0);
    expect(tail.min <= tail.p50 && tail.p50 <= tail.p99 && tail.p99 <= tail.p999 && tail.p999 <= tail.max).toBe(true);
  }
  expect(rows[0]!.megabytesPerSecond).toBeCloseTo(8 / rows[0]!.us);
  expect(rows.find(({ program }) => program === 'ireduce')!.overlap!.percent).toBeGreaterThanOrEqual(0);
});

test('what applications feel', async () => {
  const few = [...SHORT, '--settle', '0', '--json'];
  const rowsOf = async (...words: string[]): Promise<RowLine[]> => {
    const { code, stdout, stderr } = await bench(...words, ...few);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    return lines.filter((line): line is RowLine => line.kind === 'row');
  };
  const matching = await rowsOf('match_posted', 'match_unexpected', '-m', '0,300');
  expect(matching.map(({ program, size }) => `${program} ${size}`)).toEqual(
    ['posted', 'unexpected'].flatMap((kind) => [`match_${kind} 0`, `match_${kind} 300`]),
  );
  const [half] = await rowsOf('latency_load', '-m', '50');
  expect(half!.tail.min).toBeGreaterThan(0);
  // Three ranks in two rings; a cube whose edge they do not divide; three ranks that count for a thousand.
  const [ring] = await rowsOf('b_eff', '-n', '3', '-m', '64:64');
  expect(ring!.megabytesPerSecond).toBeCloseTo((6 * 64) / ring!.us);
  const [step] = await rowsOf('halo_allreduce', '-n', '3', '-m', '8', '--await');
  expect(step!.us).toBeGreaterThan(0);
  const noise = await rowsOf('noise_alloc', '-n', '3', '-m', '1,1000');
  expect(noise.map(({ us, tail }) => us >= tail.min && us <= tail.max)).toEqual([true, true]);
  expect(noise[1]!.us).toBeGreaterThan(noise[0]!.us);
});

test('await, objects and data that is touched', async () => {
  const { code, stdout } = await bench(
    'latency',
    ...SHORT,
    '-m',
    '64:64',
    '--await',
    '--objects',
    '--json',
    '--',
    '--ranks',
    'thread',
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout.split('\n')[0]!)).toMatchObject({ kind: 'job', rankKind: 'thread' });
  const touched = await bench('latency', ...SHORT, '-m', '1024:1024', '--touch', '--rotate', '--json');
  expect(JSON.parse(touched.stdout.trim().split('\n').at(-1)!)).toMatchObject({ kind: 'row', size: 1024, iterations: 20 });
});

test('two interconnects, one that is not there, and their report', async () => {
  const words = ['bench', 'latency', 'allreduce', '--compare', 'shm,thread,rdma', ...SHORT, '-m', '8,1024', '-n', '2'];
  const { code, stdout, stderr } = await runJob([...words, '--launches', '1', '--output', output], options);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^# allreduce, 2 ranks .*us; ratios are of times/m);
  expect(stdout).toMatch(/^# Size +shm +thread +shm\/thread \(95 %\)$/m);
  expect(stdout).toMatch(/^# left out: rdma: /m);
  expect(stderr).toContain('report.png');
  const { records } = JSON.parse(readFileSync(join(output, 'results.json'), 'utf8'));
  expect(records).toHaveLength(4);
  const html = readFileSync(join(output, 'report.html'), 'utf8');
  expect(html.match(/<svg /g)!.length).toBeGreaterThanOrEqual(3);
  expect(html).not.toMatch(/<script|<link|src=/);
  expect([...readFileSync(join(output, 'report.png')).subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
});

test.skipIf(!isLong)(`beside what Node has of its own${isLong ? '' : ' (wants TSMPI_LONG_TESTS=1)'}`, async () => {
  const words = [
    'bench',
    'latency',
    'bw',
    '--compare',
    'process-send,message-port,ws',
    ...SHORT,
    '-m',
    '8,1024',
    '-W',
    '4',
    '--json',
  ];
  const { code, stdout } = await runJob([...words, '--launches', '1', '--output', output], options);
  expect(code).toBe(0);
  const { records, leftOut } = JSON.parse(stdout);
  expect(leftOut).toEqual([]);
  const names = records.map(({ side, rows }: { side: string; rows: RowLine[] }) => `${side} ${rows.map(({ size }) => size)}`);
  const once = ['process-send 8,1024', 'message-port 8,1024', 'ws 8,1024'];
  expect(names).toEqual([...once, ...once]);
});

test('Ctrl-C leaves nothing', async () => {
  const job = new Job(['bench', 'latency', '-m', '8:8', '-i', '1000000000', '-x', '0', '--json'], options);
  await job.output(/"kind":"job"/);
  process.kill(job.pid, 'SIGINT');
  expect((await job.end()).code).toBe(130);
});

test.each([
  [['latncy'], 'tsmpi bench: unknown program latncy: see tsmpi bench --list\n'],
  [
    ['--compare', 'shm,tin-cans'],
    'tsmpi bench: --compare got tin-cans: expected some of shm, thread, websocket, relay, rdma, process-send, message-port, ws\n',
  ],
  [['--peers', 'lam'], 'tsmpi bench: --peers got lam: expected some of openmpi, mpich, mpi4py\n'],
])('%j is refused', async (words, message) => {
  expect(await bench(...words)).toMatchObject({ code: 2, stdout: '', stderr: message });
});
