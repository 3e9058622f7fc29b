/**
 * What an idle job costs: 64 ranks on 4 hosts that wait in `recv`; CPU time of its launcher, agents, ranks and logins as a part
 * of one core, and bytes that hosts send each other, per second.
 *
 *     node bench/hosts/idle.mjs [ranks = 64] [seconds = 20]
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../lib/load.mjs';
import { cpuSeconds } from '../lib/processes.mjs';

const { missingHosts, TestHosts } = await load('test/hosts/test-hosts.ts');
const { heading, row } = await load('bench/lib/report.ts');

const [ranks = 64, seconds = 20] = process.argv.slice(2).map(Number);
const root = join(import.meta.dirname, '../..');
/** What is done once and never again is over by then: by connections, and by V8, which gives memory back after some idle seconds. */
const SETTLE_MS = 45_000;
if (missingHosts !== undefined) {
  console.error(`nothing is measured: ${missingHosts}`);
  process.exit(1);
}

const hosts = await TestHosts.up(4);
try {
  const where = ['--host', hosts.names.map((name) => `${name}:${Math.ceil(ranks / 4)}`).join(',')];
  const options = ['-n', String(ranks), '--quiet', ...where, join(root, 'bench/job/programs/wait.mjs')];
  const [file, ...args] = hosts.command('node1', [process.execPath, join(root, 'dist/tsmpirun.cjs'), ...options], root);
  const job = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const end = once(job, 'exit');
  await Promise.race([once(job.stdout, 'data'), end.then(([code]) => Promise.reject(new Error(`the job ended with ${code}`)))]);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));

  const parts = { launcher: [], agents: [], ranks: [], logins: [] };
  for (const pid of hosts.names.flatMap((name) => hosts.processes(name))) parts[partOf(pid)].push(pid);
  const before = [performance.now(), ...Object.values(parts).map(cpuOf), sentBytes()];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const used = [performance.now(), ...Object.values(parts).map(cpuOf), sentBytes()].map((value, k) => value - before[k]);
  const wall = used[0] / 1000;
  const shares = used.slice(1, -1).map((time) => (100 * time) / wall);
  const sum = shares.reduce((a, b) => a + b, 0);
  heading(`${parts.ranks.length} ranks on 4 hosts that wait in recv, over ${wall.toFixed(0)} s: % of one core, bytes a second`, [
    'Ranks',
    ...Object.entries(parts).map(([part, pids]) => `${pids.length} ${part}`),
    'in all',
    'bytes/s',
  ]);
  row(ranks, [...shares.map((share) => share.toFixed(3)), sum.toFixed(3), used.at(-1) / wall]);
  job.stdin.end();
  await end;
} finally {
  await hosts.down();
}

/** Logins are ssh, sshd and the shells around; watchdogs, which are shells as well, sleep. */
function partOf(pid) {
  const read = (name) => readFileSync(`/proc/${pid}/${name}`, 'latin1');
  if (/\0TSMPI_LOCAL_RANK=/.test(`\0${read('environ')}`)) return 'ranks';
  const commandLine = read('cmdline');
  if (commandLine.includes('/dist/agent.cjs\0')) return 'agents';
  return commandLine.includes('/dist/tsmpirun.cjs\0') ? 'launcher' : 'logins';
}

function cpuOf(pids) {
  return pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

/** Bytes that all hosts have sent. */
function sentBytes() {
  const tables = hosts.names.map((name) => hosts.run(name, ['cat', '/proc/net/dev']));
  return tables.reduce((sum, table) => sum + Number(/eth0:(?:\s+\d+){8}\s+(\d+)/.exec(table)[1]), 0);
}
