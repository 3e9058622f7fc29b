/** What counts as disturbed, and what is made of it. */

import { expect, test } from 'vitest';
import type { Repetition } from '../../../bench/records.ts';
import { figureOf, isSettled, judge, judgeRepetition, othersCores, tailOf } from '../../../bench/suite/judge.ts';
import { parseCpuLine } from '../../../bench/suite/machine.ts';

const quiet = { atMs: 0, busySeconds: 10, stealSeconds: 1, throttledCount: 3 };

test('a repetition is rejected by what moved, stole or throttled', () => {
  expect(judgeRepetition([0.3, 0.32], quiet, quiet)).toBeUndefined();
  expect(judgeRepetition([0.3, 0.34], quiet, quiet)).toBe('reference moved');
  expect(judgeRepetition([0.34, 0.3], quiet, quiet)).toBe('reference moved');
  expect(judgeRepetition([0.3, 0.3], quiet, { ...quiet, stealSeconds: 1.01 })).toBe('steal time');
  expect(judgeRepetition([0.3, 0.3], quiet, { ...quiet, throttledCount: 4 })).toBe('throttled by cgroup');
  expect(judgeRepetition([0.3, 0.3], undefined, undefined)).toBeUndefined();
});

test('cores of others are what was busy and not ours', () => {
  const after = { ...quiet, atMs: 1000, busySeconds: 12.5 };
  expect(othersCores(quiet, after, 2)).toBeCloseTo(0.5);
  expect(othersCores(quiet, after, 3)).toBe(0);
  expect(othersCores(quiet, { ...after, atMs: 50 }, 2)).toBeUndefined();
});

test('the first line of /proc/stat', () => {
  expect(parseCpuLine('cpu  100 25 25 4000 5 20 30 800 0 0')).toEqual({ busySeconds: 2, stealSeconds: 8 });
  expect(parseCpuLine('intr 1 2 3')).toBeUndefined();
});

const repetition = (us: number, rejected?: string): Repetition => ({
  us,
  reference: [1, 1],
  ...(rejected === undefined ? {} : { rejected }),
});

test('figures come of accepted repetitions; of all, and said to be, where there are too few', () => {
  const mixed = [repetition(1), repetition(9, 'steal time'), repetition(2), repetition(3)];
  const clean = judge(mixed, 3, 0.05);
  expect(clean).toEqual({ counting: [0, 2, 3], rejectedShare: 0.25, disturbed: [] });
  expect(figureOf(mixed, clean.counting)).toBe(2);
  const bad = judge([repetition(1), repetition(9, 'steal time'), repetition(8, 'reference moved')], 5, 0.5);
  expect(bad.counting).toEqual([0, 1, 2]);
  expect(bad.disturbed).toEqual(['2 of 3 repetitions: steal time, reference moved', 'others took 0.5 cores']);
});

test('three blocks within 3 % are steady', () => {
  expect(isSettled([1, 1.01])).toBe(false);
  expect(isSettled([5, 1, 1.01, 1.03])).toBe(true);
  expect(isSettled([1, 1.01, 1.04])).toBe(false);
});

test('tails', () => {
  const samples = Float64Array.from({ length: 1000 }, (_, k) => 1000 - k);
  expect(tailOf(samples)).toEqual({ min: 1, p50: 500, p90: 900, p99: 990, p999: 999, max: 1000 });
});
