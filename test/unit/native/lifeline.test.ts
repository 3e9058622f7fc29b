/** The lifeline: when the write end closes the process dies, whatever it is doing, and its group with it. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addon, missing, named, startProgram, until } from './native-addon.ts';

const EBADF = 9;
const EALREADY = 114;

/** Say whether a process is gone or waits only to be reaped. */
const isGone = (pid: number): boolean => {
  if (!existsSync(`/proc/${pid}/stat`)) return true;
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] === 'Z';
  } catch {
    return true;
  }
};

describe.skipIf(missing)(named('lifeline'), () => {
  let line = -1;
  let held = -1;

  beforeEach(() => {
    [line, held] = addon.pipe(false) as [number, number];
  });
  afterEach(() => {
    addon.close(line);
    if (held >= 0) addon.close(held);
  });
  /** Cut the line: close every write end. */
  const cut = () => {
    addon.close(held);
    held = -1;
  };

  test.each(['spins', 'parks', 'awaits'])('a process that %s dies', async (mode) => {
    const program = startProgram('lifeline', [`/proc/${process.pid}/fd/${line}`, mode], { detached: true });
    expect(await program.line()).toBe(`started 0, again ${-EALREADY}`);
    cut();
    expect(await program.ended()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('children in its group die with it', async () => {
    const program = startProgram('lifeline', [`/proc/${process.pid}/fd/${line}`, 'has-child'], { detached: true });
    expect(await program.line()).toBe(`started 0, again ${-EALREADY}`);
    const child = Number(await program.line());
    expect(isGone(child)).toBe(false);
    cut();
    expect((await program.ended()).signal).toBe('SIGKILL');
    await until(() => isGone(child), 'the child is gone');
  });

  test('once stopped, the end of the line harms nobody, and another can be started', async () => {
    const program = startProgram('lifeline', [`/proc/${process.pid}/fd/${line}`, 'stops'], { detached: true });
    expect(await program.line()).toBe(`started 0, again ${-EALREADY}`);
    expect(await program.line()).toBe('stopped');
    cut();
    program.say('has the line ended?');
    expect(await program.line()).toBe('ended, alive, descriptors left 0');
    // The second line's write end is the program's own.
    program.say('start another and close it');
    expect(await program.line()).toBe('another 0');
    expect(await program.ended()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('the thread takes no signals', async () => {
    const program = startProgram('lifeline', [`/proc/${process.pid}/fd/${line}`, 'awaits'], { detached: true });
    await program.line();
    const masks = readdirSync(`/proc/${program.pid}/task`).map((task) => {
      const status = readFileSync(`/proc/${program.pid}/task/${task}/status`, 'utf8');
      return BigInt(`0x${status.match(/SigBlk:\s*(\w+)/)?.[1]}`);
    });
    // SIGHUP, SIGINT, SIGTERM and SIGCHLD are bits 0, 1, 14 and 16: Node's own threads leave some of them open.
    const wanted = 0b1_0100_0000_0000_0011n;
    expect(masks.filter((mask) => (mask & wanted) === wanted).length).toBeGreaterThanOrEqual(1);
  });

  test('a descriptor that is none is refused', () => {
    addon.close(held);
    const closed = held;
    held = -1;
    expect(addon.startLifeline(closed)).toBe(-EBADF);
    expect(addon.startLifeline(-1)).toBe(-EBADF);
    expect(() => addon.stopLifeline()).not.toThrow();
  });
});
