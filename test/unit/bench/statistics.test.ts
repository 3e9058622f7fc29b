/** Statistics of benchmarks against values that are known. */

import { expect, test } from 'vitest';
import { expectedSlowest, mean, median, quantileOfSorted, ratioOfMedians } from '../../../bench/lib/statistics.ts';

test('median and mean', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(mean([1, 2, 6])).toBe(3);
});

test('quantiles by nearest rank', () => {
  const thousand = Float64Array.from({ length: 1000 }, (_, k) => k + 1);
  expect([0, 0.5, 0.9, 0.99, 0.999, 1].map((q) => quantileOfSorted(thousand, q))).toEqual([1, 500, 900, 990, 999, 1000]);
  expect(quantileOfSorted(Float64Array.of(5), 0.99)).toBe(5);
});

test('the slowest of some that draw from samples', () => {
  const dice = Float64Array.of(6, 2, 4, 1, 3, 5);
  expect(expectedSlowest(dice, 1)).toBeCloseTo(3.5);
  // The higher of two dice: 161/36.
  expect(expectedSlowest(dice, 2)).toBeCloseTo(161 / 36);
  expect(expectedSlowest(dice, 1024)).toBeCloseTo(6);
  expect(expectedSlowest(Float64Array.of(7, 7, 7), 64)).toBeCloseTo(7);
});

test('the ratio of medians and its interval', () => {
  const { ratio, from, to } = ratioOfMedians([10, 11, 9, 10, 12, 10, 9, 11, 10, 10], [20, 21, 19, 20, 22, 20, 19, 21, 20, 20]);
  expect(ratio).toBe(0.5);
  expect(from).toBeGreaterThan(0.44);
  expect(from).toBeLessThanOrEqual(0.5);
  expect(to).toBeGreaterThanOrEqual(0.5);
  expect(to).toBeLessThan(0.56);
  // Values that never change leave nothing open.
  expect(ratioOfMedians([3, 3, 3], [2, 2, 2])).toEqual({ ratio: 1.5, from: 1.5, to: 1.5 });
});

test('an interval holds the true ratio nearly always: 95 of 100 times', () => {
  // Launches that differ by up to 20 %, of two sides that are equal.
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  const launches = (): number[] => Array.from({ length: 10 }, () => 1 + 0.2 * random());
  let held = 0;
  for (let k = 0; k < 60; k++) {
    const { from, to } = ratioOfMedians(launches(), launches());
    if (from <= 1 && to >= 1) held++;
  }
  expect(held).toBeGreaterThanOrEqual(52);
});
