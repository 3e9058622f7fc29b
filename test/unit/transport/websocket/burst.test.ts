/** A burst of small frames: the first leave at once, the others together when the engine tries again. */

import { expect, test } from 'vitest';
import { BYTES } from '../../../../src/datatype/element-type.ts';
import { FINISH, SHORT } from '../../../../src/transport/frame.ts';
import { BUSY, TAKEN } from '../../../../src/transport/transport.ts';
import { Arrivals } from '../../../conformance/arrivals.ts';
import { addon, missing } from '../../native/native-addon.ts';
import { openEnd, Table } from './ends.ts';

const DEADLINE_MS = 20_000;

test.skipIf(missing !== undefined)('the fifth frame without a poll waits for the next, which takes all in order', () => {
  const table = new Table();
  const [{ transport: sender }, { transport: receiver }] = [openEnd(addon, table, 0), openEnd(addon, table, 1)];
  const [nobody, arrived] = [new Arrivals(1), new Arrivals(0)];
  const deadline = performance.now() + DEADLINE_MS;
  const pollUntil = (isThere: () => boolean): void => {
    while (!isThere()) {
      expect(performance.now(), sender.describe(1)).toBeLessThan(deadline);
      sender.poll(nobody);
      receiver.poll(arrived);
    }
  };
  pollUntil(() => sender.sendControl(1, FINISH, 0, 0) === TAKEN);
  pollUntil(() => arrived.frames.length === 1);
  const send = (number: number): number => sender.sendShort(1, BYTES, 0, number, 7, Uint8Array.of(number), 1, 1);

  expect([0, 1, 2, 3].map(send)).toEqual([TAKEN, TAKEN, TAKEN, TAKEN]);
  expect(send(4)).toBe(BUSY);
  const before = sender.traffic(1).sent;
  sender.gather(1, true);
  expect([4, 5, 6, 7, 8, 9].map(send)).toEqual([TAKEN, TAKEN, TAKEN, TAKEN, TAKEN, TAKEN]);
  expect(sender.traffic(1).sent).toBe(before);
  sender.gather(1, false);
  expect(sender.traffic(1).queued).toBe(0);
  expect(sender.traffic(1).sent).toBeGreaterThan(before);

  pollUntil(() => arrived.frames.length === 11);
  const tags = arrived.frames.filter(({ kind }) => kind === SHORT).map(({ tag }) => tag);
  expect(tags).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
