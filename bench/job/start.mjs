/**
 * Start-up: a whole job of N ranks (start, one allreduce, end) against N bare nodes started at once, in turns, as an ES
 * module and in CommonJS; beside them N nodes that run an empty ES module, the least that any such program costs.
 *
 *     node bench/job/start.mjs [ranks = 64] [repetitions = 5] [process|thread]
 */

import { join } from 'node:path';
import { load } from '../lib/load.mjs';
import { ended, timed } from '../lib/processes.mjs';

const { median } = await load('bench/lib/statistics.ts');

const [ranks = 64, repetitions = 5, kind = 'process'] = process.argv.slice(2).map((text, k) => (k < 2 ? Number(text) : text));
const root = join(import.meta.dirname, '../..');

// Reading certificates takes 30 ms of each start, on either side: it would hide what is compared.
delete process.env.NODE_EXTRA_CA_CERTS;

const nodes = (...args) => Promise.all(Array.from({ length: ranks }, () => ended([process.execPath, ...args])));
const job = (name) => {
  const program = join(root, 'bench/job/programs', name);
  return ended([process.execPath, join(root, 'dist/tsmpirun.cjs'), '-n', String(ranks), '--quiet', '--ranks', kind, program]);
};

/** What is compared, each with its seconds, turn by turn. */
const columns = [
  { name: 'bare nodes', run: () => nodes('-e', '0'), seconds: [] },
  { name: 'empty modules', run: () => nodes(join(root, 'bench/job/programs/empty.mjs')), seconds: [] },
  { name: 'job, ES module', run: () => job('allreduce.mjs'), seconds: [] },
  { name: 'job, CommonJS', run: () => job('allreduce.cjs'), seconds: [] },
];
await job('allreduce.mjs');
for (let k = 0; k < repetitions; k++) for (const { run, seconds } of columns) seconds.push(await timed(run));
const line = (first, cells) => console.log(first.padEnd(8) + cells.map((cell) => cell.padStart(16)).join(''));
const bare = columns[0].seconds;
console.log('# start, allreduce and end of a job: seconds, median, and the median ratio to bare nodes of the same turn');
const cells = (figure) => columns.map(({ seconds }) => figure(seconds).toFixed(2));
const names = columns.map(({ name }) => name);
const ratio = (seconds) => median(seconds.map((value, turn) => value / bare[turn]));
line('# Ranks', names);
line(String(ranks), cells(median));
line('# ratio', cells(ratio));
