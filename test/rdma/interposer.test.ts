/** The interposer's own tests: each rule is broken in a guest, over both devices, and caught; what it injects is seen. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { named } from '../hosts/test-hosts.ts';
import { buildBreakRules, buildInterposer } from './interposer/build.ts';
import { ADDRESS, DEVICES, isLong, missingGuest, TestGuest } from './test-guest.ts';

const missing = missingGuest();
const ABORTED = 134;
/** What is done wrong, and what the interposer says to it. */
const RULES: readonly [string, RegExp][] = [
  ['inline', /inline data is sent/],
  ['inline-pair', /queue pair for 64 bytes of inline data/],
  ['immediate', /work request of kind 1/],
  ['two', /of 2 SGEs/],
  ['sink', /READ into a region whose access/],
  ['length', /outside of its region/],
  ['reads', /2 READs are in flight, 1 were agreed on/],
  ['full', /posted to a queue of 8 that is full/],
  ['cq', /makes 4 work requests for 3 completions/],
  ['posted-region', /deregistered while 1 work requests use it/],
  ['gone-region', /not registered, or no more/],
  ['long-region', /a region of 5242880 bytes/],
  ['shared-receives', /ibv_create_srq is called/],
  ['thread', /is called by thread/],
  ['any', /bound to 0\.0\.0\.0/],
  ['by-hand', /librdmacm alone connects/],
  ['after-error', /SEND is posted after the end of its queue pair: a completion failed/],
  ['after-goodbye', /SEND is posted after the end of its queue pair: it was told that it is disconnected/],
  ['no-receive', /rdma_connect before a receive was posted/],
  ['private', /57 bytes of private data/],
];
/** Statuses of ibv_wc_status that a completion may have; some of them stand for all where time is short. */
const STATUSES = isLong ? Array.from({ length: 21 }, (_, index) => index + 1) : [4, 12, 21];

describe.skipIf(missing !== undefined)(named('the interposer', missing), () => {
  let folder: string;
  let guest: TestGuest;
  let program: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tsmpi-interposer-'));
    program = buildBreakRules(folder, buildInterposer(folder));
    guest = await TestGuest.shared('rxe');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Run the program once for each line of words, variables before it; return exit status and output of each. */
  async function runAll(lines: readonly string[]): Promise<{ code: number; output: string }[]> {
    const command = lines.map((line) => {
      const [words, variables = ''] = line.split(' with ');
      return `${variables} ${program} ${ADDRESS} ${words} 2>&1; echo "@ $?"`;
    });
    const output = await guest.must(`ulimit -c 0; ${command.join('; ')}`);
    const parts = [...output.matchAll(/([\s\S]*?)@ (\d+)\n/g)];
    return parts.map(([, text, code]) => ({ code: Number(code), output: text!.trim() }));
  }

  describe.each(DEVICES)('over %s', (device) => {
    // What the interposer does by itself is the same over both.
    const isLeft = !isLong && device === 'siw';
    const reason = isLeft ? 'TSMPI_RDMA_LONG=1 runs it' : undefined;

    test('lets pass what keeps to the rules', async () => {
      await guest.use(device);
      const small =
        'good 5 with TSMPI_INTERPOSER_SMALL=1 TSMPI_INTERPOSER_GARBLE=1 TSMPI_INTERPOSER_DELAY=50 TSMPI_INTERPOSER_EVENTS=off';
      expect(await runAll(['good 20', small])).toEqual([
        { code: 0, output: '' },
        { code: 0, output: '' },
      ]);
    });

    test('ends what breaks a rule, with the rule', async () => {
      // The rules are the interposer's; what ends a queue pair is the device's.
      const rules = RULES.filter(([rule]) => isLong || device === 'rxe' || rule.startsWith('after-'));
      const results = await runAll(rules.map(([rule]) => rule));
      expect(results).toEqual(rules.map(([, words]) => ({ code: ABORTED, output: expect.stringMatching(words) })));
    });

    test('is loud when credits go below zero', async () => {
      const [{ code, output }] = (await runAll(['credit'])) as [{ code: number; output: string }];
      // An iWARP device that finds no receive ends the connection; the others say so.
      if (device === 'siw') expect([output, code]).toEqual([expect.stringMatching(/found no receive/), 3]);
      else expect([output, code]).toEqual([expect.stringMatching(/credits went below zero/), ABORTED]);
    });

    test.skipIf(isLeft)(named('shows who reads WRITTEN bytes before the SEND behind them has completed', reason), async () => {
      const [forgiven, caught] = await runAll(['polled-memory', 'polled-memory with TSMPI_INTERPOSER_GARBLE=1']);
      expect([forgiven!.code, caught!.code]).toEqual([4, 5]);
    });

    test.skipIf(isLeft)(named('lets registrations fail: the n-th, and those beyond k', reason), async () => {
      const results = await runAll([
        'regions with TSMPI_INTERPOSER_FAIL_REGION=7',
        'regions with TSMPI_INTERPOSER_REGIONS=11',
        'regions with TSMPI_INTERPOSER_SMALL=1',
      ]);
      expect(results.map(({ output }) => output)).toEqual(['6', '11', '32']);
    });

    test.skipIf(isLeft)(named('returns every status, after which all work of the pair is flushed', reason), async () => {
      const results = await runAll(STATUSES.map((status) => `failure with TSMPI_INTERPOSER_FAIL=5:${status}`));
      expect(results.map(({ code }) => code)).toEqual(STATUSES.map(() => 0));
      expect(new Set(results.map(({ output }) => output)).size).toBe(STATUSES.length);
    });

    test.skipIf(isLeft)(
      named('delays completions and lets queue pairs overtake each other, never one itself', reason),
      async () => {
        const results = await runAll([
          'order 6',
          ...[1, 2, 3].map((seed) => `order 6 with TSMPI_INTERPOSER_DELAY=40 TSMPI_INTERPOSER_SEED=${seed}`),
        ]);
        for (const { output } of results) expect([...output].sort().join('')).toBe('000000111111222222333333');
        expect(new Set(results.map(({ output }) => output)).size).toBeGreaterThan(2);
      },
    );
  });
});
