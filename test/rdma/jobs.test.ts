/**
 * Whole jobs over RDMA in a guest (`--transport rdma,self`), behind the interposer: what a rank does by verbs keeps to every
 * rule, whatever the device forgives. A few always; with TSMPI_RDMA_LONG=1 point to point, collectives, objects, 256 MiB and the
 * cavity over both devices, on a device without events, on the small one, and with completions delayed.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { named } from '../hosts/test-hosts.ts';
import { buildInterposer } from './interposer/build.ts';
import { DEVICES, type Device, isLong, missingGuest, quote, TestGuest } from './test-guest.ts';

const missing = missingGuest();
/** Where the interposer says, in the guest, what broke. */
const LOG = '/tmp/tsmpi-interposer.log';
const JOB_S = 300;

type Variables = Readonly<Record<string, string>>;
/** Ways to run a job, and what they set. */
const WAYS: readonly [string, Variables][] = [
  ['by all the rules', {}],
  ['without events', { TSMPI_RDMA_EVENTS: 'off', TSMPI_INTERPOSER_EVENTS: 'off' }],
  ['on the small device', { TSMPI_INTERPOSER_SMALL: '1' }],
  [
    'with completions delayed and WRITTEN bytes wrong until they may be read',
    { TSMPI_INTERPOSER_DELAY: '3', TSMPI_INTERPOSER_GARBLE: '1' },
  ],
];
const ALL: Variables = Object.assign({}, ...WAYS.map(([, variables]) => variables));

/** Programs of test/programs, ranks, arguments, and what each rank says. */
const PROGRAMS: readonly [string, number, readonly string[], (rank: number) => string][] = [
  ['point-to-point/sizes.ts', 2, [], (rank) => `rank ${rank}: 374 messages`],
  ['point-to-point/order.ts', 4, [], (rank) => `rank ${rank}: in order`],
  ['point-to-point/requests.ts', 2, [], (rank) => `rank ${rank}: requests`],
  ['point-to-point/errors.ts', 2, [], (rank) => `rank ${rank}: errors`],
  ['point-to-point/objects.ts', 2, [], (rank) => `rank ${rank}: objects`],
  ['point-to-point/layouts.ts', 2, [], (rank) => `rank ${rank}: 65 layouts`],
  ['point-to-point/flood.ts', 3, [], (rank) => `rank ${rank}: flood`],
];
const RINGED = (rank: number): string => `rank ${rank} of 2 got ${1 - rank}, all together 1`;
const RIGHT = (rank: number): string => `rank ${rank}: right`;

describe.skipIf(missing !== undefined)(named('jobs over RDMA', missing), () => {
  let folder: string;
  let guest: TestGuest;
  let library: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsmpi-rdma-'));
    library = buildInterposer(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Run a command of tsmpirun in the guest behind the interposer; nothing may be left of it, and no rule be broken. */
  async function run(words: string, variables: Variables = {}, memlockKiB?: number): Promise<{ code: number; output: string }> {
    const env = { TSMPI_RDMA_VERBS_LIBRARY: library, TSMPI_RDMA_CM_LIBRARY: library, TSMPI_INTERPOSER_LOG: LOG, ...variables };
    const command = `ulimit -c 0; rm -f ${LOG}; node dist/tsmpirun.cjs --quiet --timeout ${JOB_S - 30} ${words}`;
    const limit = memlockKiB === undefined ? {} : { memlockKiB };
    const result = await guest.run(command, { env, limitMs: JOB_S * 1000, ...limit });
    const left = await guest.run(`cat ${LOG} 2>&-; ! pgrep -af 'dist/[a]gent.js'`);
    expect([left.output, left.code], result.output).toEqual(['', 0]);
    return result;
  }

  /** Run a program over RDMA alone, on ranks that each say that. */
  async function runProgram(
    name: string,
    ranks: number,
    args: readonly string[],
    says: (rank: number) => string,
    variables?: Variables,
  ) {
    const words = [`test/programs/${name}`, ...args].map(quote).join(' ');
    const { code, output } = await run(`-n ${ranks} --transport rdma,self ${words}`, variables);
    expect(output.trimEnd().split('\n').sort()).toEqual(Array.from({ length: ranks }, (_, rank) => says(rank)));
    expect(code).toBe(0);
  }

  describe.each(DEVICES)('over %s', (device: Device) => {
    beforeAll(async () => {
      guest = await TestGuest.shared(device);
    });

    test('messages both ways and a collective, with all hardships at once', () => runProgram('ring.mjs', 2, [], RINGED, ALL));

    const LATER = isLong ? '' : ' (TSMPI_RDMA_LONG=1 runs it)';
    test.skipIf(!isLong && device === 'siw')(
      `a message of 1 MiB both ways, every byte looked at${device === 'siw' ? LATER : ''}`,
      () => runProgram('checksum.mjs', 2, ['await', '1048576'], RIGHT),
    );

    describe.skipIf(!isLong).each(WAYS)(`%s${LATER}`, (_, variables) => {
      test.each(PROGRAMS)('%s', (name, ranks, args, says) => runProgram(name, ranks, args, says, variables));

      test('256 MiB both ways, every byte looked at', () =>
        runProgram('checksum.mjs', 2, ['wait', '268435456'], RIGHT, variables));

      test('the cavity on 4 ranks has the bits that it has over shared memory', async () => {
        const cavity = 'examples/cavity/cavity.ts --grid 16 --max-steps 20 --quiet --out';
        const digests: string[] = [];
        for (const transport of ['rdma,self', 'shm,self']) {
          const out = `/tmp/cavity-${transport}`;
          const { code, output } = await run(`-n 4 --transport ${transport} ${cavity} ${out}`, variables);
          // 3: not steady after so few steps.
          expect([0, 3], output).toContain(code);
          digests.push(await guest.must(`sha256sum < ${out}/fields.vti; rm -r ${out}`));
        }
        expect(digests[0]).toMatch(/^[0-9a-f]{64} /);
        expect(digests[0]).toBe(digests[1]);
      });
    });

    test.skipIf(!isLong)(`a completion that fails ends the job with its name${LATER}`, async () => {
      const words = '-n 2 --transport rdma,self test/programs/checksum.mjs await 1048576';
      const { code, output } = await run(words, { TSMPI_INTERPOSER_FAIL: '4:12' });
      // Who waits knows that the connection was lost, and the side that saw it knows why; which of them is heard first differs.
      expect(output).toMatch(
        /transport retry counter exceeded|the connection with rank [01] was lost|lost the connection between|ended while rank [01] waits/,
      );
      expect(output.match(/: right/g)?.length ?? 0, output).toBeLessThan(2);
      expect(code).not.toBe(0);
    });

    test.skipIf(!isLong)(`ranks that may not lock enough memory say so, with the limit${LATER}`, async () => {
      const { code, output } = await run('-n 2 --transport rdma,self test/programs/ring.mjs', {}, 64);
      expect(output).toMatch(/buffers for a peer cannot be registered \(ENOMEM\): this process may lock 64 KiB of memory/);
      expect(code).not.toBe(0);
    });

    test.skipIf(!isLong)(`where nothing can be registered, payload goes through buffers${LATER}`, () =>
      runProgram('checksum.mjs', 2, ['wait', '1048576'], RIGHT, { TSMPI_INTERPOSER_REGIONS: '2' }),
    );
  });
});
