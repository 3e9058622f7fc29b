/** Ranks of all hosts learn on which address and port each other listens, and who has ended. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../jobs/run-job.ts';
import { missing, named as namedAddon } from '../unit/native/native-addon.ts';
import { runOnHosts } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

describe.skipIf(missingHosts ?? missing)(named(namedAddon('addresses of ranks')), () => {
  let hosts: TestHosts;
  beforeAll(async () => {
    hosts = await TestHosts.up(3);
  });
  afterAll(() => hosts?.down());

  test.each([
    ['with ranks on the launcher’s host', ['--host', 'node1:2,node2:2,node3'], [1, 1, 2, 2, 3]],
    ['without', ['--host', 'node2:2,node3:2'], [2, 2, 3, 3]],
  ])('%s', async (_, args, nodes) => {
    const { code, stdout } = await runOnHosts(hosts, ['--quiet', ...args, program('ports.ts')]);
    expect(code).toBe(0);
    const all = nodes.map((node, rank) => `10.77.0.${node}:${40_000 + rank}`).join(' ');
    const expected = nodes.flatMap((_node, rank) => [
      `rank ${rank} with a key of 32 bytes: ${all}`,
      ...(rank === 0 ? [] : [`rank ${rank} knows that rank 0 has departed`]),
    ]);
    expect(stdout.trim().split('\n').sort()).toEqual(expected.sort());
  });
});
