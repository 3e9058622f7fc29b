/** The loop watch: an event loop that sleeps is woken by the doorbell and by a cell, and lives as long as it is told to. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WatchLayout } from '../../../src/native/addon.ts';
import { addon, countDescriptors, missing, named, type Program, startProgram, until } from './native-addon.ts';

const BYTES = 8192;
const CELLS = 16;
/** Int32 indices in the memory that both sides map; programs/watcher.mjs has them too. */
const SLEEPING = 0;
const POLLING = 1;
const WAKES = 2;
const HEAD = 16;
const FIRST_CELL = 1024;
const layout: WatchLayout = {
  sleepingOffset: 4 * SLEEPING,
  pollingOffset: 4 * POLLING,
  headOffset: 4 * HEAD,
  cellsOffset: 4 * FIRST_CELL,
  cellByteLength: 64,
  cellCount: CELLS,
};
const markOf = (position: number): number => FIRST_CELL + 16 * (position & (CELLS - 1));

describe.skipIf(missing)(named('watch'), () => {
  let memory = -1;
  let words: Int32Array;
  let bell = -1;
  let ringer = -1;

  beforeEach(() => {
    memory = addon.createMemory('tsmpi-watch', BYTES);
    words = new Int32Array(addon.map(memory, BYTES));
    [bell, ringer] = addon.pipe(true) as [number, number];
  });
  afterEach(() => {
    addon.unmap(words.buffer as ArrayBuffer);
    for (const fd of [memory, bell, ringer]) addon.close(fd);
  });

  const startWatcher = (mode: string): Program =>
    startProgram('watcher', [`/proc/${process.pid}/fd/${memory}`, `/proc/${process.pid}/fd/${bell}`, mode]);
  const isAsleep = (): boolean => Atomics.load(words, SLEEPING) === 1;
  /** What a producer does after it has published: whoever takes the flag down rings. */
  const wake = (): void => {
    if (isAsleep() && Atomics.exchange(words, SLEEPING, 0) === 1) addon.ring(ringer);
  };

  test('a loop that sleeps is woken by the doorbell, once for each ring', async () => {
    const program = startWatcher('counts');
    expect(await program.line()).toBe('watching');
    for (let count = 1; count <= 3; count++) {
      await until(isAsleep, 'the loop sleeps');
      wake();
      await until(() => Atomics.load(words, WAKES) === count, `wake is called ${count} times`);
    }
    program.say('stop');
    expect(await program.ended()).toEqual({ code: 0, signal: null });
    expect(words[WAKES]).toBe(3);
    expect(words[SLEEPING]).toBe(0);
  });

  test('no cell is left while the loop sleeps: 3000 cells at any moment of its turn, counters wrapping', async () => {
    let head = 0x7fffffff - 1500;
    words[HEAD] = head;
    const program = startWatcher('takes');
    expect(await program.line()).toBe('watching');
    let random = 12345;
    for (let count = 0; count < 3000; count++) {
      random = (Math.imul(random, 1103515245) + 12345) | 0;
      for (let pause = (random >>> 16) % 4000; pause > 0; pause--) Atomics.load(words, WAKES);
      const mark = markOf(head);
      head = (head + 1) | 0;
      Atomics.store(words, mark, head);
      wake();
      // Every other cell is awaited, so that the loop is found asleep, awake and in between.
      if (count % 2 === 1) await until(() => Atomics.load(words, HEAD) === head, `cell ${count} is taken`);
    }
    program.say('stop');
    expect(await program.ended()).toEqual({ code: 0, signal: null });
  });

  test('a cell that is there before the loop sleeps needs no ring', async () => {
    words[HEAD] = -1;
    words[markOf(-1)] = 0;
    const program = startWatcher('takes');
    expect(await program.line()).toBe('watching');
    await until(() => Atomics.load(words, HEAD) === 0, 'the cell is taken');
    program.say('stop');
    expect((await program.ended()).code).toBe(0);
  });

  test.each([
    ['1: the loop does not block and calls wake at each turn', 1, 50, Number.POSITIVE_INFINITY],
    ['2: the loop blocks and calls wake at each turn that something else brings', 2, 1, 10],
    ['0: nothing calls wake', 0, 0, 0],
  ])('polling word %s', async (_, word, atLeast, atMost) => {
    words[POLLING] = word;
    const program = startWatcher('ticks');
    expect(await program.line()).toBe('watching');
    expect(await program.line()).toBe('five ticks');
    expect((await program.ended()).code).toBe(0);
    expect(words[WAKES]).toBeGreaterThanOrEqual(atLeast);
    expect(words[WAKES]).toBeLessThanOrEqual(atMost);
  });

  test('unreferenced it does not keep the process alive, referenced it does', async () => {
    const idle = startWatcher('unreferenced');
    expect(await idle.ended()).toEqual({ code: 0, signal: null });
    const held = startWatcher('referenced');
    expect(await held.line()).toBe('watching');
    await until(isAsleep, 'the loop sleeps');
    expect(held.child.exitCode).toBe(null);
    wake();
    expect(await held.ended()).toEqual({ code: 0, signal: null });
    expect(words[WAKES]).toBe(1);
  });

  test.each(['exits', 'exits-in-wake', 'stops-in-wake'])('a program that %s ends in order', async (mode) => {
    const program = startWatcher(mode);
    expect(await program.line()).toBe('watching');
    if (mode !== 'exits') addon.ring(ringer);
    expect(await program.ended()).toEqual({ code: mode === 'stops-in-wake' ? 0 : 5, signal: null });
  });

  test('what wake throws is an uncaught exception', async () => {
    const dying = startWatcher('throws');
    await dying.line();
    addon.ring(ringer);
    expect(await dying.ended()).toEqual({ code: 1, signal: null });
    expect(dying.stderr).toMatch('Error: thrown by wake');
    words[WAKES] = 0;
    const catching = startWatcher('catches');
    await catching.line();
    for (const turn of [1, 2]) {
      addon.ring(ringer);
      expect(await catching.line()).toBe(`uncaughtException thrown by wake ${turn}`);
    }
    catching.say('stop');
    expect((await catching.ended()).code).toBe(0);
  });

  test('promises and ticks that wake leaves behind run before the loop sleeps again', async () => {
    const program = startWatcher('promises');
    await program.line();
    addon.ring(ringer);
    expect(await program.line()).toBe('wake, tick, promise');
    program.say('stop');
    expect((await program.ended()).code).toBe(0);
  });

  test('one watch at a time; once stopped it is as if it had never been', async () => {
    const before = countDescriptors();
    const epoll = addon.createEpoll(bell);
    const buffer = words.buffer as ArrayBuffer;
    let wakes = 0;
    const onWake = () => wakes++;
    const watch = addon.startWatch(buffer, layout, epoll, bell, onWake);
    expect(() => addon.startWatch(buffer, layout, epoll, bell, onWake)).toThrow('this environment has a loop watch already');
    expect(() => addon.unmap(buffer)).toThrow('the loop watch still looks into this mapping, stop it first');
    addon.ring(ringer);
    await until(() => wakes === 1, 'wake is called');
    addon.stopWatch(watch);
    addon.ring(ringer);
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([wakes, words[SLEEPING]]).toEqual([1, 0]);
    expect(() => addon.stopWatch(watch)).not.toThrow();
    expect(() => addon.refWatch(watch, true)).not.toThrow();
    expect(() => addon.refWatch({}, true)).toThrow('watch is not what startWatch returned');
    const second = addon.startWatch(buffer, layout, epoll, bell, onWake);
    await until(() => wakes === 2, 'the second watch finds the ring');
    addon.stopWatch(watch); // the first's object: nothing to do with the second
    addon.ring(ringer);
    await until(() => wakes === 3, 'the second watch goes on');
    addon.stopWatch(second);
    addon.close(epoll);
    expect(countDescriptors()).toBe(before);
  });

  test('a layout that does not fit is refused', () => {
    const buffer = words.buffer as ArrayBuffer;
    const start = (change: Partial<Record<keyof WatchLayout, unknown>>) => () =>
      addon.startWatch(buffer, { ...layout, ...change } as WatchLayout, 0, 0, () => {});
    expect(start({ headOffset: BYTES })).toThrow('bytes 8192 to 8196 lie outside headOffset, which has 8192 bytes');
    expect(start({ pollingOffset: 2 })).toThrow('an offset of the layout is not a multiple of 4');
    expect(start({ cellCount: 12 })).toThrow('cellCount is not a power of two');
    expect(start({ cellCount: 128 })).toThrow('lie outside cellsOffset');
    expect(start({ sleepingOffset: undefined })).toThrow('sleepingOffset is not a number');
    expect(() => addon.startWatch(buffer, layout, 0, 0, undefined as unknown as () => void)).toThrow('wake is not a function');
    expect(() => addon.startWatch(buffer, layout, memory, bell, () => {})).toThrow(expect.objectContaining({ code: 'EPERM' }));
  });
});
