/**
 * The cavity: published values, order of accuracy, equal bits on any number of ranks, and what it refuses.
 *
 * Long cases run with TSMPI_LONG_TESTS=1.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { readSettings } from '../../examples/cavity/options.ts';
import { SettingError } from '../../examples/run/settings.ts';
import { isLong } from '../long.ts';
import { type JobResult, runJob } from './run-job.ts';

const CAVITY = fileURLToPath(new URL('../../examples/cavity/cavity.ts', import.meta.url));
const FILES = ['cavity.png', 'centerlines.csv', 'fields.vti', 'residuals.csv', 'summary.json'];
/** Why the long cases are left out; empty if they are not. */
const SHORT = isLong ? '' : ' (skipped: wants TSMPI_LONG_TESTS=1)';
const LONG_MS = 300_000;

const folder = mkdtempSync(join(tmpdir(), 'tsmpi-cavity-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Extremum {
  readonly quantity: string;
  readonly value: number;
}
interface Summary {
  readonly end: { readonly reason: string; readonly steps: number; readonly residual: number; readonly divergence: number };
  readonly extrema: readonly Extremum[];
  readonly profiles: { readonly rms: number; readonly points: number };
  readonly cost: {
    readonly seconds: number;
    readonly regions: { readonly computing: number; readonly exchange: number; readonly reduction: number };
    readonly imbalance: { readonly computing: number; readonly cells: number };
    readonly perStep: { readonly exchanges: number; readonly messages: number; readonly bytes: number };
    readonly memory: { readonly perRankMean: number; readonly perRankMost: number };
  };
  readonly digest: string;
}
interface Run extends JobResult {
  readonly summary: Summary;
  /** Digest of fields.vti. */
  readonly fields: string;
  readonly out: string;
}

let runs = 0;

/** Run the cavity and read its results. */
async function runCavity(ranks: number, flags: string, launcher: readonly string[] = []): Promise<Run> {
  const out = join(folder, `run-${++runs}`);
  const args = ['-n', String(ranks), '--quiet', ...launcher, CAVITY, ...flags.split(' '), '--quiet', '--out', out];
  const result = await runJob(args, { deadlineMs: LONG_MS });
  if (![0, 3].includes(result.code ?? -1)) throw new Error(`exit code ${result.code}\n${result.stdout}\n${result.stderr}`);
  const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary;
  const fields = createHash('sha256')
    .update(readFileSync(join(out, 'fields.vti')))
    .digest('hex');
  return { ...result, summary, fields, out };
}

function extremum({ extrema }: Summary, quantity: string): number {
  return extrema.find((row) => row.quantity === quantity)!.value;
}

describe('equal bits after equal steps', () => {
  const flags = '--grid 96 --reynolds 400 --max-steps 20';
  let one: Promise<Run> | undefined;

  test.each([
    [2, 'process'],
    [3, 'process'],
    [4, 'process'],
    [6, 'process'],
    [1, 'thread'],
    [2, 'thread'],
    [3, 'thread'],
    [4, 'thread'],
    [6, 'thread'],
  ])('%i ranks, each a %s', async (ranks, kind) => {
    const { summary, fields, code } = await runCavity(ranks, flags, ['--ranks', kind]);
    one ??= runCavity(1, flags);
    const expected = await one;
    expect(summary.digest).toBe(expected.summary.digest);
    expect(fields).toBe(expected.fields);
    expect(code).toBe(3);
  });

  test.skipIf(SHORT !== '').each([16, 64])(
    `%i ranks, 50 steps${SHORT}`,
    async (ranks) => {
      const alone = await runCavity(1, '--max-steps 50');
      const { summary, fields } = await runCavity(ranks, '--max-steps 50');
      expect(summary.end.steps).toBe(50);
      expect(summary.digest).toBe(alone.summary.digest);
      expect(fields).toBe(alone.fields);
    },
    LONG_MS,
  );
});

describe('published values on 128 × 128 cells', () => {
  const PUBLISHED = {
    100: { extrema: { uMin: -0.21404, vMax: 0.17957, vMin: -0.2538 }, within: 0.001, rms: 0.005, points: 30 },
    400: { extrema: { uMin: -0.3287, vMax: 0.3038, vMin: -0.4541 }, within: 0.004, rms: 0.0035, points: 29 },
    1000: { extrema: { uMin: -0.38857, vMax: 0.37694, vMin: -0.52708 }, within: 0.01, rms: 0.008, points: 30 },
  } as const;

  function checkRun(reynolds: keyof typeof PUBLISHED, { code, summary }: Run): void {
    const published = PUBLISHED[reynolds];
    expect(code).toBe(0);
    expect(summary.end.reason).toBe('steady');
    expect(summary.end.residual).toBeLessThanOrEqual(1e-5);
    expect(summary.end.divergence).toBeLessThanOrEqual(1e-9);
    expect(summary.end.steps).toBeLessThanOrEqual(6000);
    expect(summary.cost.perStep.exchanges).toBeLessThanOrEqual(70);
    for (const [quantity, value] of Object.entries(published.extrema)) {
      expect(Math.abs(extremum(summary, quantity) - value), quantity).toBeLessThanOrEqual(published.within);
    }
    expect(summary.profiles.rms).toBeLessThanOrEqual(published.rms);
    expect(summary.profiles.points).toBe(published.points);
  }

  test('Reynolds 100: values, files, and order 1.9 over 32, 64, 128', async () => {
    const coarse = await runCavity(2, '--grid 32');
    const middle = await runCavity(2, '--grid 64');
    const fine = await runCavity(4, '--grid 128');
    checkRun(100, fine);
    for (const [quantity, value] of Object.entries(PUBLISHED[100].extrema)) {
      const [first, second, third] = [coarse, middle, fine].map(({ summary }) => Math.abs(extremum(summary, quantity) - value));
      expect(Math.log2(first! / second!), `${quantity}, 32 to 64`).toBeGreaterThanOrEqual(1.9);
      expect(Math.log2(second! / third!), `${quantity}, 64 to 128`).toBeGreaterThanOrEqual(1.9);
    }
    checkFiles(fine);
  }, 120_000);

  test.skipIf(SHORT !== '').each([400, 1000] as const)(
    `Reynolds %i${SHORT}`,
    async (reynolds) => {
      checkRun(reynolds, await runCavity(4, `--reynolds ${reynolds}`));
    },
    LONG_MS,
  );

  function checkFiles({ out, stdout, summary }: Run): void {
    expect(readdirSync(out).sort()).toEqual(FILES);
    const rows = readFileSync(join(out, 'centerlines.csv'), 'utf8').trim().split('\n');
    expect(rows[0]).toBe('line,position,value');
    expect(rows).toHaveLength(1 + 2 * 130);
    expect(rows[1]).toBe('u_at_x_0.5,0,0');
    expect(rows[130]).toBe('u_at_x_0.5,1,1');
    expect(rows[131]).toBe('v_at_y_0.5,0,0');
    expect(readFileSync(join(out, 'residuals.csv'), 'utf8').trim().split('\n')).toHaveLength(1 + summary.end.steps);
    expect(readFileSync(join(out, 'cavity.png')).subarray(1, 4).toString('latin1')).toBe('PNG');
    // Appended data are laid out by the offsets that the file itself names.
    const vti = readFileSync(join(out, 'fields.vti'));
    const start = vti.indexOf('encoding="raw">_') + 'encoding="raw">_'.length;
    const sizes = [3 * 128 * 128, 128 * 128, 129 * 129].map((count) => 8 * count);
    let offset = 0;
    for (const size of sizes) {
      expect(vti.includes(`offset="${offset}"`)).toBe(true);
      expect(Number(vti.readBigUInt64LE(start + offset))).toBe(size);
      offset += 8 + size;
    }
    expect(vti.subarray(start + offset).toString('latin1')).toMatch(/^\s*<\/AppendedData>\s*<\/VTKFile>\s*$/);
    for (const line of ['divergence', 'primary vortex', 'computing', 'exchange', 'reduction', 'memory', 'imbalance']) {
      expect(stdout).toContain(line);
    }
    expect(stdout).toContain('the table itself is off by up to 0.009');
  }
});

test.each(['process', 'thread'])(
  'the cost of 4 ranks, each a %s: what was sent is exact, times make up the whole',
  async (kind) => {
    const { seconds, regions, imbalance, perStep, memory } = (await runCavity(4, '--grid 64 --max-steps 5', ['--ranks', kind]))
      .summary.cost;
    // Each rank has two neighbours; two of its exchanges are half of one with corners, and go to one neighbour.
    expect(perStep).toEqual({ exchanges: 20, reductions: 3, messages: 4 * (18 * 2 + 2 + 3), bytes: 76_000 });
    expect(regions.computing + regions.exchange + regions.reduction).toBeCloseTo(seconds, 9);
    for (const region of Object.values(regions)) expect(region).toBeGreaterThan(0);
    expect(imbalance.cells).toBe(1);
    expect(imbalance.computing).toBeGreaterThanOrEqual(1);
    expect(memory.perRankMean).toBeGreaterThan((kind === 'process' ? 20 : 5) * 2 ** 20);
    expect(memory.perRankMost).toBeGreaterThanOrEqual(memory.perRankMean);
  },
);

test('a run that ends by --max-steps says so and exits 3', async () => {
  const { code, stdout, summary } = await runCavity(2, '--grid 32 --max-steps 5');
  expect(code).toBe(3);
  expect(stdout).toContain('not steady after 5 steps');
  expect(summary.end.reason).toBe('not steady');
  expect(summary.end.divergence).toBeLessThanOrEqual(1e-9);
});

test('a flow that blows up is told in words, leaves no files, and exits 4', async () => {
  const out = join(folder, 'blown-up');
  const flags = ['--grid', '256', '--reynolds', '400', '--cfl', '10', '--max-steps', '100', '--quiet', '--out', out];
  const { code, stdout, stderr } = await runJob(['-n', '2', '--quiet', CAVITY, ...flags]);
  expect(code).toBe(4);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^cavity: the flow blew up in step \d+, nothing is written: a smaller --cfl than 10 was expected$/m);
  expect(readdirSync(out)).toEqual([]);
});

