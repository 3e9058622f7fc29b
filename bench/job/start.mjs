/**
 * Start-up: a whole job of N ranks (start, one allreduce, end) against N bare nodes started at once, in turns; beside it N
 * nodes that run an empty module, the least that any program in a file costs.
 *
 *     node bench/job/start.mjs [ranks = 64] [repetitions = 5] [process|thread]
 */

import { join } from 'node:path';
import { load } from '../lib/load.mjs';
import { ended, timed } from '../lib/processes.mjs';

const { median } = await load('bench/lib/report.ts');

const [ranks = 64, repetitions = 5, kind = 'process'] = process.argv.slice(2).map((text, k) => (k < 2 ? Number(text) : text));
const root = join(import.meta.dirname, '../..');

// Reading certificates takes 30 ms of each start, on either side: it would hide what is compared.
delete process.env.NODE_EXTRA_CA_CERTS;

const nodes = (...args) => Promise.all(Array.from({ length: ranks }, () => ended([process.execPath, ...args])));
const program = join(root, 'bench/job/programs/allreduce.mjs');
const job = () =>
  ended([process.execPath, join(root, 'dist/tsmpirun.js'), '-n', String(ranks), '--quiet', '--ranks', kind, program]);

const bare = [];
const modules = [];
const ours = [];
await job();
for (let k = 0; k < repetitions; k++) {
  bare.push(await timed(() => nodes('-e', '0')));
  modules.push(await timed(() => nodes(join(root, 'bench/job/programs/empty.mjs'))));
  ours.push(await timed(job));
}
console.log('# start, allreduce and end of a job in seconds, median; ratio to bare nodes of the same turn, median');
console.log('# Ranks           tsmpirun      bare nodes   empty modules           ratio');
const ratio = median(ours.map((seconds, k) => seconds / bare[k]));
const cells = [median(ours), median(bare), median(modules), ratio].map((value) => value.toFixed(2));
console.log(String(ranks).padEnd(8) + cells.map((cell) => cell.padStart(16)).join(''));
