/** Samples: all of the first stretches are timed, then enough that they stand for all; and no region has more than its time. */

import { expect, test } from 'vitest';
import { operationCode } from '../../../src/base/operation.ts';
import { Profile } from '../../../src/p2p/profile.ts';

test('what is timed stands for all stretches, whatever rhythm they come in', () => {
  const profile = new Profile();
  const rhythm = 4;
  const shares = new Float64Array(rhythm);
  const stretches = 400_000;
  for (let k = 0; k < stretches; k++) shares[k % rhythm]! += profile.weigh();
  for (const share of shares) expect(Math.abs(share / (stretches / rhythm) - 1)).toBeLessThan(0.1);
});

test('the first are timed all, then one in 64', () => {
  const profile = new Profile();
  const weights = Array.from({ length: 100_000 }, () => profile.weigh());
  expect(weights.slice(0, 64)).toEqual(new Array(64).fill(1));
  const timed = weights.slice(64).filter((weight) => weight !== 0);
  expect(new Set(timed)).toEqual(new Set([64]));
  expect(Math.abs((timed.length * 64) / weights.length - 1)).toBeLessThan(0.1);
});

test('samples that stand for too much are held against the time there was', () => {
  const profile = new Profile();
  profile.beginCall(operationCode('send'));
  profile.addCallTime(1e6);
  const { regions, seconds } = profile.report();
  expect(regions['']!.operations.send!.seconds).toBeLessThanOrEqual(seconds);
});

test('regions within each other have their own time, calls and bytes, and may end in any order', () => {
  const profile = new Profile();
  const outer = profile.enter('outer');
  profile.beginCall(operationCode('send'));
  profile.addBytes(8);
  const inner = profile.enter('inner');
  profile.beginCall(operationCode('send'));
  profile.addBytes(16);
  outer();
  profile.beginCall(operationCode('send'));
  profile.addBytes(32);
  inner();
  profile.beginCall(operationCode('recv'));
  const { regions } = profile.report();
  expect(regions.outer).toMatchObject({ calls: 1, operations: { send: { calls: 1, bytes: 8 } } });
  expect(regions.inner).toMatchObject({ calls: 1, operations: { send: { calls: 2, bytes: 48 } } });
  expect(regions['']!.operations).toMatchObject({ recv: { calls: 1, bytes: 0 } });
});
