/**
 * Matching: a ping-pong of 8 bytes behind many messages that it has nothing to do with, as in the queue benchmarks of
 * Underwood and Brightwell (ICPP 2004).
 *
 * match_posted: so many receives were posted before, for other tags, every other one from any source; a library with lists
 * looks at all of them for each message. match_unexpected: so many messages arrived before that nobody has asked for.
 */

import { ANY_SOURCE, type Communicator, type Request, waitAll } from 'tsmpi';
import type { Settings } from '../records.ts';
import type { Operation } from './measure.ts';
import { arrays, exchange, iterationsOf } from './point-to-point.ts';

const BYTES = 8;
/** Tag of the first message in the way. */
const OTHERS = 100;

/** Return the ping-pong of ranks 0 and 1 with `queued` messages in its way. All ranks call this. */
export async function createMatching(comm: Communicator, settings: Settings, queued: number): Promise<Operation> {
  const { rank } = comm;
  const peer = 1 - rank;
  const takesPart = rank < 2;
  const [aside, into] = [new Uint8Array(BYTES), new Uint8Array(BYTES)];
  const isPosted = settings.program === 'match_posted';
  const inTheWay: Request<unknown>[] = [];
  for (let k = 0; takesPart && k < queued; k++) {
    const tag = OTHERS + k;
    inTheWay.push(isPosted ? comm.recv(aside, k % 2 === 0 ? peer : ANY_SOURCE, tag) : comm.send(aside, peer, tag));
  }
  await comm.barrier();

  return {
    run: takesPart ? exchange(arrays(comm, settings, BYTES, peer), rank === 0, settings.isAwaited) : () => {},
    parts: 2,
    clock: 'rank 0',
    isTimed: takesPart,
    isCollective: false,
    iterations: iterationsOf(BYTES),
    close: async () => {
      if (takesPart && isPosted) for (const request of inTheWay) request.cancel();
      else if (takesPart) for (let k = 0; k < queued; k++) comm.recv(into, peer, OTHERS + k).wait();
      waitAll(inTheWay);
      await comm.barrier();
    },
  };
}
