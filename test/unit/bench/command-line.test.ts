/** The words of `tsmpi bench`: sizes, letters, and one sentence for each mistake. */

import { expect, test } from 'vitest';
import { findProgram, PROGRAMS } from '../../../bench/catalogue.ts';
import { type BenchCommand, parseBenchCommand } from '../../../bench/run/command-line.ts';

async function parse(...words: string[]): Promise<BenchCommand> {
  return (await parseBenchCommand(words)) as BenchCommand;
}

test('letters of OSU become settings', async () => {
  const command = await parse('osu_bw', '-m', '8:64', '-i', '100', '-x', '10', '-W', '32', '-f', '-z', '50,99', '--', '--tls');
  expect(command.programs.map(({ name }) => name)).toEqual(['bw']);
  expect(command.settings(findProgram('bw')!)).toMatchObject({ sizes: [8, 16, 32, 64], iterations: 100, warmup: 10, window: 32 });
  expect(command.columns).toEqual({ isFull: true, percentiles: [50, 99] });
  expect(command.launcherOptions).toEqual(['--tls']);
});

test('sizes: ranges, lists, between the powers of two', async () => {
  const sizes = async (program: string, ...words: string[]): Promise<readonly number[]> =>
    (await parse(program, ...words)).settings(findProgram(program)!).sizes;
  expect(await sizes('latency', '-m', '0:4')).toEqual([0, 1, 2, 4]);
  expect(await sizes('latency', '-m', '4')).toEqual([1, 2, 4]);
  expect(await sizes('latency', '-m', '1000,8')).toEqual([8, 1000]);
  expect(await sizes('latency', '-m', '1024:1024', '--odd')).toEqual([1023, 1024, 1025, 1536]);
  expect(await sizes('allreduce', '-m', '1:16')).toEqual([4, 8, 16]);
  expect(await sizes('barrier')).toEqual([0]);
  expect(await sizes('match_posted')).toEqual([0, 1, 10, 100, 1000, 10_000]);
  expect(await sizes('latency_load', '-m', '50', '--odd')).toEqual([50]);
  expect(await sizes('match_posted', '-m', '100:400')).toEqual([100, 200, 400]);
  expect(await sizes('noise', '-n', '1', '-m', '0:2')).toEqual([1, 2]);
});

test.each([
  [[], 'expected a program, as latency, bw or allreduce; see tsmpi bench --list'],
  [['latncy'], 'unknown program latncy: see tsmpi bench --list'],
  [['latency', '-m', '64:8'], '-m got 64:8: expected MIN:MAX, the smaller first'],
  [['latency', '-m', 'x'], '-m got x: expected a whole number from 0 on'],
  [['latency', '-i', '0'], '-i got 0: expected a whole number from 1 on'],
  [['latency', '-z', '42'], '-z got 42: expected some of 50, 90, 99, 99.9, 100'],
  [['latency', '-n', '1'], 'latency needs two ranks: -n got 1'],
  [['allreduce', '-m', '2'], '-m got 2: allreduce starts at 4'],
  [['noise', '-m', '0'], '-m got 0: noise starts at 1'],
  [['b_eff', '-n', '1'], 'b_eff needs two ranks: -n got 1'],
  [['latency_load', '-m', '50,101'], 'latency_load takes loads in per cent: -m got 101, expected 100 at most'],
  [['mbw_mr', '-n', '3'], 'mbw_mr takes pairs of ranks: -n got 3, expected an even number'],
  [['allreduce', '--objects'], '--objects is for latency, bw and bibw, not allreduce'],
  [['cavity', '-m', '100'], 'cavity: 100 cells a side cannot be halved often enough for the multigrid: take 104, for example'],
  [['cavity', '-m', '8', '-n', '5'], 'cavity: 5 ranks form 5 × 1 blocks, but 8 cells a side are cut into at most 4 × 4'],
  [['cavity', '--await'], '--await is not for cavity, whose ranks wait()'],
  [['--compare', 'shm', '--peers', ''], 'expected one of --compare, --peers and --pair'],
  [['--pair', 'a'], '--pair got a: expected two folders, FIRST,SECOND'],
  [['latency', '--frobnicate'], 'unknown argument frobnicate: see tsmpi bench --help'],
])('%j is refused', async (words, message) => {
  await expect(parseBenchCommand(words)).rejects.toThrow(message);
});

test('the suite has the programs of OSU, each once', () => {
  const names = PROGRAMS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(
    expect.arrayContaining([
      'latency',
      'bw',
      'bibw',
      'mbw_mr',
      'multi_lat',
      'allreduce',
      'iallreduce',
      'ibarrier',
      'init',
      'hello',
    ]),
  );
});
