/** What ranks tell each other by a launcher's key-value store, and the hosts and cores that follow. */

import { expect, test } from 'vitest';
import {
  countCores,
  decodeValue,
  encodeValue,
  groupByHost,
  type RankFacts,
  requireVersion,
} from '../../../src/runtime/pmi/rank-facts.ts';

const rank = (place: string, cores = '1'): RankFacts => ({
  version: '0.0.0',
  place,
  host: `at ${place}`,
  pid: 7,
  line: 8,
  cores,
  program: 0,
});

test('hosts are numbered by their lowest ranks, however ranks are dealt out', () => {
  expect(groupByHost(['b', 'a', 'b', 'c', 'a'].map((place) => rank(place)))).toEqual({
    ranks: [[0, 2], [1, 4], [3]],
    hostOfRank: [0, 1, 0, 2, 1],
  });
});

test('cores are those that any of the ranks may use', () => {
  expect(countCores([rank('a', '3'), rank('a', '6'), rank('a', `8${'0'.repeat(40)}`)])).toBe(4);
});

test('values pass through a store of lines and fields, and are refused when they are too long or not there', () => {
  const value = { text: 'a=b;c d\n"ü"', number: 1 };
  const text = encodeValue(value, 1023);
  expect(text).toMatch(/^[\w-]+$/);
  expect(decodeValue(text, 'it')).toEqual(value);
  expect(() => encodeValue({ text: 'x'.repeat(1000) }, 1023)).toThrow(
    'what this rank has to tell takes 1348 characters: the launcher takes 1023 at most',
  );
  expect(() => decodeValue(undefined, 'the facts of rank 3')).toThrow('the launcher holds nothing as the facts of rank 3');
  expect(() => decodeValue('unknown', 'the facts of rank 3')).toThrow('the launcher holds "unknown" as the facts of rank 3');
});

test('another version is named', () => {
  expect(() => requireVersion(rank('a'), 3, 1)).toThrow(
    /^rank 3 on at a loads tsmpi 0\.0\.0 and rank 1 \d+\.\d+\.\d+: expected one version$/,
  );
});
