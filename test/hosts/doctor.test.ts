/** tsmpi doctor --host: a sound set of hosts, and what it says of broken ones. */

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../../src/base/version.ts';
import { LAUNCHER } from '../jobs/run-job.ts';
import { HostJob } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

const TSMPI = join(dirname(LAUNCHER), 'tsmpi.js');

interface Found {
  readonly host: string;
  readonly state: string;
  readonly what: string;
  readonly advice: string;
}

describe.skipIf(missingHosts)(named('tsmpi doctor --host'), () => {
  let hosts: TestHosts;
  beforeAll(async () => {
    hosts = await TestHosts.up(3);
  });
  afterAll(() => hosts?.down());
  afterEach(() => hosts.filter('node2', {}));

  const doctor = (...args: string[]) => new HostJob(hosts, args, { launch: [process.execPath, TSMPI, 'doctor'] }).end();
  /** Run it, and return what is wrong. */
  async function failures(...args: string[]): Promise<Found[]> {
    const { code, stdout, stderr } = await doctor('--json', ...args);
    const found = (JSON.parse(stdout) as Found[]).filter(({ state }) => state === 'fail');
    expect({ code, stderr }).toEqual({ code: found.length > 0 ? 1 : 0, stderr: '' });
    for (const { advice } of found) expect(advice).not.toBe('');
    return found;
  }

  test('hosts that are fit: everything is tried, in both directions', async () => {
    const { code, stdout } = await doctor('--host', 'node1,root@node2,node3', '--ports', '5000-5001');
    expect(code).toBe(0);
    const [, own, other] = /^node1\n([\s\S]*)^node2\n([\s\S]*)^node3\n/m.exec(stdout)!;
    expect(own).toMatch(/^ {2}ok {4}Node v/m);
    for (const what of [
      ...['a login without a question', `tsmpi ${VERSION}`, 'Node v', 'native addon: ', 'memory to share: ', 'locked memory: '],
      ...['its clock is 0.00 s ', 'connections from there to this host', 'connections from this host to there'],
      'connections from there to node3',
    ])
      expect(other).toMatch(new RegExp(`^ {2}ok {4}${what}`, 'm'));
    expect(other).not.toContain('fail');
  });

  test('no login: an unknown name, and no sshd', async () => {
    expect(await failures('--host', 'nowhere,node2')).toMatchObject([
      {
        host: 'nowhere',
        what: expect.stringMatching(/^no login: ssh: Could not resolve hostname nowhere/),
        advice: expect.stringContaining('the name is not known'),
      },
    ]);
    expect(await failures('--host', 'node2', '--rsh', 'ssh -p 23')).toMatchObject([
      {
        what: expect.stringMatching(/^no login: ssh: .*Connection refused/),
        advice: expect.stringContaining('no sshd answers there'),
      },
    ]);
    expect(await failures('--host', 'nobody@node2')).toMatchObject([
      { what: expect.stringContaining('Permission denied'), advice: expect.stringContaining('ssh-copy-id nobody@node2') },
    ]);
  });

  test('ports that a firewall closes', async () => {
    hosts.filter('node2', { input: 'tcp dport != 22 ct state new' });
    const found = await failures('--host', 'node2,node3', '--ports', '5000-5009');
    expect(found.map(({ host, what }) => `${host}: ${what}`)).toEqual([
      expect.stringMatching(/^node2: no connection from this host to there \(10\.77\.0\.2 port 5000: no answer within 3 s\)$/),
      expect.stringMatching(/^node3: no connection from there to node2 \(10\.77\.0\.2 port 5000: no answer within 3 s\)$/),
    ]);
    expect(found[0]!.advice).toContain('open these ports in the firewalls between');
  });

  test('another version, no tsmpi, and no Node there', async () => {
    const other = join(hosts.folder, 'tsmpi.js');
    writeFileSync(other, readFileSync(TSMPI, 'utf8').replaceAll(JSON.stringify(VERSION), '"99.1.0"'));
    hosts.run('node2', ['mount', '--bind', other, TSMPI]);
    hosts.run('node3', ['mount', '-t', 'tmpfs', 'tmpfs', dirname(TSMPI)]);
    const found = await failures('--host', 'node2,node3');
    hosts.run('node2', ['umount', TSMPI]);
    hosts.run('node3', ['umount', dirname(TSMPI)]);
    expect(found).toMatchObject([
      { host: 'node2', what: 'tsmpi 99.1.0', advice: expect.stringContaining(`here it is ${VERSION}`) },
      { host: 'node3', what: `there is no tsmpi at ${TSMPI} there`, advice: expect.stringContaining('same path on every host') },
    ]);
    hosts.run('node2', ['mount', '--bind', '/dev/null', process.execPath]);
    const noNode = await failures('--host', 'node2');
    hosts.run('node2', ['umount', process.execPath]);
    expect(noNode).toMatchObject([{ what: `there is no ${process.execPath} there that can be executed` }]);
  });

  test('no memory for a segment, and no free port', async () => {
    const rsh = join(hosts.folder, 'rsh');
    writeFileSync(rsh, '#!/bin/sh\nhost=$1; shift\nexec ssh -T "$host" "ulimit -f 2048; $*"\n', { mode: 0o755 });
    expect(await failures('--rsh', rsh, '--host', 'node2')).toMatchObject([
      {
        host: 'node2',
        what: expect.stringMatching(/^memory to share: .* cannot be had/),
        advice: expect.stringContaining('ulimit -f'),
      },
    ]);
    expect(await failures('--host', 'node2', '--ports', '22-22')).toMatchObject([
      {
        host: 'node1',
        what: expect.stringContaining('the ports 22 to 22 are all in use'),
        advice: expect.stringContaining('--ports'),
      },
    ]);
  });

  test.each([
    [['--host', 'a/b'], /^tsmpi doctor: --host got a\/b: expected a host/],
    [['--hostfile', '/no/such'], /^tsmpi doctor: --hostfile \/no\/such cannot be read/],
    [['--host', 'a', '--ports', '9-1'], /^tsmpi doctor: --ports got 9-1: expected/],
    [['--host', 'a', '--hostfile', 'b'], /^tsmpi doctor: --host and --hostfile are both given/],
  ])('%j', async (args, message) => {
    const { code, lastLine } = await doctor(...args);
    expect(lastLine).toMatch(message);
    expect(code).toBe(2);
  });
});
