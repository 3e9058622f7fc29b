/**
 * How the model scales: strong and weak on one and two cores, ranks against threads, inside and outside of the caches; then what
 * a model of the cost says of more ranks. Prints tables.
 *
 *     tsmpirun -n 1 examples/weather/scaling.ts [--inside 12] [--outside 56] [--repetitions 5] [--seconds 1]
 *
 * Each measurement is a job of its own, pinned; repetitions go round all of them, and medians are printed.
 */

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { world } from 'tsmpi';
import type { Cost } from './cost.ts';
import { type ModelledStep, modelStep, RANKS_PER_HOST } from './scaling-model.ts';

const PACKAGE = dirname(createRequire(import.meta.url).resolve('tsmpi/package.json'));

/** What a job of scaling-job.ts prints. */
export interface Measurement {
  readonly nodes: number;
  readonly stageUs: number;
  readonly overlap: Cost['overlap'];
}

const DEGREE = 3;
/** Ways to use one core and two. */
const WAYS = {
  '1 rank': ['-n', '1', '--threads-per-rank', '1'],
  '2 ranks, processes': ['-n', '2', '--ranks', 'process', '--threads-per-rank', '1'],
  '2 ranks, threads': ['-n', '2', '--ranks', 'thread', '--threads-per-rank', '1'],
  '1 rank, 2 threads': ['-n', '1', '--threads-per-rank', '2'],
} as const;
type Way = keyof typeof WAYS;
const ONE = '1 rank';
const TWO = ['2 ranks, processes', '2 ranks, threads', '1 rank, 2 threads'] as const;
/** Meshes of the model: one that stays the same, and one that grows with the ranks, 8² elements a panel for each. */
const STRONG_CELLS = 64;
const WEAK_CELLS = 8;
const MODELLED_RANKS = [1, 64, 1024];

const { values } = parseArgs({
  options: {
    inside: { type: 'string', default: '12' },
    outside: { type: 'string', default: '56' },
    repetitions: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
  },
});
const sizes = { inside: Number(values.inside), outside: Number(values.outside) };
/** Twice the elements, as nearly as a square allows. */
const double = (cells: number): number => Math.round(cells * Math.SQRT2);

if (world.size !== 1) throw new Error(`${world.size} ranks were started: expected one, which starts jobs of its own`);
const results = measureAll();
printScaling();
printModel();

/** Return what each way took on each mesh, all repetitions. */
function measureAll(): Map<string, Measurement[]> {
  const found = new Map<string, Measurement[]>();
  for (const cells of Object.values(sizes)) {
    found.set(keyOf(ONE, cells), []);
    for (const way of TWO) for (const each of [cells, double(cells)]) found.set(keyOf(way, each), []);
  }
  for (let repetition = 1; repetition <= Number(values.repetitions); repetition += 1) {
    console.error(`repetition ${repetition} of ${values.repetitions}, ${found.size} jobs`);
    for (const [key, measurements] of found) {
      const [way, cells] = key.split(': ') as [Way, string];
      measurements.push(measure(way, Number(cells)));
    }
  }
  return found;
}

