/**
 * The relays of two hosts, in a thread of their own as in a thread host, connected over this host's loopback; the launcher's
 * part is a line of code here. Workers of relay.test.ts.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { RelayHub } from '../../../src/agent/relay-hub.ts';
import { loadAddon } from '../../../src/native/loader.ts';
import { Segment } from '../../../src/segment/segment.ts';
import { ThreadParking } from '../../../src/segment/thread-parking.ts';

const { buffers } = workerData as { buffers: readonly SharedArrayBuffer[] };
const hubs: RelayHub[] = buffers.map((buffer, own) => {
  return new RelayHub(
    Segment.attach(buffer),
    loadAddon().addon,
    (place, hub) => new ThreadParking(Segment.attach(buffer), place, hub, undefined),
    {
      onOffer: (offer) => hubs[offer.host]!.onOffer({ ...offer, host: own }),
      onFailed: (why) => {
        throw new Error(why);
      },
    },
  );
});
parentPort!.once('message', () => {
  for (const hub of hubs) hub.stop();
  parentPort!.close();
});
parentPort!.postMessage('ready');
