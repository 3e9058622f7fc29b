/** Parking: a byte in the doorbell ends it, early, late or from another process; nothing else does but the time. */

import { closeSync, readFileSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addon, countDescriptors, missing, named, startProgram, until } from './native-addon.ts';

const EBADF = 9;
const EAGAIN = 11;
const EPERM = 1;
const EPIPE = 32;

describe.skipIf(missing)(named('park'), () => {
  let bell = -1;
  let ringer = -1;
  let epoll = -1;

  beforeEach(() => {
    [bell, ringer] = addon.pipe(true) as [number, number];
    epoll = addon.createEpoll(bell);
  });

  afterEach(() => {
    for (const fd of [bell, ringer, epoll]) addon.close(fd);
  });

  test('a ring that came before is not lost, and one park empties the doorbell', () => {
    for (let count = 0; count < 3; count++) expect(addon.ring(ringer)).toBe(0);
    expect(addon.park(epoll, bell, -1)).toBe(1);
    expect(addon.park(epoll, bell, 0)).toBe(0);
  });

  test('the time-out ends it, not earlier', () => {
    const start = performance.now();
    expect(addon.park(epoll, bell, 30)).toBe(0);
    expect(performance.now() - start).toBeGreaterThanOrEqual(29);
  });

  test('drain empties it too, however much there is', () => {
    for (let count = 0; count < 5000; count++) addon.ring(ringer);
    addon.drain(bell);
    expect(addon.park(epoll, bell, 0)).toBe(0);
    expect(() => addon.drain(bell)).not.toThrow();
  });

  test('a full doorbell counts as rung', () => {
    let error: unknown;
    try {
      for (;;) writeSync(ringer, Buffer.alloc(4096));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ errno: -EAGAIN });
    expect(addon.ring(ringer)).toBe(0);
    expect(addon.park(epoll, bell, -1)).toBe(1);
    expect(addon.park(epoll, bell, 0)).toBe(0);
  });

  test('failures are errnos and leave no descriptor', () => {
    const before = countDescriptors();
    const [read, write] = addon.pipe(true) as [number, number];
    closeSync(read);
    expect(addon.ring(write)).toBe(-EPIPE);
    closeSync(write);
    expect(addon.ring(write)).toBe(-EBADF);
    expect(addon.createEpoll(write)).toBe(-EBADF);
    expect(addon.park(write, bell, 0)).toBe(-EBADF);
    const file = addon.open('/proc/self/stat', 0);
    expect(addon.createEpoll(file)).toBe(-EPERM);
    addon.close(file);
    expect(countDescriptors()).toBe(before);
    expect(() => addon.park(epoll, bell, 'soon' as unknown as number)).toThrow('timeoutMs is not a number');
  });

  test.each([true, false])('a pipe with nonBlocking %s', (isNonBlocking) => {
    const ends = addon.pipe(isNonBlocking) as [number, number];
    for (const end of ends) {
      const flags = Number.parseInt(readFileSync(`/proc/self/fdinfo/${end}`, 'utf8').match(/flags:\s*(\d+)/)?.[1] ?? '', 8);
      expect([Boolean(flags & 0o4000), Boolean(flags & 0o2000000)]).toEqual([isNonBlocking, true]);
      addon.close(end);
    }
  });

  test('another process rings through /proc', async () => {
    const program = startProgram('ring', [`/proc/${process.pid}/fd/${ringer}`]);
    expect(await program.line()).toBe('ready');
    program.say('ring');
    expect(addon.park(epoll, bell, 10_000)).toBe(1);
    expect(await program.line()).toBe('rung 0');
  });

  test('stopping and continuing a parked process does not end its sleep', async () => {
    const program = startProgram('parked', [`/proc/${process.pid}/fd/${bell}`]);
    expect(await program.line()).toBe('parking');
    const state = () => readFileSync(`/proc/${program.pid}/stat`, 'utf8').split(') ')[1]?.[0];
    await until(() => state() === 'S', 'the program sleeps');
    program.child.kill('SIGSTOP');
    await until(() => state() === 'T', 'the program is stopped');
    program.child.kill('SIGCONT');
    await until(() => state() === 'S', 'the program sleeps again');
    addon.ring(ringer);
    expect(await program.line()).toBe('woken 1');
  });

  test('yield comes back', () => {
    expect(addon.yield()).toBeUndefined();
  });
});
