/** The cgroups' quota of processor time, from files as the kernel writes them. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cpuQuota } from '../../../src/cli/cpu-quota.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsmpi-cgroup-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function quotaWith(own: string, files: Record<string, string>): number | undefined {
  for (const [name, text] of Object.entries({ own, ...files })) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return cpuQuota({ own: join(root, 'own'), root });
}

test('version 2: the least of the tree counts', () => {
  const files = { 'a/b/cpu.max': 'max 100000\n', 'a/cpu.max': '150000 100000\n', 'cpu.max': '400000 100000\n' };
  expect(quotaWith('0::/a/b\n', files)).toBe(1.5);
});

test('version 2 in a container, which sees its own cgroup as the root', () => {
  expect(quotaWith('0::/docker/1234\n', { 'cpu.max': '50000 100000\n' })).toBe(0.5);
});

test('version 1, beside other controllers', () => {
  const files = {
    'cpu/job/cpu.cfs_quota_us': '250000\n',
    'cpu/job/cpu.cfs_period_us': '100000\n',
    'cpu/cpu.cfs_quota_us': '-1\n',
  };
  expect(quotaWith('5:cpuset:/\n4:cpu,cpuacct:/job\n0::/\n', { ...files, 'cpu/cpu.cfs_period_us': '100000\n' })).toBe(2.5);
});

test('no quota, and no cgroups at all', () => {
  expect(quotaWith('0::/\n', { 'cpu.max': 'max 100000\n' })).toBeUndefined();
  expect(cpuQuota({ own: join(root, 'nowhere'), root })).toBeUndefined();
});
