/** Guests: both software devices work by librdmacm, alone and between two guests; limits, losses and deadlines are real. */

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { named } from '../hosts/test-hosts.ts';
import { ADDRESS, DEVICES, longReason, missingGuest, TestGuest } from './test-guest.ts';

const missing = missingGuest();

/** Five messages there and back, each by SEND, READ and WRITE; the client dials until the server listens. */
const RPING = `rping -s -a ${ADDRESS} -C 5 & for k in 1 2 3 4 5 6 7 8 9; do timeout 10 rping -c -a ${ADDRESS} -C 5 -v && break; done; wait`;

describe.skipIf(missing !== undefined)(named('a guest', missing), () => {
  let guest: TestGuest;
  beforeAll(async () => {
    guest = await TestGuest.shared('rxe');
  });

  describe.each(DEVICES)('with %s', (device) => {
    test('has one device, which is up', async () => {
      await guest.use(device);
      expect((await guest.must('ls /sys/class/infiniband')).trim()).toBe(`${device}0`);
      const output = await guest.must('rdma link; ibv_devinfo');
      expect(output).toContain(`link ${device}0/1 state ACTIVE`);
      // Soft-iWARP is what the strictest driver looks like.
      expect(output).toMatch(device === 'siw' ? /transport:\s+iWARP/ : /transport:\s+InfiniBand/);
    });

    test('exchanges messages by librdmacm', async () => {
      const output = await guest.must(RPING);
      for (let k = 0; k < 5; k++) expect(output).toContain(`ping data: rdma-ping-${k}:`);
    });

    test('pins no more memory than a command is given', async () => {
      const { code, output } = await guest.run(`rping -c -a ${ADDRESS} -C 1 -S 65000`, { memlockKiB: 16 });
      expect([output, code]).toEqual([expect.stringMatching(/reg_mr/), expect.any(Number)]);
      expect(code).not.toBe(0);
    });

    test('loses its device', async () => {
      expect(await guest.must(`rdma link delete ${device}0; ls /sys/class/infiniband`)).toBe('');
    });
  });

  test("has this machine's files and writes to none of them", async () => {
    const { code, output } = await guest.run('echo seen > tsmpi-guest; cat tsmpi-guest; grep -c tsmpi package.json; exit 3');
    expect([output, code]).toEqual([expect.stringMatching(/^seen\n[1-9]/), 3]);
    expect(existsSync('tsmpi-guest')).toBe(false);
  });

  test.skipIf(longReason !== undefined)(
    named('is ended when a command passes its deadline, with what was said last', longReason),
    async () => {
      const late = guest.run('echo so far; sleep 100', { limitMs: 3000 });
      await expect(late).rejects.toThrow(/did not answer within 3000 ms; it printed last:\nso far/);
    },
  );
});

describe.skipIf((missing ?? longReason) !== undefined)(named('two guests', missing ?? longReason), () => {
  let guests: [TestGuest, TestGuest];
  beforeAll(async () => {
    guests = await TestGuest.pair({ device: 'rxe' });
  });
  afterAll(() => Promise.all((guests ?? []).map((guest) => guest.end())));

  test.each(DEVICES)('exchange messages over %s, also where the network loses one packet in a hundred', async (device) => {
    const [first, second] = guests;
    for (const guest of guests) await guest.use(device);
    for (const netem of ['', 'tc qdisc add dev eth1 root netem loss 1% delay 1ms']) {
      if (netem !== '') for (const guest of guests) await guest.must(netem);
      const [, output] = await Promise.all([
        first.must(`rping -s -a ${ADDRESS} -C 5`),
        second.must(`for k in 1 2 3 4 5 6 7 8 9; do timeout 10 rping -c -a ${ADDRESS} -C 5 -v && break; done`),
      ]);
      for (let k = 0; k < 5; k++) expect(output).toContain(`ping data: rdma-ping-${k}:`);
    }
    for (const guest of guests) await guest.must('tc qdisc del dev eth1 root');
  });
});
