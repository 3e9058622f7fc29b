/** Placement of ranks on hosts. */

import { describe, expect, test } from 'vitest';
import { parseHosts } from '../../../src/launcher/hosts/host-list.ts';
import type { ProgramBlock } from '../../../src/launcher/options.ts';
import { placeRanks } from '../../../src/launcher/placement.ts';
import { UsageError } from '../../../src/launcher/usage-error.ts';

const block = (ranks: number | undefined): ProgramBlock => ({
  ...{ ranks, program: 'a.js', args: [], exec: false, wdir: '/', env: {}, nodeArgs: [] },
});
const own = { name: 'here', cores: 6 };

describe('this machine', () => {
  const place = (blocks: ProgramBlock[], ppn?: number, stdin: number | 'all' | 'none' = 0) =>
    placeRanks({ blocks, ppn, stdin, mapBy: 'slot' }, undefined, own);

  test('ranks of programs in the order of the line', () => {
    expect(place([block(2), block(1), block(3)])).toEqual({
      size: 6,
      programOfRank: [0, 0, 1, 2, 2, 2],
      hosts: [{ name: 'here', user: undefined, slots: 6 }],
      hostOfRank: [0, 0, 0, 0, 0, 0],
    });
  });

  test('without -n: --ppn, else one rank per core', () => {
    expect(place([block(undefined)]).size).toBe(6);
    expect(place([block(undefined)], 3).size).toBe(3);
  });

  test('more ranks than cores', () => {
    expect(place([block(20)]).hostOfRank).toEqual(new Array(20).fill(0));
  });

  test.each([
    ['several programs without -n', () => place([block(2), block(undefined)]), 'with several programs each of them needs -n'],
    ['more ranks than --ppn on one host', () => place([block(8)], 3), '8 ranks with --ppn 3 need 3 hosts; there is one'],
    ['stdin of no rank', () => place([block(2)], undefined, 2), '--stdin 2: there is no such rank; the job has ranks 0 to 1'],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(new UsageError(message));
  });
});

describe('several hosts', () => {
  /** Ranks on each host, by name: `a0 a1 b2`. */
  const place = (hosts: string, ranks: number | undefined, mapBy: 'slot' | 'host' = 'slot', ppn?: number) => {
    const placed = placeRanks({ blocks: [block(ranks)], ppn, stdin: 0, mapBy }, parseHosts(hosts, '--host'), own);
    return placed.hostOfRank.map((host, rank) => `${placed.hosts[host]!.name}${rank}`).join(' ');
  };

  test.each([
    ['a:2,b:2', undefined, 'slot', 'a0 a1 b2 b3'],
    ['a:2,b:2', undefined, 'host', 'a0 b1 a2 b3'],
    ['a:2,b:2', 3, 'slot', 'a0 a1 b2'],
    ['a:2,b:2,c:2', 2, 'slot', 'a0 a1'],
    ['a:2,b:2,c:2', 2, 'host', 'a0 b1'],
    ['a:3,b:1', 4, 'host', 'a0 b1 a2 a3'],
    ['a,b', undefined, 'slot', 'a0 b1'],
    ['a,b', 5, 'slot', 'a0 a1 a2 b3 b4'],
    ['a:1,b:2', 6, 'host', 'a0 b1 a2 b3 a4 b5'],
  ] as const)('%s -n %s --map-by %s', (hosts, ranks, mapBy, expected) => {
    expect(place(hosts, ranks, mapBy)).toBe(expected);
  });

  test('--ppn takes the place of slots, and is a limit', () => {
    expect(place('a:4,b:4', undefined, 'slot', 1)).toBe('a0 b1');
    expect(place('a,b', 4, 'slot', 2)).toBe('a0 a1 b2 b3');
    expect(() => place('a,b', 5, 'slot', 2)).toThrow('5 ranks with --ppn 2 need 3 hosts; there are 2');
  });

  test('only hosts with ranks are used, with their slots and users', () => {
    const hosts = parseHosts('a:2,me@b:4,c', '--host');
    const { hosts: used } = placeRanks({ blocks: [block(3)], ppn: undefined, stdin: 0, mapBy: 'slot' }, hosts, own);
    expect(used).toEqual([
      { name: 'a', user: undefined, slots: 2 },
      { name: 'b', user: 'me', slots: 4 },
    ]);
  });
});
