/**
 * The weather model: errors and orders of the standard cases, conservation, equal bits on any number of ranks and from
 * checkpoints, its files, and what it refuses.
 *
 * Whole cases run with TSMPI_LONG_TESTS=1; the scheme itself is in test/unit/examples.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { readSettings } from '../../examples/weather/options.ts';
import { firstOf, isLong } from '../long.ts';
import { type NetcdfFile, readNetcdf } from './netcdf.ts';
import { Job, type JobResult, runJob } from './run-job.ts';

const WEATHER = fileURLToPath(new URL('../../examples/weather/weather.ts', import.meta.url));
const SCALING = fileURLToPath(new URL('../../examples/weather/scaling.ts', import.meta.url));
/** Why whole cases are left out; empty if they are not. */
const SHORT = isLong ? '' : ' (skipped: wants TSMPI_LONG_TESTS=1)';
const LONG_MS = 900_000;

const folder = mkdtempSync(join(tmpdir(), 'tsmpi-weather-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Summary {
  readonly end: { readonly reason: string; readonly code: number; readonly day: number; readonly steps: number };
  readonly start: { readonly day: number; readonly steps: number };
  readonly threadsPerRank: number;
  readonly mesh: { readonly points: number; readonly dt: number };
  readonly conservation: { readonly mass: number; readonly energy: number; readonly energyRise: number };
  readonly mean: { readonly height: number; readonly depth: number };
  readonly change: { readonly l1: number; readonly l2: number; readonly lInfinity: number };
  readonly cost: {
    readonly seconds: number;
    readonly regions: Readonly<Record<string, number>>;
    readonly perStep: { readonly messages: number; readonly bytes: number };
    readonly overlap: { readonly aloneUs: number; readonly besideUs: number; readonly hidden: number } | null;
  };
  readonly digest: string;
  readonly origin: { readonly tsmpi: string; readonly flags: readonly string[]; readonly hosts: readonly { name: string }[] };
}
interface Run extends JobResult {
  readonly summary: Summary;
  readonly out: string;
}

let runs = 0;

function lacks(tool: string): boolean {
  return spawnSync(tool, ['--version']).error !== undefined;
}

/** A test that is left out says which Debian package it wants. */
function nameToolTest(name: string, tool: string, debianPackage: string): string {
  return lacks(tool) ? `${name} (skipped: wants ${tool}, package ${debianPackage})` : name;
}

/** Run the model and read its summary. */
async function runWeather(ranks: number, flags: string, launcher: readonly string[] = []): Promise<Run> {
  const out = join(folder, `run-${++runs}`);
  const args = ['-n', String(ranks), '--quiet', ...launcher, WEATHER, ...flags.split(' '), '--quiet', '--out', out];
  const result = await runJob(args, { deadlineMs: LONG_MS });
  if (result.code !== 0) throw new Error(`exit code ${result.code}\n${result.stdout}\n${result.stderr}`);
  return { ...result, summary: JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary, out };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The root of the mean square of what two runs' heights differ by in a record, over that of the second. */
function compareHeights(one: Run, other: Run, record: number): number {
  const [left, right] = [one, other].map(({ out }) => readNetcdf(join(out, 'weather.nc'))) as [NetcdfFile, NetcdfFile];
  const areas = left.variables.get('cell_area')!.values;
  const [a, b] = [left, right].map((file) =>
    file.variables.get('height')!.values.subarray(record * areas.length, (record + 1) * areas.length),
  ) as [Float64Array, Float64Array];
  const sum = (value: (k: number) => number): number => areas.reduce((total, area, k) => total + area * value(k), 0);
  return Math.sqrt(sum((k) => (a[k]! - b[k]!) ** 2) / sum((k) => b[k]! ** 2));
}

/** How fast something falls from one resolution to the next, as a power of their ratio. */
function orderOf(coarse: number, fine: number, ratio: number): number {
  return Math.log(coarse / fine) / Math.log(ratio);
}

describe('equal bits after equal steps', () => {
  const flags = '--case 6 --cells 3 --days 0.25 --columns 16 --no-pictures';
  let one: Promise<Run> | undefined;

  test.each(
    firstOf(3, [
      [3, 'process', 1],
      [5, 'thread', 1],
      [2, 'process', 3],
      [1, 'process', 4],
      [2, 'thread', 2],
      [8, 'process', 1],
    ] as const),
  )('%i ranks, each a %s with %i threads', async (ranks, kind, threads) => {
    const { summary, out } = await runWeather(ranks, flags, ['--ranks', kind, '--threads-per-rank', String(threads)]);
    expect(summary.threadsPerRank).toBe(threads);
    one ??= runWeather(1, flags, ['--threads-per-rank', '1']);
    const expected = await one;
    compareBits({ summary, out }, expected);
  });
});

function compareBits({ summary, out }: Pick<Run, 'summary' | 'out'>, expected: Run): void {
  expect(summary.digest).toBe(expected.summary.digest);
  expect(summary.conservation).toEqual(expected.summary.conservation);
  const [mine, theirs] = [out, expected.out].map((path) => readNetcdf(join(path, 'weather.nc')).variables);
  for (const [name, { values }] of theirs!)
    expect(Buffer.compare(bytesOf(mine!.get(name)!.values), bytesOf(values)), name).toBe(0);
  expect(readFileSync(join(out, 'history.csv'))).toEqual(readFileSync(join(expected.out, 'history.csv')));
}

describe('a run in two parts has the bits, the history and the maps of one without a break', () => {
  const flags = '--case 6 --cells 3 --columns 16 --no-pictures';

  test('by 2 ranks and 3, from the newest checkpoint that is whole', async () => {
    const store = join(folder, 'in-parts');
    const first = await runWeather(2, `${flags} --days 0.5 --every 0.25 --checkpoint ${store} --checkpoint-every 0.25`);
    expect(first.summary.start).toEqual({ day: 0, steps: 0 });
    expect(first.summary.end).toMatchObject({ reason: 'complete', code: 0, day: 0.5 });
    // That of day 0.5 is damaged: the one before is taken, and the maps and moments that lie behind it are made again.
    const damaged = join(store, 'g2-r1.part');
    const bytes = readFileSync(damaged);
    bytes[100]! ^= 1;
    writeFileSync(damaged, bytes);
    const second = await runWeather(3, `${flags} --days 0.75 --every 0.25 --checkpoint ${store}`);
    expect(second.stderr).toMatch(/is not as it was written.*; step \d+ is taken instead/);
    expect(second.summary.start).toEqual({ day: 0.25, steps: first.summary.end.steps / 2 });
    const whole = await runWeather(2, `${flags} --days 0.75 --every 0.25`);
    compareBits(second, whole);

    const out = join(folder, 'other-settings');
    const other = [...flags.replace('3', '4').split(' '), '--step', '300', '--checkpoint', store, '--out', out];
    const { code, stderr } = await runJob(['-n', '2', '--quiet', WEATHER, ...other]);
    expect(code).toBe(2);
    expect(stderr).toContain(
      `weather: the checkpoint in ${store} is of 3 cells, a step of ${Number(whole.summary.mesh.dt.toFixed(3))} s, the settings are 4 cells, a step of 300 s: `,
    );
    expect(readdirSync(out)).toEqual([]);
  });

  test('evicted from 2 ranks at any step, by 3', async () => {
    const store = join(folder, 'evicted');
    const out = join(folder, 'evicted-out');
    const long = `${flags.replace('6', '2')} --every 2 --checkpoint ${store}`;
    const job = new Job(['-n', '2', '--quiet', WEATHER, ...long.split(' '), '--days', '10000', '--out', out]);
    await job.output(/^day 1 of 10000/m);
    job.child.kill('SIGTERM');
    const { code, lastLine } = await job.end();
    expect(lastLine).toBe('tsmpirun: ended by SIGTERM');
    expect(code).toBe(143);
    const { end } = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary;
    expect(end).toMatchObject({ reason: 'evicted', code: 5 });
    expect(readdirSync(out).sort()).toEqual(['history.csv', 'summary.json']);
    const days = Math.floor(end.day * 4 + 1) / 4;
    const rest = await runWeather(3, `${long} --days ${days}`);
    expect(rest.summary.start).toEqual({ day: end.day, steps: end.steps });
    compareBits(rest, await runWeather(2, `${long.replace(/ --checkpoint.*/, '')} --days ${days}`));
  });
});

describe('case 2, whose flow is steady', () => {
  test.skipIf(!isLong)(`orders over 4², 6² and 9² elements a panel, by degree 3, after a day${SHORT}`, async () => {
    const errors: Summary['change'][] = [];
    for (const cells of [4, 6, 9]) {
      const { summary } = await runWeather(2, `--case 2 --days 1 --cells ${cells} --columns 16 --no-pictures`);
      expect(Math.abs(summary.conservation.mass)).toBeLessThanOrEqual(1e-13);
      expect(summary.conservation.energyRise).toBeLessThanOrEqual(1e-8);
      errors.push(summary.change);
    }
    const [coarse, middle, fine] = errors as [Summary['change'], Summary['change'], Summary['change']];
    for (const [name, least] of [
      ['l1', 3.5],
      ['l2', 3.5],
      ['lInfinity', 3],
    ] as const) {
      expect(orderOf(coarse[name], middle[name], 1.5), name).toBeGreaterThanOrEqual(least);
      expect(orderOf(middle[name], fine[name], 1.5), name).toBeGreaterThanOrEqual(least);
    }
    expect(fine.l2).toBeLessThanOrEqual(5e-5);
  });

  test.skipIf(SHORT !== '')(
    `five days on 24576 points: l2(h) at most 5e-5${SHORT}`,
    async () => {
      const { summary } = await runWeather(2, '--case 2 --cells 16');
      expect(summary.mesh.points).toBe(24_576);
      expect(summary.end.day).toBe(5);
      expect(summary.change.l2).toBeLessThanOrEqual(5e-5);
      expect(Math.abs(summary.conservation.mass)).toBeLessThanOrEqual(1e-13);
    },
    LONG_MS,
  );
});

test.skipIf(!isLong)(`the order in time is 2.8 at least, by halving the step on one grid${SHORT}`, async () => {
  const steps: Run[] = [];
  for (const step of [720, 360, 180]) {
    steps.push(await runWeather(1, `--case 6 --cells 3 --days 0.25 --every 0.25 --columns 16 --no-pictures --step ${step}`));
  }
  const [long, middle, short] = steps as [Run, Run, Run];
  // Maps are of the beginning and the end.
  const [first, second] = [compareHeights(long, middle, 1), compareHeights(middle, short, 1)];
  expect(orderOf(first, second, 2)).toBeGreaterThanOrEqual(2.8);
});

describe('case 5, over a mountain', () => {
  let threeDays: Promise<Run> | undefined;
  const runThreeDays = (): Promise<Run> => (threeDays ??= runWeather(2, '--days 3 --every 1.5'));

  test('three days of the default: mass to 1e-13, energy never rises', async () => {
    const { summary, out, stdout } = await runThreeDays();
    expect(summary.mesh.points).toBeGreaterThanOrEqual(6000);
    checkConservation(summary, -2e-5);
    checkFiles(out, summary);
    checkCost(summary);
    expect(summary.origin).toMatchObject({ tsmpi: expect.any(String), flags: expect.arrayContaining(['--every', '1.5']) });
    for (const line of ['simulated days/min', '% hidden', 'mean height', 'l∞', 'computing', 'exchange', 'output']) {
      expect(stdout).toContain(line);
    }
  });

  test.skipIf(lacks('ncdump'))(nameToolTest('ncdump opens weather.nc', 'ncdump', 'netcdf-bin'), async () => {
    const { out } = await runThreeDays();
    const header = execFileSync('ncdump', ['-h', join(out, 'weather.nc')], { encoding: 'utf8' });
    expect(header).toContain('time = UNLIMITED ; // (3 currently)');
    expect(header).toContain('height:cell_methods = "area: mean" ;');
  });

  test.skipIf(lacks('cdo'))(nameToolTest('cdo finds the mean of the summary to 1e-6', 'cdo', 'cdo'), async () => {
    const { out, summary } = await runThreeDays();
    for (const name of ['height', 'depth'] as const) {
      const fields = [`-selname,${name}`, '-seltimestep,-1', join(out, 'weather.nc')];
      const value = Number(execFileSync('cdo', ['-s', 'outputf,%.12g,1', '-fldmean', ...fields], { encoding: 'utf8' }));
      expect(Math.abs(value / summary.mean[name] - 1), name).toBeLessThanOrEqual(1e-6);
    }
  });

  test.skipIf(SHORT !== '')(
    `fifteen days, and against its own run at 1.5 times the resolution${SHORT}`,
    async () => {
      checkConservation((await runWeather(2, '--case 5')).summary, -2e-5);
      const coarse = await runWeather(2, '--cells 16');
      const fine = await runWeather(2, '--cells 24');
      checkConservation(coarse.summary, -2e-5);
      // Maps are of days 0, 5, 10 and 15.
      expect(compareHeights(coarse, fine, 1)).toBeLessThanOrEqual(2e-4);
      expect(compareHeights(coarse, fine, 3)).toBeLessThanOrEqual(1e-3);
    },
    LONG_MS,
  );

  /** The files that a run of three days with maps every day and a half leaves. */
  function checkFiles(out: string, summary: Summary): void {
    const pictures = ['000.00', '001.50', '003.00'].map((day) => `maps-day-${day}.png`);
    expect(readdirSync(out).sort()).toEqual(['history.csv', ...pictures, 'summary.json', 'weather.nc']);
    for (const name of pictures) expect(readFileSync(join(out, name)).subarray(1, 4).toString('latin1')).toBe('PNG');
    const rows = readFileSync(join(out, 'history.csv'), 'utf8').trim().split('\n');
    expect(rows).toHaveLength(1 + 1 + 3 * 4);
    const { dimensions, variables, attributes, records } = readNetcdf(join(out, 'weather.nc'));
    expect(Object.fromEntries(dimensions)).toEqual({ time: 0, lat: 180, lon: 360, bnds: 2 });
    expect(attributes.Conventions).toBe('CF-1.10');
    expect(records).toBe(3);
    expect([...variables.get('time')!.values]).toEqual([0, 1.5, 3]);
    expect([...variables.get('lat_bnds')!.values].slice(0, 4)).toEqual([-90, -89, -89, -88]);
    const areas = variables.get('cell_area')!.values;
    const area = areas.reduce((sum, value) => sum + value, 0);
    const height = variables.get('height')!.values.subarray(-areas.length);
    expect(areas.reduce((sum, value, k) => sum + value * height[k]!, 0) / area / summary.mean.height - 1).toBeCloseTo(0, 6);
    // A mountain of 2000 m at 30° north, 90° west.
    expect(Math.max(...variables.get('ground')!.values)).toBeGreaterThan(1700);
    expect(variables.get('ground')!.values[120 * 360 + 270]).toBeGreaterThan(1700);
  }
});

describe('case 6 and the jet', () => {
  test('a day of case 6: energy does not rise', async () => {
    checkConservation((await runWeather(2, '--case 6 --days 1 --columns 16 --no-pictures')).summary, -1e-4);
  });

  test('half a day of the jet', async () => {
    checkConservation((await runWeather(2, '--case galewsky --days 0.5 --columns 16 --no-pictures')).summary, -1e-4);
  });

  test.skipIf(SHORT !== '')(
    `fourteen days of case 6: energy changes by −1e-4 to 1e-8${SHORT}`,
    async () => {
      checkConservation((await runWeather(2, '--case 6')).summary, -1e-4);
    },
    LONG_MS,
  );
});

/** Of two ranks: a message each way in each of three stages, of 4 numbers at 4 nodes of each side that they share. */
function checkCost({ cost }: Summary): void {
  const { seconds, regions, perStep, overlap } = cost;
  expect(Object.keys(regions)).toEqual(['computing', 'exchange', 'diagnostics', 'output']);
  expect(Object.values(regions).reduce((sum, value) => sum + value)).toBeCloseTo(seconds, 9);
  expect(perStep.messages).toBeCloseTo(6, 9);
  const sides = perStep.bytes / (6 * 4 * 4 * 8);
  expect(Math.abs(sides - Math.round(sides))).toBeLessThan(1e-9);
  expect(sides).toBeGreaterThan(0);
  expect(overlap!.aloneUs).toBeGreaterThan(0);
  expect(overlap!.besideUs).toBeGreaterThan(0);
}

function checkConservation({ conservation }: Summary, leastEnergy: number): void {
  expect(Math.abs(conservation.mass)).toBeLessThanOrEqual(1e-13);
  expect(conservation.energy).toBeGreaterThanOrEqual(leastEnergy);
  expect(conservation.energy).toBeLessThanOrEqual(1e-8);
  expect(conservation.energyRise).toBeLessThanOrEqual(1e-8);
}

test('a fluid that ends is told with place and day, leaves no files, and exits 4', async () => {
  const out = join(folder, 'no-fluid');
  const flags = ['--step', '2700', '--days', '3', '--columns', '16', '--no-pictures', '--cells', '6', '--quiet', '--out', out];
  const { code, stdout, stderr } = await runJob(['-n', '2', '--quiet', WEATHER, ...flags]);
  expect(code).toBe(4);
  expect(stdout).toBe('');
  expect(stderr).toMatch(
    /^weather: the depth became (NaN|-[\d.e+]+|0) m at [\d.]+°[NS] [\d.]+°[EW] on day \d\.\d+, weather\.nc and a summary are not written: /m,
  );
  expect(readdirSync(out)).toEqual([]);
});

test('an input file is read, flags win, and progress is plain lines', async () => {
  const input = join(folder, 'input.json');
  const out = join(folder, 'from-input');
  writeFileSync(input, JSON.stringify({ case: '2', cells: 3, days: 1, columns: 16, out }));
  const { code, stdout } = await runJob(['-n', '2', '--quiet', WEATHER, '--input', input, '--degree', '2']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^day 1 of 1 {2}energy \S+ {2}\d+ simulated days\/min$/m);
  expect(stdout).not.toContain('\r');
  expect(stdout).toContain('6 × 3² elements of degree 2, 486 points');
  expect(readdirSync(out)).toContain('weather.nc');
});

test(
  'how it scales: the table of all ways, and the model that says it is one',
  async () => {
    const flags = ['--inside', '2', '--outside', '2', '--repetitions', '1', '--seconds', '0'];
    const { code, stdout, stderr } = await runJob(['-n', '1', '--quiet', SCALING, ...flags], { deadlineMs: LONG_MS });
    expect(stderr).toBe('repetition 1 of 1, 7 jobs\n');
    expect(code).toBe(0);
    for (const mesh of ['inside', 'outside']) {
      expect(stdout).toMatch(new RegExp(`^\\| ${mesh} +\\| 384 +\\| 1 rank +\\| \\d+ +\\| [\\d.]+ +\\| 1\\.00 +\\| 100 % `, 'm'));
      for (const [scaling, nodes] of [
        ['strong', 384],
        ['weak', 864],
      ]) {
        for (const way of ['2 ranks, processes', '2 ranks, threads', '1 rank, 2 threads']) {
          expect(stdout).toMatch(new RegExp(`^\\| ${mesh}, ${scaling} +\\| ${nodes} +\\| ${way} +\\| \\d+ `, 'm'));
        }
      }
    }
    expect(stdout).toContain('a MODEL, not measured');
    for (const mesh of ['strong, 6 × 64²', 'weak, 6 × 256²']) {
      expect(stdout).toMatch(new RegExp(`^\\| ${mesh} +\\| 1024 .* \\d+ to \\d+ % +\\|$`, 'm'));
    }
  },
  LONG_MS,
);

describe('what is refused before the run', () => {
  const unknownKey = join(folder, 'unknown-key.json');
  const wrongType = join(folder, 'wrong-type.json');
  writeFileSync(unknownKey, '{"cell": 5}');
  writeFileSync(wrongType, '{"case": 5}');

  test.each([
    [['--case', '3'], 'the case is 3: expected 2, 5, 6, galewsky'],
    [['--days', '0.3'], 'the number of days is 0.3: expected a multiple of 0.25 above 0, at most 10000'],
    [['--days', '-1'], 'the number of days is -1: expected a multiple of 0.25 above 0'],
    [['--cells', '1'], 'the number of cells is 1: expected a whole number from 2 to 1024'],
    [['--cells', 'many'], '--cells is "many": a number was expected'],
    [['--degree', '8'], 'the degree is 8: expected a whole number from 2 to 7'],
    [['--cfl', '0'], 'the CFL number is 0: expected above 0 and at most 2'],
    [['--step', '7'], 'the step is 7: expected seconds that divide 21600, or 0'],
    [['--every', '0.1'], 'the time between two maps is 0.1: expected a multiple of 0.25 days above 0'],
    [['--columns', '9'], 'the number of columns is 9: expected an even number of longitudes from 8 to 7200'],
    [['--out', ''], '--out is empty: a folder was expected'],
    [['--checkpoint', ''], '--checkpoint is empty: a folder was expected'],
    [['--checkpoint-every', '1'], '--checkpoint-every was given without --checkpoint: a folder was expected'],
    [['--checkpoint-every', '0.1'], 'the time between two checkpoints is 0.1: expected a multiple of 0.25 days above 0, or 0'],
    [['--days', '1', '--days', '2'], '--days was given twice'],
    [['--dayz', '1'], "unknown option '--dayz'"],
    [
      ['--input', unknownKey],
      'unknown key "cell": expected days, cells, degree, cfl, step, every, columns, checkpointEvery, case, ',
    ],
    [['--input', wrongType], '"case" is 5: a string was expected'],
    [['--cells', '2'], '25 ranks share 24 elements: expected at least one for each'],
  ])('%j', (flags, sentence) => {
    expect(() => readSettings(flags, 25)).toThrow(sentence);
  });

  test('one sentence, exit code 2', async () => {
    const { code, stdout, stderr } = await runJob(['-n', '2', '--quiet', WEATHER, '--out', '/proc/weather'], { cwd: folder });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.split('\n').filter((line) => line.startsWith('weather: '))).toEqual([
      expect.stringContaining('weather: cannot write to --out /proc/weather: '),
    ]);
  });
});
