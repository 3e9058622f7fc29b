/**
 * Start-up: a whole job of N ranks (start, one allreduce, end) against N bare nodes started at once, in turns.
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
const bareNodes = () => Promise.all(Array.from({ length: ranks }, () => ended(process.execPath, ['-e', '0'])));
const program = join(root, 'bench/job/programs/allreduce.mjs');
const job = () =>
  ended(process.execPath, [join(root, 'dist/tsmpirun.js'), '-n', String(ranks), '--quiet', '--ranks', kind, program]);

const bare = [];
const ours = [];
await job();
for (let k = 0; k < repetitions; k++) {
  bare.push(await timed(bareNodes));
  ours.push(await timed(job));
}
console.log('# start, allreduce and end of a job in seconds, median');
console.log('# Ranks           tsmpirun      bare nodes           ratio');
const cells = [median(ours).toFixed(2), median(bare).toFixed(2), (median(ours) / median(bare)).toFixed(2)];
console.log(String(ranks).padEnd(8) + cells.map((cell) => cell.padStart(16)).join(''));
