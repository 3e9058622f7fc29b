/** Claims, gate and bell, step by step in one thread: each order of what two threads may do is written out. */

import { expect, test } from 'vitest';
import { LoopMemory, SCHEDULE, STOP } from '../../../src/compute/loop-memory.ts';

function opened(schedule: number, chunks: number, size = 3): LoopMemory {
  const memory = new LoopMemory(size);
  memory.describe(0, schedule, chunks, 10 * chunks, 10, 0, false);
  memory.open();
  return memory;
}

test('nobody goes in before the gate opens and after it is closed', () => {
  const memory = new LoopMemory(2);
  expect(memory.enter()).toBe(false);
  memory.describe(0, SCHEDULE.dynamic, 1, 10, 10, 0, false);
  memory.open();
  expect(memory.claim(0, 'absent')).toBe(0);
  expect(memory.tryClose()).toBe(true);
  expect(memory.enter()).toBe(false);
});

test('a loop is not over while somebody is inside or a chunk is left', () => {
  const memory = opened(SCHEDULE.dynamic, 2);
  expect(memory.tryClose()).toBe(false);
  expect(memory.enter()).toBe(true);
  expect([memory.claim(1, 'absent'), memory.claim(1, 'absent'), memory.claim(1, 'absent')]).toEqual([0, 1, -1]);
  expect(memory.tryClose()).toBe(false);
  memory.leave();
  expect(memory.tryClose()).toBe(true);
});

test('parts of hot members are left to them, those of others are not', () => {
  const memory = opened(SCHEDULE.static, 3);
  memory.setHot(1, true);
  expect(memory.claim(0, 'absent')).toBe(0);
  expect(memory.claim(0, 'absent')).toBe(2);
  expect(memory.claim(0, 'absent')).toBe(-1);
  expect(memory.claim(0, 'everybody')).toBe(1);
  expect(memory.claim(1, 'everybody')).toBe(-1);
});

test('the last one out rings, if it was asked to', () => {
  const memory = opened(SCHEDULE.dynamic, 1);
  memory.enter();
  memory.enter();
  expect(memory.askForBell()).toBe(true);
  expect(memory.askForBell()).toBe(false);
  expect(memory.leave()).toBe(false);
  expect(memory.leave()).toBe(true);
  // Of the next loop nothing has been asked.
  memory.claim(0, 'absent');
  expect(memory.tryClose()).toBe(true);
  memory.describe(0, SCHEDULE.dynamic, 1, 10, 10, 0, false);
  memory.open();
  memory.enter();
  expect(memory.leave()).toBe(false);
});

test('nothing is claimed after a stop, whose first reason stays', () => {
  const memory = opened(SCHEDULE.guided, 5);
  expect(memory.stop(STOP.failed)).toBe(true);
  expect(memory.stop(STOP.aborted)).toBe(false);
  expect(memory.stopReason).toBe(STOP.failed);
  expect(memory.claim(0, 'everybody')).toBe(-1);
  expect(memory.tryClose()).toBe(true);
});
