/** RankMonitor over a segment that the test writes as ranks would. */

import { beforeEach, describe, expect, test } from 'vitest';
import { RankMonitor } from '../../../src/agent/rank-monitor.ts';
import { operationCode } from '../../../src/base/operation.ts';
import { createThreadMemory } from '../../../src/segment/backing.ts';
import { CONTROL, RANK_STATE } from '../../../src/segment/layout.ts';
import type { Segment } from '../../../src/segment/segment.ts';

const life = { pid: 50, ended: undefined, isStopped: false };
let segment: Segment;
let monitor: RankMonitor;

beforeEach(() => {
  segment = createThreadMemory(3, new TextEncoder().encode('{}'));
  monitor = new RankMonitor(segment, [10, 11, 12]);
});

function set(local: number, field: number, value: number): void {
  segment.i32[segment.control(local, field)] = value;
}

describe('whereabouts', () => {
  test('of a rank that has not come, that waits, that computes, that is stopped, that has ended', () => {
    expect(monitor.whereabouts(0, life)).toMatchObject({ rank: 10, state: 'starting' });
    segment.claim(0, 50, 0);
    segment.setText(0, 'recv(source 1)');
    expect(monitor.whereabouts(0, life)).toMatchObject({ state: 'waiting', text: 'recv(source 1)' });
    segment.setText(0, '');
    expect(monitor.whereabouts(0, life)).toMatchObject({ state: 'computing', text: '' });
    set(0, CONTROL.calls, 4);
    set(0, CONTROL.operation, operationCode('allreduce'));
    expect(monitor.whereabouts(0, life)).toMatchObject({ state: 'computing', text: 'allreduce' });
    expect(monitor.whereabouts(0, { ...life, isStopped: true })).toMatchObject({ state: 'stopped' });
    expect(monitor.whereabouts(0, { ...life, ended: 'exited with code 0' })).toMatchObject({
      state: 'ended',
      text: 'exited with code 0',
    });
  });

  test('the time of computing begins at the sample that saw the last call', () => {
    segment.claim(1, 50, 0);
    set(1, CONTROL.calls, 1);
    monitor.sample();
    const first = monitor.whereabouts(1, life).forMs;
    expect(first).toBeLessThan(1000);
    expect(monitor.whereabouts(1, life).forMs).toBeGreaterThanOrEqual(first);
  });
});

describe('stuck ranks', () => {
  const isLive = (local: number) => local !== 2;

  test('are told once two looks agree that nobody joins them', () => {
    segment.claim(2, 60, 0);
    set(0, CONTROL.stuckOn, 12 + 1);
    expect(monitor.findStuck(isLive)).toEqual([]);
    set(1, CONTROL.stuckOn, 12 + 1);
    const seen = [monitor.findStuck(isLive), monitor.findStuck(isLive), monitor.findStuck(isLive)];
    const last = seen.at(-1)!;
    expect(last).toEqual([
      { rank: 10, gone: 12, goneUsedTsmpi: true },
      { rank: 11, gone: 12, goneUsedTsmpi: true },
    ]);
    expect(seen.slice(0, 2)).toEqual([[], []]);
  });

  test('a rank that calls in between goes on', () => {
    set(0, CONTROL.stuckOn, 13);
    for (let calls = 1; calls < 6; calls++) {
      set(0, CONTROL.calls, calls);
      expect(monitor.findStuck(isLive)).toEqual([]);
    }
  });

  test('one that ended without using tsmpi is known as such', () => {
    set(0, CONTROL.stuckOn, 13);
    const found = [1, 2, 3].map(() => monitor.findStuck(isLive)).at(-1);
    expect(found).toEqual([{ rank: 10, gone: 12, goneUsedTsmpi: false }]);
  });
});

test('a rank that aborted stays aborted when it is marked as departed', () => {
  segment.setText(0, 'why');
  set(0, CONTROL.exitCode, 9);
  segment.setState(0, RANK_STATE.aborted);
  monitor.markDeparted(0);
  expect(monitor.aborted(0)).toEqual({ code: 9, reason: 'why' });
  monitor.markDeparted(1);
  expect(segment.state(1)).toBe(RANK_STATE.departed);
  expect(monitor.aborted(1)).toBeUndefined();
});
