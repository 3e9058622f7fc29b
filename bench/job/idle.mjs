/**
 * What waiting ranks cost: N ranks that wait in `recv`, their memory (PSS) beside that of an idle bare node, and their
 * CPU time over some seconds.
 *
 *     node bench/job/idle.mjs [ranks = 64] [seconds = 5]
 */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuSeconds } from '../lib/processes.mjs';

const [ranks = 64, seconds = 5] = process.argv.slice(2).map(Number);
const root = join(import.meta.dirname, '../..');

/** Proportional set size in MiB: shared pages count as shares. */
function pss(pid) {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) / 1024;
}

const sum = (values) => values.reduce((a, b) => a + b, 0);
const firstLine = (child) => new Promise((resolve) => child.stdout.once('data', (data) => resolve(String(data).split('\n')[0])));

const idle = Array.from({ length: ranks }, () =>
  spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1e9)'], { stdio: ['ignore', 'pipe', 'inherit'] }),
);
await Promise.all(idle.map(firstLine));
const bare = sum(idle.map(({ pid }) => pss(pid))) / ranks;
for (const child of idle) child.kill();

const args = [join(root, 'dist/tsmpirun.cjs'), '-n', String(ranks), '--quiet', join(root, 'bench/job/programs/wait.mjs')];
const job = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
const pids = JSON.parse(await firstLine(job)).slice(1);
await new Promise((resolve) => setTimeout(resolve, 1000));
const before = sum(pids.map(cpuSeconds));
await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const used = sum(pids.map(cpuSeconds)) - before;
const mean = sum(pids.map(pss)) / pids.length;
job.stdin.end();
console.log(`# ${ranks} ranks that wait in recv`);
console.log('# MiB a rank (PSS)       bare node            over   CPU ms in all');
console.log(
  [mean.toFixed(1), bare.toFixed(1), (mean - bare).toFixed(1), (used * 1000).toFixed(1)]
    .map((cell) => cell.padStart(16))
    .join(''),
);