test('an input file is read, flags win, and progress is plain lines', async () => {
  const input = join(folder, 'input.json');
  const out = join(folder, 'from-input');
  writeFileSync(input, JSON.stringify({ reynolds: 50, grid: 32, maxSteps: 110, tolerance: 1e-12, out }));
  const { code, stdout } = await runJob(['-n', '2', '--quiet', CAVITY, '--input', input, '--reynolds', '60']);
  expect(code).toBe(3);
  expect(stdout).toMatch(/^step 100 {2}t .* residual .* steps\/s/m);
  expect(stdout).not.toContain('\r');
  expect(stdout).toContain('Reynolds 60, 32 × 32 cells');
  expect(readdirSync(out).sort()).toEqual(FILES);
});

describe('what is refused, once and before the run', () => {
  const file = join(folder, 'a-file');
  const notJson = join(folder, 'not-json');
  const unknownKey = join(folder, 'unknown-key.json');
  const wrongType = join(folder, 'wrong-type.json');
  writeFileSync(file, '');
  writeFileSync(notJson, '{');
  writeFileSync(unknownKey, '{"renolds": 5}');
  writeFileSync(wrongType, '{"grid": "big"}');

  test.each([
    [['--reynolds', '-5'], 'the Reynolds number is -5: expected above 0'],
    [['--reynolds', 'many'], '--reynolds is "many": a number was expected'],
    [['--grid', '100'], '100 cells a side cannot be halved often enough for the multigrid: take 104, for example'],
    [['--grid', '12.5'], 'the grid is 12.5: expected a whole number of cells from 8 to 8192'],
    [['--grid', '8', '-x'], "unknown option '-x'"],
    [['--tolerance', '0'], 'the tolerance is 0: expected above 0 and below 1'],
    [['--max-steps', '0'], 'the largest number of steps is 0: expected a whole number from 1'],
    [['--cfl', '11'], 'the CFL number is 11: expected above 0 and at most 10'],
    [['--gird', '64'], "unknown option '--gird'"],
    [['--grid', '64', '--grid', '32'], '--grid was given twice'],
    [['more'], "unexpected argument 'more'"],
    [['--tolerance'], "option '--tolerance <value>' argument missing"],
    [['--input', join(folder, 'missing.json')], 'cannot read --input'],
    [['--input', notJson], 'is not JSON'],
    [['--input', unknownKey], 'unknown key "renolds": expected reynolds, grid, tolerance, maxSteps, cfl, out'],
    [['--input', wrongType], '"grid" is "big": a number was expected'],
  ])('%j', (flags, sentence) => {
    expect(() => readSettings(flags, 2)).toThrow(sentence);
    expect(() => readSettings(flags, 2)).toThrow(SettingError);
  });

  test.each([
    [['--grid', '100'], '100 cells a side cannot be halved often enough for the multigrid: take 104, for example'],
    [['--out', join(file, 'below')], `cannot write to --out ${join(file, 'below')}: `],
    [['--out', '/proc/cavity'], 'cannot write to --out /proc/cavity: '],
  ])('%j, by all ranks of a job in one line', async (flags, sentence) => {
    const { code, stdout, stderr } = await runJob(['-n', '2', '--quiet', CAVITY, ...flags], { cwd: folder });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.split('\n').filter((line) => line.startsWith('cavity: '))).toEqual([expect.stringContaining(sentence)]);
  });

  test('more memory than a rank can have', async () => {
    const { code, stderr } = await runJob(['-n', '2', '--quiet', CAVITY, '--grid', '8192'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain(
      'cavity: 8192 cells a side need 3 ranks or more: the fields of one have 4 GiB at most, and 2 were given',
    );
  });

  test('more ranks than blocks', async () => {
    const { code, stderr } = await runJob(['-n', '5', '--quiet', CAVITY, '--grid', '8'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain('cavity: 5 ranks form 5 × 1 blocks, but 8 cells a side are cut into at most 4 × 4');
  });
});
