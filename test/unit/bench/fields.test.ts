/** Fields that sides have written: how far apart they are, and what is said of those that are too far. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { compareFields, describeWrong, fieldsOf } from '../../../bench/run/fields.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsmpi-fields-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (side: number, values: number[]): void =>
  writeFileSync(`${fieldsOf(folder, side, 2)}-64`, Float64Array.from(values));

test('the largest difference from the first side; a side without fields has none', () => {
  write(0, [1, 2, 3]);
  write(1, [1, 2, 3 + 2 ** -40]);
  write(2, [1, 2.5, 3]);
  write(3, [1, Number.NaN, 3]);
  write(4, [1, 2]);
  const sides = ['ours', 'near', 'far', 'none', 'short', 'absent'];
  const differences = compareFields(folder, sides, 'cavity', [1, 2], [64]);
  expect(differences.map(({ side, ranks, largest }) => [side, ranks, largest])).toEqual([
    ['near', 2, 2 ** -40],
    ['far', 2, 0.5],
    ['none', 2, Number.NaN],
    ['short', 2, Number.POSITIVE_INFINITY],
  ]);
  expect(describeWrong(differences, 'ours')).toEqual([
    'cavity, 2 ranks, 64 cells a side: fields of far differ by 0.5 from those of ours, expected 1e-10 at most',
    'cavity, 2 ranks, 64 cells a side: fields of none differ by NaN from those of ours, expected 1e-10 at most',
    'cavity, 2 ranks, 64 cells a side: fields of short differ by Infinity from those of ours, expected 1e-10 at most',
  ]);
});
