/**
 * RDMA between two guests: a network that loses, delays, is cut for a while and for good, while agents talk over another; and
 * what a rank may not pin. With TSMPI_RDMA_LONG=1: two guests take the machine for minutes.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { named } from '../hosts/test-hosts.ts';
import { JoinedGuests } from './joined-guests.ts';
import { longReason, missingGuest } from './test-guest.ts';

const missing = missingGuest() ?? longReason;
const RIGHT = ['rank 0: right', 'rank 1: right'];

describe.skipIf(missing !== undefined)(named('two hosts', missing), () => {
  let guests: JoinedGuests;
  beforeAll(async () => {
    guests = await JoinedGuests.up('rxe');
  }, 600_000);
  afterAll(() => guests?.end());

  /** Messages of so many bytes both ways, every byte looked at. */
  async function exchange(byteLength: number): Promise<void> {
    const { code, output } = await guests.job(`test/programs/checksum.mjs await ${byteLength}`);
    expect([output.trimEnd().split('\n').sort(), code]).toEqual([RIGHT, 0]);
  }

  test('messages arrive whole', () => exchange(1 << 20));

  test('also where one packet in a hundred is lost and each takes a millisecond', async () => {
    await guests.both('tc qdisc add dev eth1 root netem loss 1% delay 1ms');
    try {
      await exchange(1 << 18);
    } finally {
      await guests.both('tc qdisc del dev eth1 root');
    }
  });

  test('a link that is down when ranks first send, and for good, ends the job with the reason', async () => {
    await guests.second.must('ip link set eth1 down');
    try {
      const { code, output } = await guests.job('test/programs/ring.mjs');
      expect(output).toMatch(/rank [01]/);
      expect(code).not.toBe(0);
    } finally {
      await guests.second.must('ip link set eth1 up; ip addr replace 10.77.0.2/24 dev eth1');
    }
  });

  test('and a job after it finds everything as it was', () => exchange(1 << 16));
});
