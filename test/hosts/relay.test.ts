/**
 * Ranks of different hosts by way of their agents: with --tls, as threads, as processes beside threads, and where the ports
 * of ranks are blocked.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../jobs/run-job.ts';
import { isLong } from '../long.ts';
import { generate } from '../random/generate.ts';
import { missing, named as namedAddon } from '../unit/native/native-addon.ts';
import { runOnHosts } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

/** Floods take a minute where others compute too. */
/** Programs of one batch, and the rank that performs it. */
const RANDOM_COUNT = 40;
const RANDOM_RANKS = 5;
const RANDOM = program('../random/programs/rank.ts');

describe.skipIf(missingHosts ?? missing)(named(namedAddon('relay')), () => {
  let hosts: TestHosts;
  beforeAll(async () => {
    hosts = await TestHosts.up(3);
  });
  afterAll(() => hosts?.down());
  afterEach(() => {
    for (const name of hosts.names) hosts.filter(name, {});
  });

  /** A remote shell that leaves the addon away on node2: its ranks are threads, those of other hosts processes. */
  function withoutAddonOnNode2(): string {
    const file = join(hosts.folder, 'rsh');
    const script = '#!/bin/sh\nhost=$1\nshift\n[ "$host" = node2 ] && set -- TSMPI_NATIVE=off "$@"\nexec ssh -T "$host" "$@"\n';
    writeFileSync(file, script, { mode: 0o755 });
    return file;
  }

  /** Several programs as one, one after the other. */
  function together(names: readonly string[]): string {
    const file = join(hosts.folder, `${names.length}.ts`);
    writeFileSync(file, names.map((name) => `import ${JSON.stringify(program(`point-to-point/${name}.ts`))};\n`).join(''));
    return file;
  }

  function randomBatch(): string {
    // The model knows one host only.
    const programs = Array.from({ length: 4 * RANDOM_COUNT }, (_, k) => generate(k + 1))
      .filter((drawn) => drawn.size <= RANDOM_RANKS && !JSON.stringify(drawn).includes('splitShared'))
      .slice(0, RANDOM_COUNT);
    const file = join(hosts.folder, 'batch.json');
    writeFileSync(file, JSON.stringify({ programs, limitMs: 30_000, withoutAreas: false }));
    return file;
  }

  const WAYS: Record<string, () => string[]> = {
    'with --tls': () => ['--tls'],
    'without the addon': () => ['--ranks', 'thread', '-x', 'TSMPI_NATIVE=off'],
    'processes beside threads': () => ['--rsh', withoutAddonOnNode2()],
  };

  describe.each(Object.entries(WAYS))('%s', (_, options) => {
    const run = (list: string, ...args: string[]) =>
      runOnHosts(hosts, ['--quiet', '--timeout', '90', '--host', list, ...options(), ...args]);

    test.each([
      [2, 'node1,node2', ['sizes', 'requests', 'errors', 'objects', 'layouts']],
      [4, 'node1,node2:2,node3', isLong ? ['order', 'flood'] : ['order']],
    ])('messages among %i ranks on %s', async (size, list, names) => {
      const { code, stdout, stderr } = await run(list, together(names));
      expect(stderr).toBe('');
      const said = stdout.trimEnd().split('\n');
      const words = { sizes: '\\d+ messages', order: 'in order', layouts: '\\d+ layouts' } as Record<string, string>;
      const expected = Array.from({ length: size }, (_, rank) => names.map((name) => `rank ${rank}: ${words[name] ?? name}`));
      expect(said).toHaveLength(size * names.length);
      for (const line of expected.flat()) expect(stdout).toMatch(new RegExp(`^${line}$`, 'm'));
      expect(code).toBe(0);
    });

    test('random programs of messages and collectives', async () => {
      const { code, stdout, stderr } = await run('node1:2,node2:2,node3', RANDOM, randomBatch());
      expect({ code, stderr, failed: stdout.split('\n').filter((line) => line.startsWith('failed')) }).toEqual({
        ...{ code: 0, stderr: '', failed: [] },
      });
    });
  });
});
