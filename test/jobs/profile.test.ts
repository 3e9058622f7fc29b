/** --profile: calls and bytes are exact, times are where the program spent them, the report is the same in all its forms. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { program, runJob } from './run-job.ts';

interface Region {
  readonly name: string;
  readonly calls: number;
  readonly seconds: number;
  readonly messageShare: number;
  readonly imbalance: number;
  readonly operations: Readonly<Record<string, { calls: number; bytes: number; seconds: number; maxSeconds: number }>>;
}
interface Report {
  readonly size: number;
  readonly seconds: number;
  readonly maxMemoryBytes: number;
  readonly regions: readonly Region[];
}

describe.each([
  ['processes', ['--ranks', 'process']],
  ['threads', ['--ranks', 'thread']],
  ['processes joined by sockets', ['--ranks', 'process', '--transport', 'websocket,self']],
])('ranks as %s', (_, options) => {
  test('regions, calls and bytes, and who waited for whom', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsmpi-profile-'));
    try {
      const file = join(folder, 'profile.json');
      const args = ['-n', '2', '--quiet', ...options, '--profile', '--profile-file', file];
      const job = await runJob([...args, program('profile/regions.ts'), 'own']);
      expect(job.code).toBe(0);
      const lines = job.stdout.trim().split('\n').sort();
      const waited = lines.slice(0, 2).map((line) => Number(line.replace('barrier ', '')));
      expect(lines[2]).toBe('nothing');
      check(JSON.parse(lines[3]!) as Report, Math.max(...waited));
      const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
      check(report, Math.max(...waited));
      expect(report.regions.find(({ name }) => name === '')!.operations.profile!.calls).toBe(2);
      const [head, ...table] = job.stderr.trim().split('\n');
      expect(head).toMatch(
        /^tsmpi: profile of 2 ranks: \d+\.\d{3} s, \d+\.\d % in messages, max\/mean \d+\.\d\d, memory of a rank /,
      );
      expect(table[0]!.trim().split(/ {2,}/)).toEqual(['calls', 'seconds', 'longest', 'in messages', 'max/mean', 'MiB']);
      const names = table.slice(1).map((line) => line.split(/ {2,}/).find((word) => word !== ''));
      const expected = report.regions.flatMap(({ name, operations }) => [
        name || '(outside of regions)',
        ...Object.keys(operations),
      ]);
      expect(names).toEqual(expected);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** `waited`: how long the barrier took by the program's own clock on the rank that waited longer. */
function check({ size, seconds, maxMemoryBytes, regions }: Report, waited: number): void {
  expect(size).toBe(2);
  expect(maxMemoryBytes).toBeGreaterThan(20 * 2 ** 20);
  const region = (name: string): Region => regions.find((candidate) => candidate.name === name)!;
  expect(regions.map(({ name }) => name).sort()).toEqual(['', 'awaited', 'failing', 'last', 'strided', 'uneven', 'within']);
  expect(regions.reduce((sum, part) => sum + part.seconds, 0)).toBeCloseTo(seconds, 6);
  for (const part of regions) {
    expect(part.calls).toBe(2);
    expect(part.messageShare).toBeLessThanOrEqual(1 + 1e-9);
    expect(part.imbalance).toBeGreaterThanOrEqual(1 - 1e-9);
    for (const [name, { calls }] of Object.entries(part.operations)) expect(calls, name).toBeGreaterThan(0);
  }
  expect(Object.keys(region('uneven').operations)).toEqual(['barrier']);
  expect(region('uneven').operations.barrier).toMatchObject({ calls: 2, bytes: 0 });
  expect(region('awaited').operations.send).toMatchObject({ calls: 10, bytes: 10 * 1024 });
  expect(region('awaited').operations.recv!.calls).toBe(10);
  expect(region('within').operations.allreduce).toMatchObject({ calls: 2, bytes: 2 * 1024 });
  expect(region('').operations.sendrecv).toMatchObject({ calls: 600, bytes: 600 * 1024 });
  expect(region('').operations.probe!.calls).toBe(2);
  expect(region('last').operations.sendObject!.calls).toBe(2);
  expect(region('strided').operations.sendrecv).toMatchObject({ calls: 2, bytes: 2 * 65536 * 8 });
  expect(region('failing').operations).toEqual({});
  expect(Math.abs(region('uneven').operations.barrier!.maxSeconds - waited)).toBeLessThan(0.02 + 0.2 * waited);
}

test('without --profile a program may start it', async () => {
  const job = await runJob(['-n', '2', '--quiet', program('profile/regions.ts'), 'own', 'start']);
  expect(job.stderr).toBe('');
  const lines = job.stdout.trim().split('\n').sort();
  const waited = lines.slice(0, 2).map((line) => Number(line.replace('barrier ', '')));
  check(JSON.parse(lines[3]!) as Report, Math.max(...waited));
});

test('without --profile nothing is said, and a region is a call', async () => {
  const job = await runJob(['-n', '2', '--quiet', program('profile/regions.ts'), 'own']);
  expect(job.stderr).toBe('');
  expect(job.stdout).toMatch(/^(barrier .*\n|nothing\n){4}$/);
  expect(job.code).toBe(0);
});

test('a file that cannot be written is named, and the exit code is 1', async () => {
  const job = await runJob(['-n', '2', '--quiet', '--profile-file', '/dev/null/profile.json', program('profile/regions.ts')]);
  expect(job.stderr).toContain('tsmpi: rank 0: the profile could not be written: ENOTDIR');
  expect(job.code).toBe(1);
});
