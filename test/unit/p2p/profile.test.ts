/** Samples: all of the first stretches are timed, then enough that they stand for all; and no region has more than its time. */

import { expect, test } from 'vitest';
import { operationCode } from '../../../src/base/operation.ts';
import { Profile } from '../../../src/p2p/profile.ts';

test('what is timed stands for all stretches, whatever rhythm they come in', () => {
  const profile = new Profile(1);
  const rhythm = 4;
  const shares = new Float64Array(rhythm);
  const stretches = 2_000_000;
  for (let k = 0; k < stretches; k++) shares[k % rhythm]! += profile.weigh();
  for (const share of shares) expect(Math.abs(share / (stretches / rhythm) - 1)).toBeLessThan(0.15);
});

test('the first are timed all, then one in 256', () => {
  const profile = new Profile(1);
  const weights = Array.from({ length: 1_000_000 }, () => profile.weigh());
  expect(weights.slice(0, 256)).toEqual(new Array(256).fill(1));
  const timed = weights.slice(256).filter((weight) => weight !== 0);
  expect(new Set(timed)).toEqual(new Set([256]));
  expect(Math.abs((timed.length * 256) / weights.length - 1)).toBeLessThan(0.1);
});

test('samples that stand for too much are held against the time there was', () => {
  const profile = new Profile(1);
  for (let k = 0; k < 100_000; k++) {
    profile.beginCall(operationCode('send'));
    if (profile.isTimedSend(8)) profile.timeSend(() => performance.now());
  }
  const { regions, seconds } = profile.report();
  expect(regions['']!.operations.send!.seconds).toBeLessThanOrEqual(seconds);
});

test('regions within each other have their own time, calls and bytes, and may end in any order', () => {
  const profile = new Profile(1);
  const outer = profile.enter('outer');
  profile.beginCall(operationCode('send'));
  profile.isTimedSend(8);
  const inner = profile.enter('inner');
  profile.beginCall(operationCode('send'));
  profile.isTimedSend(16);
  profile.leave(outer);
  profile.beginCall(operationCode('send'));
  profile.isTimedSend(32);
  profile.leave(inner);
  profile.beginCall(operationCode('recv'));
  const { regions } = profile.report();
  expect(regions.outer).toMatchObject({ calls: 1, operations: { send: { calls: 1, bytes: 8 } } });
  expect(regions.inner).toMatchObject({ calls: 1, operations: { send: { calls: 2, bytes: 48 } } });
  expect(regions['']!.operations).toMatchObject({ recv: { calls: 1, bytes: 0 } });
});
