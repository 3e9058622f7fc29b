/** What goes wrong with a connection: strangers, another key, a peer that vanishes, one that leaves in order. */

import { describe, expect, test } from 'vitest';
import { FINISH } from '../../../../src/transport/frame.ts';
import { TAKEN } from '../../../../src/transport/transport.ts';
import { Arrivals } from '../../../conformance/arrivals.ts';
import { connectedPair, End, missing, named, pollUntil, Table } from './ends.ts';

const FROM = 2;
const TO = 5;

describe.skipIf(missing !== undefined)(named('rdma faults'), () => {
  test('ranks with different keys never exchange a frame, and say that it does not connect', () => {
    const table = new Table();
    const one = End.open(table, FROM);
    const other = End.open(table, TO, { key: new Uint8Array(32).fill(1) });
    const handlers = [new Arrivals(TO), new Arrivals(FROM)] as const;
    one.connect(TO);
    pollUntil(
      [
        [one, handlers[0]],
        [other, handlers[1]],
      ],
      () => one.suspicions.length > 0,
      'the refusal is told',
    );
    expect(one.suspicions[0]!.reason).toMatch(/^cannot connect to rank 5 at .+ by RDMA: /);
    expect([one.isConnected(TO), other.isConnected(FROM)]).toEqual([false, false]);
    expect(one.sendControl(TO, FINISH, 0, 0)).not.toBe(TAKEN);
  });

  test('a rank that takes no connection says so, and is not asked again', () => {
    const table = new Table();
    const refused: string[] = [];
    const one = End.open(table, FROM, { onRefused: (_, reason) => refused.push(reason) });
    const handler = new Arrivals(TO);
    one.connect(TO);
    expect(table.mail.get(TO)).toEqual([[FROM, 1, expect.any(Number), expect.any(Number)]]);
    table.tell(FROM, [TO, 3, 0, 0]);
    pollUntil([[one, handler]], () => refused.length > 0, 'the refusal is told');
    expect(refused).toEqual(['rank 5 takes no RDMA connection']);
    one.connect(TO);
    expect(table.mail.get(TO)).toHaveLength(1);
    expect(one.describeTrouble(TO)).toBe('rank 5 takes no RDMA connection');
  });

  test('one that leaves is told from one that vanishes; its last frames have arrived', () => {
    const [one, other] = connectedPair(FROM, TO);
    const arrivals = new Arrivals(FROM);
    for (let k = 0; k < 5; k++) expect(one.sendControl(TO, FINISH, k, 0)).toBe(TAKEN);
    // Both ends are in this process: the other one answers when it is polled, so this one leaves unheard.
    one.stop();
    pollUntil([[other, arrivals]], () => other.describeTrouble(FROM) === 'rank 2 has ended', 'the goodbye is heard');
    expect(arrivals.frames.map(({ source }) => source)).toEqual([0, 1, 2, 3, 4]);
    expect(other.suspicions).toEqual([]);
  });
});
