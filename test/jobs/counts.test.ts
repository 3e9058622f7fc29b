/** What a message costs a rank that is a process, in things that can be counted: system calls, bytes allocated. Hard limits. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LAUNCHER, program, runJob } from './run-job.ts';

/** Bytes for 8 bytes sent, and for 8 received: measured were 16 and 462 on Node 20, where the compiler keeps a send's request off the heap. */
const BYTES = [300, 600] as const;

test('bytes allocated by a message', async () => {
  const flags = ['--node-args', '--expose-gc --min-semi-space-size=64 --max-semi-space-size=64'];
  const { code, stdout, stderr } = await runJob(['-n', '2', ...flags, program('bytes-per-message.mjs')]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const [sent, received] = JSON.parse(stdout);
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThanOrEqual(BYTES[0]);
  expect(received).toBeLessThanOrEqual(BYTES[1]);
});

/** Why system calls are not counted here; undefined: they are. */
function missing(): string | undefined {
  const { status, error } = spawnSync('strace', ['-o', '/dev/null', 'true'], { timeout: 10_000 });
  return status === 0 ? undefined : `no strace that may trace (apt-get install strace): ${error?.message ?? `status ${status}`}`;
}

const reason = missing();

test.skipIf(reason !== undefined)(
  `a message to a rank that is awake makes no system call${reason ? ` (${reason})` : ''}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsmpi-counts-'));
    try {
      // Ranks as processes alone are traced in files of their own, a file each thread.
      const command = ['strace', '-ff', '-o', join(folder, 'trace'), process.execPath, LAUNCHER];
      const { code, stderr } = await runJob(['-n', '2', program('marked-messages.mjs'), folder], { command, deadlineMs: 90_000 });
      expect(stderr).toBe('');
      expect(code).toBe(0);
      const traces = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'));
      for (const side of ['send', 'recv']) {
        const [trace] = traces.filter((text) => text.includes(`/tsmpi-mark/${side}-begin`));
        const calls = trace!.split(`/tsmpi-mark/${side}-begin`)[1]!.split(`/tsmpi-mark/${side}-end`)[0]!.split('\n').slice(1, -1);
        // V8 wakes its compiler, moves its heap and asks for its process's number when it likes.
        expect(calls.filter((call) => !/^(futex|madvise|mprotect|munmap|mmap|getpid)\(/.test(call))).toEqual([]);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
