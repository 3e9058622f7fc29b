/**
 * Start-up: a whole job of N ranks (start, one allreduce, end) against N bare nodes started at once, in turns, as an ES
 * module and in CommonJS; beside them N nodes that run an empty ES module, the least that any such program costs.
 *
 *     node bench/job/start.mjs [ranks = 64] [repetitions = 5] [process|thread]
 */

import { spawn } from 'node:child_process';
import { join } from 'node:path';

const [ranks = 64, repetitions = 5, kind = 'process'] = process.argv.slice(2).map((text, k) => (k < 2 ? Number(text) : text));
const root = join(import.meta.dirname, '../..');

function ended(file, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${file} ended with ${code}`))));
  });
}

async function timed(run) {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
// Reading certificates takes 30 ms of each start, on either side: it would hide what is compared.
delete process.env.NODE_EXTRA_CA_CERTS;

const nodes = (...args) => Promise.all(Array.from({ length: ranks }, () => ended(process.execPath, args)));
const job = (name) => {
  const program = join(root, 'bench/job/programs', name);
  return ended(process.execPath, [join(root, 'dist/tsmpirun.js'), '-n', String(ranks), '--quiet', '--ranks', kind, program]);
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
line(
  '# Ranks',
  columns.map(({ name }) => name),
);
line(
  String(ranks),
  columns.map(({ seconds }) => median(seconds).toFixed(2)),
);
line(
  '# ratio',
  columns.map(({ seconds }) => median(seconds.map((s, k) => s / bare[k])).toFixed(2)),
);
