/**
 * Start-up over hosts: a whole job of 16 ranks on 4 hosts by ssh (start, one allreduce, end), against what it cannot do
 * without: 4 logins by ssh, then 4 bare nodes for the agents, then 16 for the ranks, each group at once, in turns.
 *
 * The launcher stands on a fifth host, so that it logs in to all four. Hosts are those of the tests and share this machine's
 * cores, on either side.
 *
 *     node bench/hosts/start.mjs [repetitions = 7]
 */

import { join } from 'node:path';
import { load } from '../lib/load.mjs';
import { ended, timed } from '../lib/processes.mjs';

const { missingHosts, TestHosts } = await load('test/hosts/test-hosts.ts');
const { heading, row } = await load('bench/lib/report.ts');
const { median } = await load('bench/lib/statistics.ts');

const [repetitions = 7] = process.argv.slice(2).map(Number);
const root = join(import.meta.dirname, '../..');
if (missingHosts !== undefined) {
  console.error(`nothing is measured: ${missingHosts}`);
  process.exit(1);
}
// As in ../job/start.mjs: certificates would hide what is compared.
delete process.env.NODE_EXTRA_CA_CERTS;

const hosts = await TestHosts.up(5);
const [from, names] = [hosts.names.at(-1), hosts.names.slice(0, -1)];
const here = (command) => ended(hosts.command(from, command, root));
const nodes = (count) => Promise.all(Array.from({ length: count }, () => here([process.execPath, '-e', '0'])));
const logins = () => Promise.all(names.map((name) => here(['ssh', '-T', '-o', 'BatchMode=yes', name, 'true'])));
const where = ['--host', names.map((name) => `${name}:4`).join(',')];
const program = join(root, 'bench/job/programs/allreduce.mjs');
const job = () => here([process.execPath, join(root, 'dist/tsmpirun.cjs'), '--quiet', ...where, program]);

try {
  await job();
  await logins();
  const [ours, login, agents, ranks] = [[], [], [], []];
  for (let k = 0; k < repetitions; k++) {
    ours.push(await timed(job));
    login.push(await timed(logins));
    agents.push(await timed(() => nodes(4)));
    ranks.push(await timed(() => nodes(16)));
  }
  const ratio = median(ours.map((seconds, k) => seconds / (login[k] + agents[k] + ranks[k])));
  heading('a job of 16 ranks on 4 hosts in seconds, median; ratio to the sum of the same turn, median', [
    'Ranks',
    'tsmpirun',
    '4 logins',
    '4 bare nodes',
    '16 bare nodes',
    'ratio',
  ]);
  row(16, [...[ours, login, agents, ranks].map(median), ratio]);
} finally {
  await hosts.down();
}
