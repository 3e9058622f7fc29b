/** The last look before a sleep: what it finds, and what it is refused, keeps the sleeper from sleeping for good. */

import { afterEach, describe, expect, test } from 'vitest';
import { createProcessMemory, createThreadMemory, hangBells } from '../../../src/segment/backing.ts';
import { CONTROL } from '../../../src/segment/layout.ts';
import { lookOnceMore, type Parking, type Sleeper } from '../../../src/segment/parking.ts';
import { ProcessParking } from '../../../src/segment/process-parking.ts';
import { ThreadParking } from '../../../src/segment/thread-parking.ts';
import { addon, missing, named } from '../native/native-addon.ts';

const DESCRIPTION = new TextEncoder().encode('{}');

describe('lookOnceMore', () => {
  /** Ask and look as the lists say; the last answers are given again and again. */
  function sleeper(isNew: boolean[], moved: boolean[]): { calls: string[]; sleeper: Sleeper } {
    const calls: string[] = [];
    const next = (list: boolean[]): boolean => (list.length > 1 ? list.shift()! : list[0]!);
    const ask = (): boolean => {
      calls.push('ask');
      return next(isNew);
    };
    const poll = (): boolean => {
      calls.push('look');
      return next(moved);
    };
    return { calls, sleeper: { prepareSleep: ask, poll, onTurn: () => undefined } };
  }

  test.each([
    ['nothing is refused', [false], [false], false, 1],
    ['what is refused was asked for before', [true, false], [false], false, 2],
    ['the look is refused for another reason', [true, true, false], [false], false, 3],
    ['the look finds something', [true], [true], true, 1],
    ['the second look finds something', [true], [false, true], true, 2],
  ] as const)('%s', (_, isNew, moved, outcome, looks) => {
    const { calls, sleeper: asked } = sleeper([...isNew], [...moved]);
    expect(lookOnceMore(asked)).toBe(outcome);
    expect(calls).toEqual(Array.from({ length: looks }, () => ['ask', 'look']).flat());
  });
});

describe('a last look that finds something is followed by a turn, with nobody ringing', () => {
  let parking: Parking | undefined;
  afterEach(() => parking?.stop());

  /** A sleeper whose first look finds something: there may be more behind it. */
  function finder(onTurn: () => void): Sleeper {
    let looks = 0;
    return { prepareSleep: () => false, poll: () => ++looks === 1, onTurn };
  }

  test.skipIf(missing !== undefined)(named('ProcessParking: the loop is told not to block'), () => {
    const { segment, fd } = createProcessMemory(addon, 1, DESCRIPTION);
    const [write] = hangBells(addon, segment);
    const word = (field: number): number => segment.i32[segment.control(0, field)]!;
    parking = new ProcessParking(
      addon,
      segment,
      0,
      process.pid,
      finder(() => undefined),
    );
    parking.enterLoop(true, false);
    const busy = word(CONTROL.polling);
    parking.enterLoop(true, false);
    const waits = word(CONTROL.polling);
    parking.enterLoop(false, true);
    expect([busy, waits]).toEqual([word(CONTROL.polling), 2]);
    for (const descriptor of [fd, write!, word(CONTROL.bell)]) addon.close(descriptor);
  });

  test('ThreadParking: the turn comes', async () => {
    const segment = createThreadMemory(1, DESCRIPTION);
    await new Promise<void>((resolve) => {
      parking = new ThreadParking(segment, 0, finder(resolve), undefined);
      parking.enterLoop(true, false);
    });
  });
});
