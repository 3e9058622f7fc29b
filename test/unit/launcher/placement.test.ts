/** Placement of ranks on one host. */

import { expect, test } from 'vitest';
import type { ProgramBlock } from '../../../src/launcher/options.ts';
import { placeRanks, UsageError } from '../../../src/launcher/placement.ts';

const block = (ranks: number | undefined): ProgramBlock => ({
  ...{ ranks, program: 'a.js', args: [], exec: false, wdir: '/', env: {}, nodeArgs: [] },
});
const place = (blocks: ProgramBlock[], ppn?: number, stdin: number | 'all' | 'none' = 0) => placeRanks({ blocks, ppn, stdin }, 6);

test('ranks of programs in the order of the line', () => {
  expect(place([block(2), block(1), block(3)])).toEqual({ size: 6, programOfRank: [0, 0, 1, 2, 2, 2] });
});

test('without -n: --ppn, else one rank per core', () => {
  expect(place([block(undefined)]).size).toBe(6);
  expect(place([block(undefined)], 3).size).toBe(3);
});

test.each([
  ['several programs without -n', () => place([block(2), block(undefined)]), 'with several programs each of them needs -n'],
  ['more ranks than --ppn on one host', () => place([block(8)], 3), '8 ranks with --ppn 3 need 3 hosts; there is one'],
  ['stdin of no rank', () => place([block(2)], undefined, 2), '--stdin 2: there is no such rank; the job has ranks 0 to 1'],
])('%s', (_, run, message) => {
  expect(run).toThrow(new UsageError(message));
});
