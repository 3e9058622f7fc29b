/** What a waiting rank says of those it waits for: one that has departed is believed after one more poll. */

import { expect, test } from 'vitest';
import type { Operation } from '../../../src/p2p/request.ts';
import { WaitReport } from '../../../src/p2p/wait-report.ts';

const DEADLINE_MS = 5000;

test('a rank waits in vain only if it finds nothing after it has seen that the other departed', () => {
  const departed = new Set<number>();
  const stuckOn: number[] = [];
  const report = new WaitReport(
    {
      setText: () => {},
      setStuckOn: (rankPlusOne) => stuckOn.push(rankPlusOne),
      hasDeparted: (rank) => departed.has(rank),
      isOwn: () => false,
      describeTrouble: () => '',
      isIdle: () => true,
    },
    undefined,
  );
  const receive = { describe: () => 'recv', waitsFor: () => ({ ranks: [3], all: true }) } as unknown as Operation<unknown>;

  // Not before the wait has lasted a while.
  const end = performance.now() + DEADLINE_MS;
  while (report.beforeSleep(receive) > 0 && performance.now() < end);
  expect(stuckOn).toEqual([0]);

  departed.add(3);
  expect(report.beforeSleep(receive), 'asks for a poll').toBe(0);
  expect(stuckOn).toEqual([0]);
  expect(report.beforeSleep(receive), 'sleeps on').toBe(-1);
  expect(stuckOn).toEqual([0, 4]);

  // What came in the end takes it back.
  report.clear();
  expect(stuckOn).toEqual([0, 4, 0]);
});
