/** Files and checkpoints of ranks on several hosts that share a folder: one writer a host. */

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../jobs/run-job.ts';
import { missing, named as namedAddon } from '../unit/native/native-addon.ts';
import { runOnHosts } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

describe.skipIf(missingHosts ?? missing)(named(namedAddon('files on several hosts')), () => {
  let hosts: TestHosts;
  beforeAll(async () => {
    hosts = await TestHosts.up(2);
  });
  afterAll(() => hosts?.down());

  test('four ranks on two hosts: collective writes and reads, a full disk, a checkpoint', async () => {
    const folder = join(hosts.folder, 'files');
    mkdirSync(folder);
    const args = ['--quiet', '--host', 'node1:2,node2:2', program('file.mjs'), folder];
    const { code, stdout, stderr } = await runOnHosts(hosts, args);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toBe('ok\n'.repeat(4));
    expect(readdirSync(join(folder, 'states'))).toHaveLength(5);
  });
});
