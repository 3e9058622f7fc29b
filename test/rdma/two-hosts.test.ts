/**
 * RDMA between two guests: a network that loses, delays, is cut for a while and for good, while agents talk over another. With
 * TSMPI_RDMA_LONG=1: two guests take the machine for minutes.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { named } from '../hosts/test-hosts.ts';
import { JoinedGuests } from './joined-guests.ts';
import { type CommandResult, longReason, missingGuest } from './test-guest.ts';

const missing = missingGuest() ?? longReason;
/** What tells, in the second guest, that a job is under way. */
const MARK = '/tmp/tsmpi-under-way';
/** As a cable is pulled. A device that is set down breaks Soft-RoCE's own queue pair, by which connections are made, for good. */
const CUT = 'tc qdisc add dev eth1 root netem loss 100%';
const MEND = 'tc qdisc del dev eth1 root';
/** The device tries for half a minute, then the launcher looks for another cause for the heartbeat. */
const LOST_JOB_S = 420;
const RIGHT = ['rank 0: right', 'rank 1: right'];

describe.skipIf(missing !== undefined)(named('two hosts', missing), { timeout: 450_000 }, () => {
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

  /** Cut the second guest's link once a job is under way: run those commands there; return how the job ended. */
  async function cut(commands: string): Promise<CommandResult> {
    const waiting = `rm -f ${MARK} ${MARK}.over; until [ -e ${MARK} ] || [ $((++n)) -gt 400 ]; do sleep 0.5; done`;
    const [result] = await Promise.all([
      guests.job(`test/programs/link-cut.mjs ${MARK}`, {}, LOST_JOB_S),
      guests.second.must(`${waiting}; ${commands}`, { limitMs: LOST_JOB_S * 1000 }),
    ]);
    return result;
  }

  test('a network that is cut for five seconds holds a job up and does not end it', async () => {
    const { code, output } = await cut(`${CUT}; sleep 5; ${MEND}; : > ${MARK}.over`);
    expect([output.trimEnd().split('\n').sort(), code]).toEqual([RIGHT, 0]);
  });

  test('one that is cut for good ends it with the connection that was lost', async () => {
    try {
      const { code, output } = await cut(CUT);
      expect(output).toMatch(/lost the connection between rank [01] on node[12] and rank [01] on node[12]/);
      expect(code).toBe(1);
    } finally {
      await guests.second.must(MEND);
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
