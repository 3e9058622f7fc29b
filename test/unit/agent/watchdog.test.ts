/** The watchdog, beside a process that dies by kill -9 (bundled here, since Node runs no TypeScript). */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsmpi-watchdog-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Run a text that uses `watchdog`, then have that process end: by kill -9 unless the text does something else. */
function guard(text: string): void {
  const outfile = join(folder, 'guard.mjs');
  const contents = `import { Watchdog } from './src/agent/watchdog.ts';
    const watchdog = new Watchdog('test');
    ${text}
    process.kill(process.pid, 'SIGKILL');`;
  buildSync({ stdin: { contents, resolveDir: process.cwd() }, bundle: true, platform: 'node', format: 'esm', outfile });
  spawnSync(process.execPath, [outfile], { stdio: 'inherit' });
}

const startSleeper = () => spawn('sleep', ['777'], { detached: true, stdio: 'ignore' });

test('kills the groups that it cares for, stopped or not, and no other', async () => {
  const [kept, stopped, dropped] = [startSleeper(), startSleeper(), startSleeper()];
  process.kill(stopped.pid!, 'SIGSTOP');
  const ends = [once(kept, 'exit'), once(stopped, 'exit')];
  guard(
    `for (const pid of [${kept.pid}, ${dropped.pid}, ${stopped.pid}]) watchdog.addGroup(pid); watchdog.removeGroup(${dropped.pid});`,
  );
  expect(await Promise.all(ends)).toEqual([
    [null, 'SIGKILL'],
    [null, 'SIGKILL'],
  ]);
  expect(dropped.exitCode ?? dropped.signalCode).toBeNull();
  dropped.kill('SIGKILL');
});

test('removes paths, whatever characters they have', async () => {
  const names = ["it's $HOME `x` *.txt", ' blank ', '-rf', 'plain', 'my modules/.cache/tsmpi/job', 'b/.cache/tsmpi/job'];
  const paths = names.map((name) => join(folder, name));
  const sleeper = startSleeper();
  for (const path of paths) mkdirSync(path, { recursive: true });
  writeFileSync(join(folder, 'b/.cache/kept.txt'), '');
  writeFileSync(join(folder, 'kept.txt'), '');
  const ended = once(sleeper, 'exit');
  guard(`for (const path of ${JSON.stringify(paths)}) watchdog.addPath(path); watchdog.addGroup(${sleeper.pid});`);
  await ended; // Groups first, then paths: this says that it is at work.
  const gone = [...paths, join(folder, 'my modules/.cache'), join(folder, 'b/.cache/tsmpi')];
  for (const limit = performance.now() + 5000; gone.some(existsSync) && performance.now() < limit; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(gone.filter(existsSync)).toEqual([]);
  expect(existsSync(join(folder, 'my modules'))).toBe(true);
  expect(existsSync(join(folder, 'b/.cache/kept.txt'))).toBe(true);
  expect(existsSync(join(folder, 'kept.txt'))).toBe(true);
});

test('does nothing after stop()', async () => {
  const sleeper = startSleeper();
  guard(`watchdog.addGroup(${sleeper.pid}); await watchdog.stop();`);
  expect(sleeper.exitCode ?? sleeper.signalCode).toBeNull();
  sleeper.kill('SIGKILL');
});
