/** --stage: hosts that have neither the program nor its data get both, and keep nothing of it. */

import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { HostJob } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

const SIM = `import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { half } from '../lib/half.ts';
import own from 'own';
import { SUM, world } from 'tsmpi';

const sum = await world.allreduce(half(world.rank * 2), SUM);
const beside: string = readFileSync(new URL('../data/one.txt', import.meta.url), 'utf8').trim();
const here = readFileSync('data/deep/two.txt', 'utf8').trim();
console.log([world.rank, hostname(), sum, own, beside, here, process.argv[1].split('/').slice(-2).join('/')].join(' '));
if (process.argv[2] === 'fail' && world.rank === 2) {
  interface Nothing { readonly nothing: true }
  throw new Error('here: ' + (undefined as Nothing | undefined));
}
if (process.argv[2] === 'linger') {
  console.log('ready ' + process.pid);
  await world.recv(new Float64Array(1), (world.rank + 1) % world.size);
}
`;

describe.skipIf(missingHosts)(named('--stage'), () => {
  let hosts: TestHosts;
  let folder: string;
  beforeAll(async () => {
    hosts = await TestHosts.up(3);
    folder = join(hosts.folder, 'project');
    const files = {
      'src/sim.ts': SIM,
      'lib/half.ts': 'export const half = (x: number): number => x / 2;\n',
      'node_modules/own/package.json': '{"name":"own","type":"module","main":"index.js"}',
      'node_modules/own/index.js': "import { basename } from 'node:path';\nexport default basename('/a/own-package');\n",
      'data/one.txt': 'one\n',
      'data/deep/two.txt': 'two\n',
      'src/plain.cjs':
        "const { world } = require('tsmpi');\nconst own = require('./part.cjs');\nconsole.log(world.rank, own, require.main === module);\n",
      'src/part.cjs': "module.exports = require('node:path').relative(process.cwd(), __filename);\n",
      'src/boss.mts':
        "import { once } from 'node:events';\nimport { Worker } from 'node:worker_threads';\nimport { world } from 'tsmpi';\n" +
        "const worker = new Worker(new URL('./hand.ts', import.meta.url), { workerData: world.rank });\n" +
        "console.log((await once(worker, 'message'))[0], import.meta.dirname.split('/').at(-1));\n",
      'src/hand.ts':
        "import { parentPort, workerData } from 'node:worker_threads';\nimport { half } from '../lib/half.ts';\n" +
        'parentPort!.postMessage(half(workerData as number) * 4);\n',
      'tool.sh': '#!/bin/sh\necho "$(hostname) $(basename $(dirname $0)) $(cat data/one.txt)"\n',
    };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), text, { mode: name.endsWith('.sh') ? 0o755 : 0o644 });
    }
    // Other hosts have folders of their own there.
    for (const host of ['node2', 'node3']) hosts.run(host, ['mount', '-t', 'tmpfs', 'tmpfs', folder]);
  });
  afterAll(() => hosts?.down());
  afterEach(() => expect(staged()).toEqual([]));

  /** Folders of jobs in the temporary folder, which hosts share. */
  const staged = (): string[] => readdirSync(tmpdir()).filter((name) => /^tsmpi-[\da-z]+-[\da-z]+\.\d+$/.test(name));
  const start = (...args: string[]): HostJob =>
    new HostJob(hosts, ['--quiet', '--host', 'node1,node2,node3', ...args], { cwd: folder });
  const lines = (text: string): string[] => text.replace(/\n$/, '').split('\n').sort();

  test('a program in TypeScript with a module, a package and data, by paths from here and from the program', async () => {
    const { code, stdout, stderr } = await start('--stage-file', 'data', 'src/sim.ts').end();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(stdout)).toEqual([1, 2, 3].map((node) => `${node - 1} node${node} 3 own-package one two src/sim.ts`));
    expect(hosts.run('node2', ['ls', folder])).toBe('');
  });

  // Here the program is bundled anew: ranks of other hosts have ended before the one here begins.
  test('CommonJS with a module of its own, and a program with a worker', async () => {
    const plain = await start('--stage', 'src/plain.cjs').end();
    expect({ code: plain.code, stderr: plain.stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(plain.stdout)).toEqual([0, 1, 2].map((rank) => `${rank} src/part.cjs true`));
    const boss = await start('--stage', 'src/boss.mts').end();
    expect({ code: boss.code, stderr: boss.stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(boss.stdout)).toEqual(['0 src', '2 src', '4 src']);
  });

  test('without it the hosts have no program', async () => {
    const { code, lastLine } = await start('src/sim.ts').end();
    expect(code).toBe(127);
    expect(lastLine).toMatch(/^tsmpirun: program not found: \S+\/src\/sim\.ts \(on node[23]\)$/);
  });

  test('a stack names the source and its line', async () => {
    const { code, stderr, lastLine } = await start('--stage-file', 'data', 'src/sim.ts', 'fail').end();
    expect(code).toBe(1);
    expect(stderr).toContain('here: undefined');
    expect(stderr).toContain(`${folder}/src/sim.ts:13:`);
    expect(lastLine).toMatch(/^tsmpirun: rank 2 on node3 \(pid \d+\): exited with code 1$/);
  });

  test('executables: one that is named by a path is sent, one of the path is there; what ranks leave is removed', async () => {
    const tool = await start('--stage', '--stage-file', 'data/one.txt', '--exec', './tool.sh').end();
    expect(tool.code).toBe(0);
    expect(lines(tool.stdout).map((line) => line.replace(/tsmpi-\S+\.\d/, 'STAGE'))).toEqual([
      ...['node1 project one', 'node2 STAGE one', 'node3 STAGE one'],
    ]);
    const left = ['--stage', '--wdir', 'src', '--exec', 'sh', '-c', 'test $(hostname) = node1 || { echo x > left; pwd; }'];
    const { stdout } = await start(...left).end();
    expect(lines(stdout).map((line) => line.replace(/^.*tsmpi-\S+\.\d/, 'STAGE'))).toEqual(['STAGE/src', 'STAGE/src']);
  });

  test('much data, byte for byte', async () => {
    const bytes = randomBytes(24 << 20);
    writeFileSync(join(folder, 'big.bin'), bytes);
    const sum = ['--stage-file', 'big.bin', '--exec', 'sh', '-c', 'sha256sum big.bin | cut -c1-16'];
    const { code, stdout } = await start(...sum).end();
    expect(code).toBe(0);
    expect(new Set(lines(stdout)).size).toBe(1);
  });

  test.each(['launcher', 'agent'] as const)('kill -9 of the %s: nothing stays', async (who) => {
    const running = start('--stage-file', 'data', 'src/sim.ts', 'linger');
    await running.ready(3);
    expect(staged()).toHaveLength(2);
    process.kill(who === 'launcher' ? running.job.launcher() : running.agent('node2'), 'SIGKILL');
    await running.end();
    for (let turn = 0; staged().length > 0 && turn < 100; turn++) await new Promise((resolve) => setTimeout(resolve, 50));
  });

  test('Ctrl-C while files are sent', async () => {
    // A host that takes nothing more once the first megabytes are there.
    writeFileSync(join(folder, 'huge.bin'), Buffer.alloc(64 << 20, 1));
    const running = start('--stage-file', 'huge.bin', '--exec', 'true');
    while (staged().length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    process.kill(running.job.launcher(), 'SIGINT');
    const { code, lastLine } = await running.end();
    expect({ code, lastLine }).toEqual({ code: 130, lastLine: 'tsmpirun: interrupted' });
  });

  test.each<[string, string[], number, RegExp]>([
    [
      'no such data',
      ['--stage-file', 'nowhere', 'src/sim.ts'],
      2,
      /^--stage-file \S+\/nowhere: there is no such file or folder$/,
    ],
    ['no such program', ['--stage', 'src/none.ts'], 127, /^program not found: \S+\/src\/none\.ts$/],
    ['not a program of Node', ['--stage', 'tool.sh'], 126, /^\S+\/tool\.sh cannot be sent: expected a \.js or \.ts program/],
    ['a device', ['--stage-file', '/dev/null', 'src/sim.ts'], 2, /^--stage-file \/dev\/null: expected a file or folder$/],
    ['one name for two', ['--stage-file', '/etc/hosts', '--stage-file', '/run/hosts', 'src/sim.ts'], 2, /^--stage/],
  ])('%s', async (_, args, exitCode, message) => {
    hosts.run('node1', ['sh', '-c', 'echo other > /run/hosts']);
    const { code, stdout, lastLine } = await start(...args).end();
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(lastLine.replace('tsmpirun: ', '')).toMatch(message);
  });

  test('a folder that takes no file', async () => {
    for (const host of ['node2', 'node3']) hosts.run(host, ['mount', '-t', 'tmpfs', '-o', 'size=1M', 'tmpfs', '/var/tmp']);
    writeFileSync(join(folder, 'much.bin'), Buffer.alloc(8 << 20));
    const rsh = join(hosts.folder, 'rsh');
    writeFileSync(rsh, '#!/bin/sh\nhost=$1; shift\nexec ssh -T "$host" "export TMPDIR=/var/tmp; $*"\n', { mode: 0o755 });
    const { code, stdout, lastLine } = await start('--rsh', rsh, '--stage-file', 'much.bin', '--exec', 'echo', 'it ran').end();
    for (const host of ['node2', 'node3']) {
      expect(hosts.run(host, ['ls', '-A', '/var/tmp'])).toBe('');
      hosts.run(host, ['umount', '/var/tmp']);
    }
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(lastLine).toMatch(/^tsmpirun: --stage cannot write \/var\/tmp\/tsmpi-\S+\/much\.bin: ENOSPC: .* \(on node[23]\)$/);
  });
});
