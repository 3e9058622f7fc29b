/** Jobs over ssh: where ranks come to run, with what, and what is said when a host cannot be had. */

import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../../src/base/version.ts';
import { LAUNCHER, program } from '../jobs/run-job.ts';
import { runOnHosts } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

const WHERE = ['--exec', 'sh', '-c', 'echo "$TSMPI_RANK $(hostname) $TSMPI_LOCAL_RANK of $TSMPI_SIZE"'];
const ROOT = dirname(dirname(LAUNCHER));

describe.skipIf(missingHosts)(named('jobs over ssh'), () => {
  let hosts: TestHosts;
  beforeAll(async () => {
    hosts = await TestHosts.up(4);
  });
  afterAll(() => hosts?.down());

  const run = (...args: string[]) => runOnHosts(hosts, ['--quiet', ...args]);
  const lines = (text: string): string[] => text.replace(/\n$/, '').split('\n').sort();

  test('a rank for each slot, on the launcher’s host and on others', async () => {
    const { code, stdout, stderr } = await run('--host', 'node1:2,node2,node3,node4:2', ...WHERE);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(stdout)).toEqual([
      '0 node1 0 of 6',
      '1 node1 1 of 6',
      '2 node2 0 of 6',
      '3 node3 0 of 6',
      '4 node4 0 of 6',
      '5 node4 1 of 6',
    ]);
  });

  test('a hostfile, a user, --map-by host, fewer ranks than slots, and a host that only ssh’s own configuration knows', async () => {
    const hostfile = join(hosts.folder, 'hostfile');
    writeFileSync(hostfile, '# two of them\nroot@node3 slots=2\nby-config:2\nnode4:8\n');
    const { code, stdout } = await run('--hostfile', hostfile, '--map-by', 'host', '-n', '4', ...WHERE);
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual(['0 node3 0 of 4', '1 node2 0 of 4', '2 node4 0 of 4', '3 node3 1 of 4']);
  });

  test('several programs, each with its folder and variables', async () => {
    const say = (name: string) => ['--exec', 'sh', '-c', `echo ${name} $(pwd) $WHO $(hostname)`];
    const first = ['--host', 'node1,node2', '-n', '1', '--wdir', '/usr', '-x', 'WHO=me', ...say('one')];
    const { code, stdout } = await run(...first, ':', '-n', '1', '--wdir', '/var', '-x', 'WHO=you', ...say('two'));
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual(['one /usr me node1', 'two /var you node2']);
  });

  test('the environment travels, without what belongs to a host', async () => {
    const env = { OWN: 'a b\n"c"', SSH_TTY: 'x', XDG_RUNTIME_DIR: 'x', TMPDIR: '/var/tmp', PBS_O_HOST: 'x', TSMPI_MINE: '1' };
    const options = { env: { ...env, NODE_OPTIONS: '--no-warnings' } };
    const args = ['--quiet', '--host', 'node1,node2', '-x', 'DISPLAY=:7', program('environment.mjs')];
    const { code, stdout } = await runOnHosts(hosts, args, options);
    expect(code).toBe(0);
    const [own, other] = lines(stdout)
      .map((line) => JSON.parse(line) as Record<string, string>)
      .sort((a, b) => Number(a.TSMPI_RANK) - Number(b.TSMPI_RANK));
    expect(own).toMatchObject({ ...options.env, DISPLAY: ':7' });
    expect(other).toMatchObject({ OWN: env.OWN, TSMPI_MINE: '1', DISPLAY: ':7', NODE_OPTIONS: '--no-warnings', PATH: own.PATH });
    for (const name of ['SSH_TTY', 'SSH_CONNECTION', 'XDG_RUNTIME_DIR', 'TMPDIR', 'PBS_O_HOST'])
      expect(other).not.toHaveProperty(name);
  });

  test('programs in TypeScript are bundled on each host', async () => {
    const file = join(hosts.folder, 'where.ts');
    writeFileSync(
      file,
      "import { hostname } from 'node:os';\nconsole.log((process.env.TSMPI_RANK as string) + ' ' + hostname());\n",
    );
    const { code, stdout } = await run('--host', 'node1,node2,node3', file);
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual(['0 node1', '1 node2', '2 node3']);
  });

  test('ranks as threads', async () => {
    const { code, stdout } = await run('--ranks', 'thread', '--host', 'node2:2,node3:2', program('plain.mjs'), 'thread');
    expect({ code, lines: lines(stdout) }).toEqual({ code: 0, lines: new Array(4).fill('plain thread') });
  });

  test('standard input for a rank on another host, and for all', async () => {
    const input = `first\n${'x'.repeat(300_000)}`;
    const one = await runOnHosts(hosts, ['--quiet', '--stdin', '1', '--host', 'node1,node2', program('echo-input.mjs')], {
      input,
    });
    expect(lines(one.stdout)).toEqual(['rank 0 read 0: ', 'rank 1 read 300006: first']);
    const all = await runOnHosts(hosts, ['--quiet', '--stdin', 'all', '--host', 'node1,node2,node3', program('echo-input.mjs')], {
      input,
    });
    expect(lines(all.stdout)).toEqual([0, 1, 2].map((rank) => `rank ${rank} read 300006: first`));
  });

  test('lines of ranks on several hosts never mix', async () => {
    const args = ['--host', 'node1:2,node2:2,node3:2,node4:2', program('lines.mjs'), '400', '120'];
    const { code, stdout } = await run(...args);
    expect(code).toBe(0);
    const all = stdout.trimEnd().split('\n');
    expect(all).toHaveLength(8 * 400);
    for (const line of all) expect(line).toMatch(/^(\d):\d+:\1*$/);
  });

  test('--explain says which host has which ranks and by which address it is reached', async () => {
    const { stderr } = await run('--explain', '--iface', '10.77.0.0/16', '--host', 'node1:2,node3', '--exec', 'true');
    expect(stderr).toMatch(/job \S+: 3 ranks on 2 hosts\n/);
    expect(stderr).toContain('host node1 (10.77.0.1): ranks 0, 1 as processes');
    expect(stderr).toContain('host node3 (10.77.0.3): ranks 2 as processes');
    const none = await run('--iface', '10.99.0.0/16', '--host', 'node1,node3', '--exec', 'true');
    expect(none.code).toBe(1);
    expect(none.lastLine).toMatch(/^tsmpirun: host node[13] has no address in 10\.99\.0\.0\/16 \(--iface\): it has \S+$/);
  });

  test('ranks of all hosts exchange messages', async () => {
    const { code, stdout, stderr } = await run('--host', 'node1:2,node2:2,node3', program('ring.mjs'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(stdout)).toEqual([0, 1, 2, 3, 4].map((rank) => `rank ${rank} of 5 got ${(rank + 4) % 5}, all together 10`));
  });

  test('ranks that would have to talk across hosts say that they cannot', async () => {
    const { code, stderr } = await run('--host', 'node1,node2', '--transport', 'self,shm', program('ring.mjs'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/rank \d has no way to reach rank \d .*shm: rank \d is on another host/);
  });

  describe('a host that cannot be had: nothing runs anywhere', () => {
    const echo = ['--exec', 'echo', 'it ran'];
    test.each([
      [
        'an unknown name',
        ['--host', 'node1,nowhere', ...echo],
        1,
        /^no agent came up on nowhere: ssh exited with code 255: .*resolve hostname nowhere/,
      ],
      [
        'no sshd',
        ['--rsh', 'ssh -p 23 -T', '--host', 'node1,node2', ...echo],
        1,
        /^no agent came up on node2: ssh exited with code 255: .*Connection refused/,
      ],
      [
        'no such remote shell',
        ['--rsh', '/no/such/rsh', '--host', 'node2', ...echo],
        1,
        /^no agent came up on node2: \/no\/such\/rsh could not be started: .*ENOENT/,
      ],
      [
        'a login that takes too long',
        ['--start-timeout', '0.5', '--rsh', "sh -c 'sleep 60'", '--host', 'node1,node2', ...echo],
        1,
        /^no agent came up on node2: no answer within 0\.5 s: expected it, or a longer --start-timeout$/,
      ],
      [
        'no such folder',
        ['--wdir', '/only/here', '--host', 'node2', ...echo],
        1,
        /^the working directory \/only\/here is not there on node2$/,
      ],
      ['no such program', ['--host', 'node1,node2', '/no/such.mjs'], 127, /^program not found: \/no\/such\.mjs \(on node[12]\)$/],
    ] as const)('%s', async (_, args, exitCode, message) => {
      const { code, stdout, lastLine } = await run(...args);
      expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
      expect(lastLine.replace('tsmpirun: ', '')).toMatch(message);
    });

    test('no Node there, and no tsmpi there', async () => {
      const own = join(hosts.folder, 'own');
      mkdirSync(join(own, 'dist'), { recursive: true });
      copyFileSync(process.execPath, join(own, 'node'));
      const files = ['tsmpirun', 'agent'].flatMap((name) => [`${name}.cjs`, `${name}-main.cjs`]);
      for (const file of files) copyFileSync(join(ROOT, 'dist', file), join(own, 'dist', file));
      symlinkSync(join(ROOT, 'node_modules'), join(own, 'node_modules'));
      copyFileSync(join(ROOT, 'package.json'), join(own, 'package.json'));
      const launcher = join(own, 'dist', 'tsmpirun.cjs');
      const args = ['--quiet', '--host', 'node1,node2', ...echo];
      // A folder of its own on that host, where the others have node and tsmpi.
      hosts.run('node2', ['mount', '-t', 'tmpfs', 'tmpfs', own]);
      const noNode = await runOnHosts(hosts, args, { launch: [join(own, 'node'), launcher] });
      expect(noNode.lastLine).toMatch(
        new RegExp(`^tsmpirun: no agent came up on node2: there is no ${own}/node there that can be executed \\(ssh`),
      );
      const noAgent = await runOnHosts(hosts, args, { launch: [process.execPath, launcher] });
      expect(noAgent.lastLine).toMatch(
        new RegExp(`^tsmpirun: no agent came up on node2: there is no tsmpi at ${own}/dist/agent\\.cjs there \\(ssh`),
      );
      expect([noNode.code, noAgent.code, noNode.stdout, noAgent.stdout]).toEqual([1, 1, '', '']);
      hosts.run('node2', ['umount', own]);
      rmSync(own, { recursive: true });
    });

    test('no memory for the segment there', async () => {
      const rsh = join(hosts.folder, 'rsh-limited');
      writeFileSync(
        rsh,
        '#!/bin/sh\nhost=$1; shift\n[ $host != node3 ] || limit="ulimit -f 512;"\nexec ssh -T "$host" "$limit $*"\n',
        {
          mode: 0o755,
        },
      );
      const { code, lastLine } = await run('--rsh', rsh, '--host', 'node1:2,node2:2,node3:2,node4:2', program('ring.mjs'));
      expect(lastLine).toMatch(/^tsmpirun: no memory for the segment of 2 ranks: .* \(on node3\)$/);
      expect(code).toBe(1);
    });

    test('another version of tsmpi there', async () => {
      const other = join(hosts.folder, 'agent-main.cjs');
      const agent = join(ROOT, 'dist', 'agent-main.cjs');
      writeFileSync(other, readFileSync(agent, 'utf8').replaceAll(JSON.stringify(VERSION), '"99.1.0"'));
      hosts.run('node3', ['mount', '--bind', other, agent]);
      const { code, stdout, lastLine } = await run('--host', 'node1,node2,node3', ...echo);
      hosts.run('node3', ['umount', agent]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(lastLine).toBe(`tsmpirun: the launcher is tsmpi ${VERSION} and the agent on node3 is 99.1.0`);
    });
  });

  test('--rsh gets a host and a command, as ssh does', async () => {
    const log = join(hosts.folder, 'rsh.log');
    const rsh = join(hosts.folder, 'rsh');
    writeFileSync(rsh, `#!/bin/sh\necho "$@" >> ${log}\nexec ssh -T "$@"\n`, { mode: 0o755 });
    const { code, stdout } = await run('--rsh', rsh, '--host', 'root@node4', ...WHERE);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '0 node4 0 of 1\n' });
    expect(readFileSync(log, 'utf8')).toMatch(/^root@node4 exec \S+node \S+\/dist\/agent\.cjs dial\n$/);
  });

  test('hosts under several names and by their addresses are as many hosts', async () => {
    const names = hosts.names.slice(1).flatMap((name) => [name, `${name}.cluster`, hosts.address(name)]);
    const { code, stdout } = await run('--host', names.join(','), ...WHERE);
    expect(code).toBe(0);
    expect(lines(stdout)).toHaveLength(9);
  });
});
