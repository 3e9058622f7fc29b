/** Cores, adopted children, thread ids: what the kernel says afterwards. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { addon, addonPath, missing, named, startProgram } from './native-addon.ts';

const ECHILD = 10;
const EINVAL = 22;

/** Run a few lines in a worker thread, with `addon` and `post` at hand. Return what it posts. */
async function inThread(lines: string): Promise<unknown> {
  const text = `const { parentPort } = require('node:worker_threads');
    const addon = require(${JSON.stringify(addonPath)}); const post = (value) => parentPort.postMessage(value); ${lines}`;
  const thread = new Worker(text, { eval: true });
  const [value] = await once(thread, 'message');
  await thread.terminate();
  return value;
}

describe.skipIf(missing)(named('process'), () => {
  test('a thread pins itself, and no other thread', async () => {
    const all = addon.getAffinity();
    const listed = readFileSync('/proc/thread-self/status', 'utf8').match(/Cpus_allowed_list:\s*(.*)/)?.[1] ?? '';
    const cores = listed.split(',').flatMap((range) => {
      const [from, to] = range.split('-').map(Number) as [number, number?];
      return Array.from({ length: (to ?? from) - from + 1 }, (_, index) => from + index);
    });
    expect(all).toEqual(cores);
    const last = all.at(-1) as number;
    expect(await inThread(`const outcome = addon.setAffinity([${last}]); post([outcome, addon.getAffinity()]);`)).toEqual([
      0,
      [last],
    ]);
    expect(addon.getAffinity()).toEqual(all);
  });

  test('no core at all is EINVAL, what is no core throws', async () => {
    expect(await inThread('post(addon.setAffinity([]))')).toBe(-EINVAL);
    expect(() => addon.setAffinity([-1])).toThrow('core is -1, expected an integer from 0 to 2^53');
    expect(() => addon.setAffinity([65536])).toThrow('core is beyond 65535');
    expect(() => addon.setAffinity(0 as unknown as number[])).toThrow('cores is not an array');
  });

  test('a thread id is the kernel’s', async () => {
    expect(readFileSync(`/proc/self/task/${addon.threadId()}/stat`, 'utf8')).toMatch(new RegExp(`^${addon.threadId()} `));
    expect(await inThread('post(addon.threadId())')).not.toBe(addon.threadId());
  });

  test('a subreaper adopts an orphan and reaps it', async () => {
    const program = startProgram('adopter', []);
    expect(await program.line()).toBe('subreaper 0');
    expect(await program.line()).toBe('still running 0');
    // The exit status of waitpid: 7 in the second byte.
    expect(await program.line()).toBe(`reaped true ${7 << 8}`);
    expect(await program.line()).toBe(`afterwards ${-ECHILD}`);
    expect(await program.ended()).toEqual({ code: 0, signal: null });
  });
});
