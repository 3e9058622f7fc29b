/** RDMA keeps to the transport contract, over a device of this host: from the side that dialled, and to it. */

import { describe } from 'vitest';
import type { FrameHandler } from '../../src/transport/transport.ts';
import { addon } from '../unit/native/native-addon.ts';
import { connectedPair, type End, missing, named } from '../unit/transport/rdma/ends.ts';
import { Arrivals } from './arrivals.ts';
import { conformance, type Ends } from './transport.ts';

const DEADLINE_MS = 20_000;

function open(from: number, to: number, onSender: FrameHandler, onReceiver: FrameHandler): Ends {
  const [sender, receiver]: [End, End] = connectedPair(from, to);
  const nobody = new Arrivals(from);
  receiver.onFetch = () => sender.poll(nobody);
  const ready = new Int32Array(2);
  // It never sleeps for longer than 2 ms, so it may wake before there is room; then it sleeps again.
  const sleep = async (): Promise<void> => {
    const end = performance.now() + DEADLINE_MS;
    do {
      sender.prepareSleep();
      while (addon.listReady(sender.epoll, ready) === 0) {
        if (performance.now() > end) throw new Error('the sender sleeps on');
        await new Promise((resolve) => setImmediate(resolve));
        receiver.poll(onReceiver);
      }
      while (sender.poll(onSender));
    } while (!sender.traffic(to).hasRoom);
  };
  const isUnderWay = (): boolean => {
    const [there, here] = [sender.traffic(to), receiver.traffic(from)];
    return there.sent !== here.received || here.sent !== there.received || there.underWay + here.underWay > 0;
  };
  while (receiver.poll(nobody) || sender.poll(nobody) || isUnderWay());
  return { sender, receiver, sleep, isUnderWay };
}

// Where there is no device its name says so.
describe.skipIf(missing !== undefined)(named('a device'), () => {
  for (const [name, from, to] of [
    ['from the rank that dialled', 2, 5],
    ['to the rank that dialled', 5, 2],
  ] as const) {
    conformance({
      name: `rdma, ${name}`,
      ranks: [from, to, 9],
      open: (onSender, onReceiver) => open(from, to, onSender, onReceiver),
      without: { heldPieces: 'a piece is copied as it comes' },
    });
  }
});
