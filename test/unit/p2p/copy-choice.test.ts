/** Which way long messages move, told by times of a made-up clock. */

import { expect, test } from 'vitest';
import { CopyChoice } from '../../../src/p2p/copy-choice.ts';

const BYTES = 1 << 20;

/** Messages one after the other; `fetchMs` and `streamMs`: what each takes. Returns which were fetched. */
function run(choice: CopyChoice, count: number, start: number, fetchMs: number, streamMs: number): boolean[] {
  let now = start;
  return Array.from({ length: count }, () => {
    const isFetch = choice.prefersFetch(BYTES);
    const end = now + (isFetch ? fetchMs : streamMs);
    choice.record(isFetch, BYTES, now, end);
    now = end;
    return isFetch;
  });
}

test('both ways are tried, then the faster one is taken', () => {
  const streamed = run(new CopyChoice(), 24, 0, 2, 1);
  expect(streamed).toEqual([...Array(4).fill(true), ...Array(20).fill(false)]);
  const fetched = run(new CopyChoice(), 24, 0, 1, 2);
  expect(fetched).toEqual([...Array(4).fill(true), ...Array(4).fill(false), ...Array(16).fill(true)]);
});

test('a way that became faster is found by the next trial, and trials become seldom', () => {
  const choice = new CopyChoice();
  run(choice, 24, 0, 1, 2);
  const later = run(choice, 40, 1000, 2, 1);
  expect(later.slice(8)).toEqual(Array(32).fill(false));
  const long = run(choice, 20_000, 2000, 2, 1);
  expect(long.filter((isFetch) => isFetch).length).toBeLessThan(50);
  expect(long.slice(-8192).some((isFetch) => isFetch)).toBe(true);
});

test('messages matched before a trial began do not count in it', () => {
  const choice = new CopyChoice();
  // 64 are matched at once: all are fetched, and the last ones end when streams are to be tried.
  for (let k = 0; k < 64; k++) expect(choice.prefersFetch(BYTES)).toBe(true);
  for (let k = 0; k < 64; k++) choice.record(true, BYTES, 0, k + 1);
  expect(choice.prefersFetch(BYTES)).toBe(false);
  expect(run(choice, 6, 100, 1, 10).slice(0, 4)).toEqual(Array(4).fill(false));
});

test('lengths of another order are judged apart', () => {
  const choice = new CopyChoice();
  run(choice, 20, 0, 2, 1);
  expect(choice.prefersFetch(BYTES)).toBe(false);
  expect(choice.prefersFetch(BYTES * 2)).toBe(true);
});
