/** However a range is cut, its chunks follow on each other from end to end, keep to the grain and fit the team's memory. */

import { expect, test } from 'vitest';
import { LoopMemory, MAX_CHUNKS } from '../../../src/compute/loop-memory.ts';
import { planLoop, type Range } from '../../../src/compute/loop-plan.ts';

const SIZES = [1, 2, 3, 7, 64, 256];
const LENGTHS = [1, 2, 3, 100, 101, 8191, 1_000_003];
const GRAINS = [undefined, 1, 2, 64, 5000];

/** Where chunks begin, and the end of the last, as every thread of the team works it out. */
function borders(range: Range, size: number): number[] {
  const plan = planLoop('parallelFor', range, size);
  const memory = new LoopMemory(size);
  plan.writeBounds(memory.bounds);
  memory.describe(0, plan.schedule, plan.chunks, plan.to, plan.grain, 0, false);
  return Array.from({ length: plan.chunks + 1 }, (_, chunk) => memory.startOf(chunk));
}

test.each(['static', 'dynamic', 'guided'] as const)('%s', (schedule) => {
  for (const size of SIZES) {
    for (const length of LENGTHS) {
      for (const grain of GRAINS) {
        for (const from of [0, -37]) {
          const range = { from, to: from + length, schedule, ...(grain === undefined ? {} : { grain }) };
          const at = borders(range, size);
          const what = JSON.stringify([range, size]);
          expect(at[0], what).toBe(from);
          expect(at.at(-1), what).toBe(from + length);
          expect(at.length, what).toBeLessThanOrEqual(MAX_CHUNKS + 1);
          const lengths = at.slice(1).map((end, chunk) => end - at[chunk]!);
          expect(Math.min(...lengths), what).toBeGreaterThan(0);
          expect(
            at.slice(1, -1).filter((inner) => (inner - from) % (grain ?? 1) !== 0),
            what,
          ).toEqual([]);
          if (schedule === 'static') {
            expect(lengths.length, what).toBe(Math.min(size, Math.ceil(length / (grain ?? 1))));
            expect(Math.max(...lengths) - Math.min(...lengths.slice(0, -1), Number.POSITIVE_INFINITY), what).toBeLessThanOrEqual(
              grain ?? 1,
            );
          }
        }
      }
    }
  }
});

test('indices beyond 32 bits', () => {
  const from = 2 ** 52;
  const at = borders({ from, to: from + 10, schedule: 'dynamic', grain: 3 }, 2);
  expect(at).toEqual([from, from + 3, from + 6, from + 9, from + 10]);
  expect(borders({ from: -(2 ** 53) + 1, to: 2 ** 53 - 1 }, 2)[1]).toBe(0);
});

test('nothing to do has no chunks', () => {
  expect(planLoop('parallelFor', 0, 4).chunks).toBe(0);
  expect(planLoop('parallelFor', { from: 5, to: 5, schedule: 'guided' }, 4).chunks).toBe(0);
});
