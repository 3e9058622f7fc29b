/**
 * The conformance suite and the transport's own tests, run in a guest over both devices, with the plain libraries and behind
 * the interposer. Vitest itself takes a minute to start there, so with TSMPI_RDMA_LONG=1 only.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { named } from '../hosts/test-hosts.ts';
import { buildInterposer } from './interposer/build.ts';
import { DEVICES, longReason, missingGuest, TestGuest } from './test-guest.ts';

const missing = missingGuest() ?? longReason;
const LIMIT_MS = 900_000;
const REPORT = '/tmp/tsmpi-report.json';
const LOG = '/tmp/tsmpi-interposer.log';
const WAYS: readonly [string, Readonly<Record<string, string>>][] = [
  ['by all the rules', {}],
  ['without events', { TSMPI_RDMA_EVENTS: 'off', TSMPI_INTERPOSER_EVENTS: 'off' }],
  ['on the small device', { TSMPI_INTERPOSER_SMALL: '1' }],
  ['with completions delayed', { TSMPI_INTERPOSER_DELAY: '3', TSMPI_INTERPOSER_GARBLE: '1' }],
];

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

describe.skipIf(missing !== undefined)(named('the transport over a device', missing), () => {
  let folder: string;
  let library: string;
  let guest: TestGuest;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsmpi-rdma-'));
    library = buildInterposer(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function runSuite(variables: Readonly<Record<string, string>>): Promise<void> {
    const command =
      `ulimit -c 0; rm -f ${LOG} ${REPORT}; ` +
      `node node_modules/vitest/vitest.mjs run -c test/rdma/guest/vitest.config.ts --reporter=default --reporter=json --outputFile.json=${REPORT}`;
    const { code, output } = await guest.run(command, {
      env: { NO_COLOR: '1', TSMPI_INTERPOSER_LOG: LOG, ...variables },
      limitMs: LIMIT_MS,
    });
    const broken = await guest.must(`cat ${LOG} 2>&- || true`);
    expect([broken, code], output).toEqual(['', 0]);
    const report = JSON.parse(await guest.must(`cat ${REPORT}`)) as Report;
    expect(report.numFailedTests).toBe(0);
    // Both directions of the conformance suite.
    expect(report.numPassedTests).toBeGreaterThan(50);
  }

  describe.each(DEVICES)('over %s', (device) => {
    beforeAll(async () => {
      guest = await TestGuest.shared(device);
    });

    test('with the plain libraries', () => runSuite({}), LIMIT_MS);

    test.each(WAYS)(
      'behind the interposer, %s',
      (_, variables) => runSuite({ TSMPI_RDMA_VERBS_LIBRARY: library, TSMPI_RDMA_CM_LIBRARY: library, ...variables }),
      LIMIT_MS,
    );
  });
});
