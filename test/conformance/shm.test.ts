/** Shared memory keeps to the transport contract: without the addon, and with what the addon adds. */

import { describe, onTestFinished } from 'vitest';
import type { Addon } from '../../src/native/addon.ts';
import { layOut } from '../../src/segment/layout.ts';
import { Segment } from '../../src/segment/segment.ts';
import { ThreadParking } from '../../src/segment/thread-parking.ts';
import { ShmTransport } from '../../src/transport/shm/shm-transport.ts';
import { addon, missing, named } from '../unit/native/native-addon.ts';
import { conformance, type Ends } from './transport.ts';

const SHAPE = { localSize: 3, cellCount: 128, smallCount: 8, largeCount: 4, areaCount: 1, descriptionCapacity: 4096 };
/** World ranks 0 and 5 are local ranks 2 and 1; rank 1 is elsewhere. */
const LOCAL_OF = Int32Array.of(2, -1, 0, -1, -1, 1);

function open(addon: Addon | undefined): Ends {
  const buffer = new SharedArrayBuffer(layOut(SHAPE).byteLength);
  Segment.create(buffer, SHAPE, new Uint8Array(2));
  let wake = (): void => {};
  const [sender, receiver] = [0, 5].map((worldRank, end) => {
    const segment = Segment.attach(buffer);
    const localRank = LOCAL_OF[worldRank]!;
    segment.claim(localRank, process.pid, end);
    const sleeper = {
      poll: () => false,
      prepareSleep: () => transport.prepareSleep(),
      onTurn: () => wake(),
    };
    const parking = new ThreadParking(segment, localRank, sleeper, undefined);
    onTestFinished(() => parking.stop());
    const transport = new ShmTransport(segment, localRank, LOCAL_OF, parking, addon);
    return { transport, parking };
  });
  const sleep = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      sender!.parking.hold(true);
      sender!.parking.enterLoop(true, false);
    });
  return { sender: sender!.transport, receiver: receiver!.transport, sleep };
}

conformance({
  name: 'shm without the addon',
  ranks: [0, 5, 1],
  open: () => open(undefined),
  without: { fetch: 'reading the memory of a peer needs the addon' },
});

describe.skipIf(missing)(named('memory that is read from afar'), () => {
  conformance({ name: 'shm with the addon', ranks: [0, 5, 1], open: () => open(addon) });
});
