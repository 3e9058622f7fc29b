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
const { median } = await load('bench/lib/statistics.ts');
const [rounds = '2', wanted = ''] = process.argv.slice(2);
const root = join(import.meta.dirname, '../..');

/** `field`: what of a line of either program is taken. `goal`: ours over theirs, at most or at least. */
const FIGURES = [
  { name: '8 B half round trip, us', program: 'latency', size: 8, iterations: 4000, field: 'us', goal: 1.2 },
  { name: '64 KiB half round trip, us', program: 'latency', size: 65536, iterations: 1000, field: 'us', goal: 1.1 },
  { name: '1 MiB bandwidth, MB/s', program: 'bw', size: 1 << 20, iterations: 10, field: 'megabytesPerSecond', goal: 1 },
  { name: '8 B message rate, 1/s', program: 'bw', size: 8, iterations: 400, field: 'messagesPerSecond', goal: 1 },
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
  hosts.run('node1', ['mpicc', '-O3', '-march=native', '-o', join(hosts.folder, 'osu'), join(root, 'bench/peers/osu.c'), '-lm']);
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
    ours.push(measure(ourCommand(figure), figure.field));
    theirs.push(measure(theirCommand(figure), figure.field));
    theirs.push(measure(theirCommand(figure), figure.field));
    ours.push(measure(ourCommand(figure), figure.field));
  }
  const [our, their] = [median(ours), median(theirs)];
  const goal = `${figure.field === 'us' ? '<=' : '>='} ${figure.goal}`;
  const cells = [our.toFixed(3), their.toFixed(3), (our / their).toFixed(2), goal];
  console.log(figure.name.padEnd(30) + cells.map((cell) => cell.padStart(12)).join(''));
}

/** Repetitions that count, on both sides. */
const REPETITIONS = 11;

function ourCommand({ program, size, iterations }) {
  const counts = ['-m', `${size}:${size}`, '-i', String(iterations), '-r', String(REPETITIONS), '--json'];
  const options = ['--host', 'node1:1,node2:1', '--transport', 'websocket,self'];
  return [process.execPath, join(root, 'dist/tsmpi.js'), 'bench', program, ...counts, '--', ...options];
}

function theirCommand({ program, size, iterations }) {
  const layers = ['--mca', 'pml', 'ob1', '--mca', 'btl', 'tcp,self', '--mca', 'btl_tcp_if_include', 'eth0'];
  const options = ['--allow-run-as-root', '--bind-to', 'none', '--host', 'node1:1,node2:1', '-n', '2'];
  const words = [`program=${program}`, `sizes=${size}`, `iterations=${iterations}`, `repetitions=${REPETITIONS}`];
  return ['mpirun', ...options, ...layers, join(hosts.folder, 'osu'), ...words];
}

/** Run it on the first host's core; return that field of its last line. */
function measure(command, field) {
  const [file, ...args] = hosts.command('node1', ['taskset', '-c', '0', ...command], root);
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 60_000 });
  const line = stdout.trim().split('\n').at(-1);
  if (status !== 0 || !line.startsWith('{"kind":"row"'))
    throw new Error(`${command.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  return JSON.parse(line)[field];
}
