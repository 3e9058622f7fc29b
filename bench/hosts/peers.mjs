/**
 * Two ranks on two hosts, one core each, over WebSocket, beside Open MPI over TCP on the same hosts in the same run.
 *
 * Hosts are those of the tests: namespaces joined by a switch, so the wire is this machine's memory and what is compared is
 * what the runtimes add to it. Launches take turns, ours-theirs-theirs-ours, both with the same sizes, iterations and
 * warm-up; the figure of a launch is the median of its repetitions, that of a side the median of its launches.
 *
 *     node bench/hosts/peers.mjs [rounds = 2] [figure, by a part of its name]
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { load } from '../lib/load.mjs';

const { missingHosts, missingPrograms, TestHosts } = await load('test/hosts/test-hosts.ts');
const { median } = await load('bench/lib/report.ts');
const [rounds = '2', wanted = ''] = process.argv.slice(2);
const root = join(import.meta.dirname, '../..');

/** `column`: where the figure stands in a line of either program. `goal`: ours over theirs, at most or at least. */
const FIGURES = [
  { name: '8 B half round trip, us', program: 'latency', size: 8, counts: [4000, 4, 11], column: 1, goal: 1.2 },
  { name: '64 KiB half round trip, us', program: 'latency', size: 65536, counts: [1000, 4, 11], column: 1, goal: 1.1 },
  { name: '1 MiB bandwidth, MB/s', program: 'bw', size: 1 << 20, counts: [10, 25, 15], column: 1, goal: 1, isRate: true },
  { name: '8 B message rate, M/s', program: 'bw', size: 8, counts: [400, 8, 11], column: 2, goal: 1, isRate: true },
].filter(({ name }) => name.includes(wanted));

const missing =
  missingHosts ??
  missingPrograms([
    ['mpicc', 'libopenmpi-dev'],
    ['mpirun', 'openmpi-bin'],
    ['taskset', 'util-linux'],
  ]);
if (missing !== undefined) {
  console.error(`nothing is measured: ${missing}`);
  process.exit(1);
}

const hosts = await TestHosts.up(2);
try {
  hosts.run('node1', ['mpicc', '-O2', '-o', join(hosts.folder, 'pair'), join(root, 'bench/peers/pair.c')]);
  // What comes to the second host by ssh runs on its core; the first host's is given to the launchers.
  hosts.run('node2', ['sh', '-c', 'taskset -cp 1 "$(cat /run/sshd.pid)"']);
  console.log(`# two hosts, one core each, ${2 * rounds} launches a side in turns, medians`);
  console.log(
    `# Figure${['ours', 'theirs', 'ratio', 'goal']
      .map((name) => name.padStart(12))
      .join('')
      .padStart(70)}`,
  );
  for (const figure of FIGURES) report(figure);
} finally {
  await hosts.down();
}

function report(figure) {
  const [ours, theirs] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(measure(ourCommand(figure), figure.column));
    theirs.push(measure(theirCommand(figure), figure.column));
    theirs.push(measure(theirCommand(figure), figure.column));
    ours.push(measure(ourCommand(figure), figure.column));
  }
  const [our, their] = [median(ours), median(theirs)];
  const goal = `${figure.isRate ? '>=' : '<='} ${figure.goal}`;
  const cells = [our.toFixed(3), their.toFixed(3), (our / their).toFixed(2), goal];
  console.log(figure.name.padEnd(30) + cells.map((cell) => cell.padStart(12)).join(''));
}

function ourCommand({ program, size, counts: [iterations, warmup, repetitions] }) {
  const options = ['--quiet', '--host', 'node1:1,node2:1', '--transport', 'websocket,self'];
  const counts = ['-m', String(size), '-i', String(iterations), '-x', String(warmup), '-r', String(repetitions)];
  return [process.execPath, join(root, 'dist/tsmpirun.js'), ...options, join(root, `bench/osu/${program}.ts`), ...counts];
}

function theirCommand({ program, size, counts }) {
  const layers = ['--mca', 'pml', 'ob1', '--mca', 'btl', 'tcp,self', '--mca', 'btl_tcp_if_include', 'eth0'];
  const options = ['--allow-run-as-root', '--bind-to', 'none', '--host', 'node1:1,node2:1', '-n', '2'];
  return ['mpirun', ...options, ...layers, join(hosts.folder, 'pair'), program, ...[size, ...counts].map(String)];
}

/** Run it on the first host's core; return the number in that column of the one line that is no comment. */
function measure(command, column) {
  const [file, ...args] = hosts.command('node1', ['taskset', '-c', '0', ...command], root);
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 60_000 });
  const line = stdout.split('\n').find((text) => /^\d/.test(text));
  if (status !== 0 || line === undefined) throw new Error(`${command.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  return Number(line.trim().split(/\s+/)[column]);
}
