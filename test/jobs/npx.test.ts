/** Killing npx counts as killing the launcher that it started. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Job, LAUNCHER, program } from './run-job.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsmpi-npx-'));
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"name":"uses-tsmpi","version":"1.0.0"}');
  const script = `#!/bin/sh\nexec "${process.execPath}" "${LAUNCHER}" "$@"\n`;
  writeFileSync(join(folder, 'node_modules', '.bin', 'tsmpirun'), script, { mode: 0o755 });
});

afterAll(() => rmSync(folder, { recursive: true }));

test.each(['SIGTERM', 'SIGKILL'] as const)('%s to npx ends the job', async (signal) => {
  // npm itself leaves a compile cache in the folder for temporary files on newer Nodes.
  const npm = { npm_config_cache: join(folder, 'cache'), npm_config_update_notifier: 'false', NODE_DISABLE_COMPILE_CACHE: '1' };
  const job = new Job(['-n', '2', '--quiet', program('linger.mjs'), 'child'], {
    command: ['npx', '--no-install', 'tsmpirun'],
    cwd: folder,
    env: { HOME: folder, ...npm },
  });
  await job.output(/ready/, 2);
  job.child.kill(signal);
  await job.end();
});

test('without npm the launcher outlives the shell that started it', async () => {
  const script = `"${process.execPath}" "${LAUNCHER}" -n 1 --quiet --exec sh -c 'echo ready; read line; echo "went on $line"' <&3 & exit 0`;
  const job = new Job([], { command: ['sh', '-c', `exec 3<&0; ${script}`], input: 'to its end\n' });
  const { stdout } = await job.end();
  expect(stdout).toContain('went on to its end');
});
