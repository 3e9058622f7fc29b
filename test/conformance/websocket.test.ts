/** WebSocket keeps to the transport contract, over sockets of this host: from the side that connected, and to it. */

import { describe } from 'vitest';
import { FINISH } from '../../src/transport/frame.ts';
import { TAKEN } from '../../src/transport/transport.ts';
import { addon, missing, named } from '../unit/native/native-addon.ts';
import { openEnd, Table } from '../unit/transport/websocket/ends.ts';
import { Arrivals } from './arrivals.ts';
import { conformance, type Ends } from './transport.ts';

const DEADLINE_MS = 20_000;

function open(from: number, to: number, first: number, onSender: Arrivals): Ends {
  const table = new Table();
  table.addresses.set(9, { refused: 'rank 9 is on a host that lets nobody in' });
  const [sender, receiver] = [openEnd(addon, table, from), openEnd(addon, table, to)];
  const [one, other] = first === from ? [sender, receiver] : [receiver, sender];
  // A connection is made at the first frame.
  const nobody = new Arrivals(from);
  const deadline = performance.now() + DEADLINE_MS;
  while (one.transport.sendControl(first === from ? to : from, FINISH, 0, 0) !== TAKEN || nobody.frames.length === 0) {
    if (performance.now() > deadline) throw new Error(one.transport.describe(first === from ? to : from));
    one.transport.poll(nobody);
    other.transport.poll(nobody);
  }
  const ready = new Int32Array(2);
  const sleep = async (): Promise<void> => {
    sender.transport.prepareSleep();
    const end = performance.now() + DEADLINE_MS;
    while (addon.listReady(sender.epoll, ready) === 0) {
      if (performance.now() > end) throw new Error('the sender sleeps on');
      await new Promise((resolve) => setImmediate(resolve));
    }
    while (sender.transport.poll(onSender));
  };
  const isUnderWay = (): boolean => {
    const [there, here] = [sender.transport.traffic(to), receiver.transport.traffic(from)];
    return there.sent !== here.received || here.sent !== there.received || there.queued + here.queued > 0;
  };
  const ends = { sender: sender.transport, receiver: receiver.transport, sleep, isUnderWay };
  while (ends.receiver.poll(nobody) || ends.sender.poll(nobody) || isUnderWay());
  return ends;
}

describe.skipIf(missing)(named('sockets that are polled'), () => {
  for (const [name, from, to, first] of [
    ['connected by the sender', 2, 5, 2],
    ['connected by the receiver', 2, 5, 5],
    ['from the higher rank, which connected', 5, 2, 5],
  ] as const) {
    conformance({
      name: `websocket, ${name}`,
      ranks: [from, to, 9],
      open: (onSender) => open(from, to, first, onSender as Arrivals),
      without: {
        fetch: 'memory of another host cannot be read',
        heldPieces: 'a piece goes to its place as it comes, and the sockets bound what is on its way',
      },
    });
  }
});