function measure(way: Way, cells: number): Measurement {
  const program = join(import.meta.dirname, 'scaling-job.ts');
  const args = [...WAYS[way], '--bind-to', 'core', '--quiet', program, cells, DEGREE, values.seconds].map(String);
  const launcher = join(PACKAGE, 'dist', 'tsmpirun.cjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tsmpirun ${args.join(' ')} ended with ${status}\n${stderr}`);
  return JSON.parse(stdout) as Measurement;
}

function keyOf(way: Way, cells: number): string {
  return `${way}: ${cells}`;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function stageUs(way: Way, cells: number): number {
  return median(results.get(keyOf(way, cells))!.map((measurement) => measurement.stageUs));
}

function nodesOf(cells: number): number {
  return 6 * cells ** 2 * (DEGREE + 1) ** 2;
}

function printScaling(): void {
  const rows = [['mesh', 'nodes', 'as', 'µs a stage', 'ns a node', 'speed-up', 'efficiency', 'hidden']];
  for (const [name, cells] of Object.entries(sizes)) {
    const alone = stageUs(ONE, cells) / nodesOf(cells);
    rows.push(describeRow(`${name}`, ONE, cells, alone));
    for (const way of TWO) rows.push(describeRow(`${name}, strong`, way, cells, alone));
    for (const way of TWO) rows.push(describeRow(`${name}, weak`, way, double(cells), alone));
  }
  console.log(`measured: medians of ${values.repetitions}, each a job pinned to its cores; speed-up by time a node\n`);
  console.log(formatTable(rows));
}

/** `alone`: µs of a node on one core. */
function describeRow(mesh: string, way: Way, cells: number, alone: number): string[] {
  const us = stageUs(way, cells);
  const perNode = us / nodesOf(cells);
  const hidden = results.get(keyOf(way, cells))!.flatMap(({ overlap }) => (overlap === null ? [] : [overlap.hidden]));
  return [
    ...[mesh, String(nodesOf(cells)), way, us.toFixed(0), (1000 * perNode).toFixed(1)],
    ...[(alone / perNode).toFixed(2), `${((100 * alone) / perNode / (way === ONE ? 1 : 2)).toFixed(0)} %`],
    hidden.length === 0 ? '' : `${(100 * median(hidden)).toFixed(0)} %`,
  ];
}

function printModel(): void {
  const { inside } = sizes;
  const nodeNs = (1000 * stageUs(ONE, inside)) / nodesOf(inside);
  const aloneUs = median(results.get(keyOf(TWO[0], inside))!.map(({ overlap }) => overlap?.aloneUs ?? 0));
  const expectedUs = (nodeNs * nodesOf(inside)) / 2000 + aloneUs;
  const rows = [
    ['mesh', 'ranks', 'nodes a rank', 'neighbours', 'compute', 'exchange', 'step, none hidden', 'all hidden', 'efficiency'],
  ];
  const add = (name: string, cells: (ranks: number) => number): void => {
    for (const ranks of MODELLED_RANKS) rows.push(describeModelled(name, modelStep(cells(ranks), DEGREE, ranks, nodeNs), nodeNs));
  };
  add('strong', () => STRONG_CELLS);
  add('weak', (ranks) => WEAK_CELLS * Math.sqrt(ranks));
  console.log(
    `a MODEL, not measured: γ = ${nodeNs.toFixed(1)} ns a node and stage (one core here, inside), latency and bandwidth as published`,
  );
  console.log(
    `for A8/A9-class QDR InfiniBand, ${RANKS_PER_HOST} ranks sharing an adapter; compute and exchange in µs a stage, steps in µs\n`,
  );
  console.log(formatTable(rows));
  console.log(
    `the same formula here on 2 ranks, inside, with the exchange measured alone: ${expectedUs.toFixed(0)} µs a stage, measured ${stageUs(TWO[0], inside).toFixed(0)}`,
  );
}

function describeModelled(name: string, step: ModelledStep, nodeNs: number): string[] {
  const idealUs = (3 * nodeNs * nodesOf(step.cells)) / step.ranks / 1000;
  const efficiency = (us: number): string => ((100 * idealUs) / us).toFixed(0);
  return [
    ...[`${name}, 6 × ${step.cells}²`, step.ranks, step.nodes, step.neighbors].map(String),
    ...[step.computeUs, step.exchangeUs, step.plainUs, step.hiddenUs].map((us) => us.toFixed(0)),
    `${efficiency(step.plainUs)} to ${efficiency(step.hiddenUs)} %`,
  ];
}

/** Return rows as a table of Markdown; the first is its head. */
function formatTable([head, ...rows]: string[][]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  const line = (row: readonly string[]): string => `| ${row.map((cell, k) => cell.padEnd(widths[k])).join(' | ')} |`;
  return `${[line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')}\n`;
}
