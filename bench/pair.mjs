/**
 * Two builds of tsmpi in turn: any benchmark that prints OSU's columns, launched from two checkouts, and the ratio of each
 * figure.
 *
 *     node bench/pair.mjs [-r TURNS] FIRST SECOND [tsmpirun's options] program [the benchmark's options]
 *
 * FIRST and SECOND are folders of built checkouts; the program's path is relative to each. A turn launches first, second,
 * second, first, so that drift hits both alike. Printed is, for each figure, the median of either side's launches, and the
 * ratio of these medians, second / first, with its 95 % interval (percentile bootstrap over launches, Efron 1979).
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { load } from './lib/load.mjs';

const { median, readReport } = await load('bench/lib/report.ts');

const RESAMPLES = 2000;

function fail(message) {
  console.error(`pair: ${message}; expected [-r TURNS] FIRST SECOND [tsmpirun's options] program [options]`);
  process.exit(2);
}

const words = process.argv.slice(2);
const turns = words[0] === '-r' ? Number(words.splice(0, 2)[1]) : 5;
if (!Number.isSafeInteger(turns) || turns < 1) fail('-r wants a whole number of turns from 1 on');
const folders = words.splice(0, 2).map((folder) => resolve(folder));
if (folders.length < 2 || words.length === 0) fail('too few arguments');
for (const folder of folders) {
  if (!existsSync(join(folder, 'dist/tsmpirun.js'))) fail(`${folder} holds no built checkout: no dist/tsmpirun.js there`);
}

/** Launch the benchmark from a checkout; return its figures by name. */
function launch(folder) {
  const args = [join(folder, 'dist/tsmpirun.js'), ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  if (status === 0) return readReport(stdout);
  console.error(`pair: the launch from ${folder} ended with ${status}:\n${stderr}`);
  process.exit(1);
}

/** Return the 95 % interval of the ratio of medians. */
function interval(above, below) {
  const draw = (values) => values.map(() => values[Math.floor(Math.random() * values.length)]);
  const ratios = Array.from({ length: RESAMPLES }, () => median(draw(above)) / median(draw(below))).sort((a, b) => a - b);
  return [ratios[Math.floor(0.025 * RESAMPLES)], ratios[Math.ceil(0.975 * RESAMPLES) - 1]];
}

const sides = [new Map(), new Map()];
for (let turn = 0; turn < turns; turn++) {
  for (const side of [0, 1, 1, 0]) {
    for (const [name, value] of launch(folders[side])) {
      if (!sides[side].has(name)) sides[side].set(name, []);
      sides[side].get(name).push(value);
    }
    process.stderr.write('.');
  }
}
process.stderr.write('\n');
const width = Math.max(...[...sides[0].keys()].map((name) => name.length), 6) + 2;
console.log(`# ${2 * turns} launches of each side, in turn: medians, ratio second / first, its 95 % interval`);
console.log(`# ${'Figure'.padEnd(width)}${['first', 'second', 'ratio', 'from', 'to'].map((name) => name.padStart(12)).join('')}`);
for (const [name, values] of sides[0]) {
  const others = sides[1].get(name) ?? [];
  if (others.length === 0) continue;
  const cells = [median(values), median(others), median(others) / median(values), ...interval(others, values)];
  console.log(`  ${name.padEnd(width)}${cells.map((cell) => cell.toFixed(3).padStart(12)).join('')}`);
}
