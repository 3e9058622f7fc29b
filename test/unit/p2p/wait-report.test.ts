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
  const waitsFor = () => ({ ranks: [3], all: true });
  const receive = { describe: () => 'recv', waitsFor, mayStall: false } as unknown as Operation<unknown>;

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

test('what waits is asked whether it can ever complete, before who has departed is looked for, and again later', () => {
  const told: string[] = [];
  const report = new WaitReport(
    {
      setText: (text) => told.push(text.replace(/,.*/, '')),
      setStuckOn: (rankPlusOne) => told.push(`stuck on ${rankPlusOne}`),
      hasDeparted: () => true,
      isOwn: () => false,
      describeTrouble: () => '',
      isIdle: () => true,
    },
    undefined,
  );
  const barrier = {
    describe: () => 'barrier',
    waitsFor: () => ({ ranks: [3], all: true }),
    mayStall: true,
    stalled: () => told.push('asked'),
  } as unknown as Operation<unknown>;
  const end = performance.now() + DEADLINE_MS;
  let left = report.beforeSleep(barrier);
  while (left > 0 && performance.now() < end) left = report.beforeSleep(barrier);
  expect(told, 'a poll comes before the verdict').toEqual(['barrier', 'asked']);
  left = report.beforeSleep(barrier);
  expect(told).toEqual(['barrier', 'asked', 'stuck on 4']);
  expect(left, 'asks to be asked again').toBeGreaterThan(500);
});

test('a wait that begins while a look into an earlier one is due is looked into as well', async () => {
  let resolve!: () => void;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  const texts: string[] = [];
  const report = new WaitReport(
    {
      setText: (text) => texts.push(text),
      setStuckOn: () => {},
      hasDeparted: () => false,
      isOwn: () => false,
      describeTrouble: () => '',
      isIdle: () => true,
    },
    undefined,
  );
  const operation = (name: string, stalled: () => void) =>
    ({
      describe: () => name,
      waitsFor: () => ({ ranks: [3], all: true }),
      mayStall: true,
      stalled,
    }) as unknown as Operation<unknown>;
  const second = operation('second', resolve);
  let waiting = [
    operation('first', () =>
      // It is over once the next look, a second away, is due.
      setImmediate(() => {
        report.clear();
        waiting = [second];
        report.beforeLoop(
          () => waiting,
          () => false,
        );
      }),
    ),
  ];
  report.beforeLoop(
    () => waiting,
    () => false,
  );
  const alive = setTimeout(() => {}, DEADLINE_MS);
  await promise;
  clearTimeout(alive);
  expect(texts).toEqual(['await first', '', 'await second']);
});
