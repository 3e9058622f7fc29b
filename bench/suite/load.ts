/**
 * Latency under load: rank 0 sends 8 bytes at random moments that do not wait for answers (an open loop, exponential
 * distances), rank 1 sends each back. A message's time runs from the moment when it should have been sent, so that what waits
 * behind a late one counts (Tene's coordinated omission).
 *
 * The number of the first column is the load, in per cent of what the pair carries at its best, which is timed before
 * each repetition. Times are halves of round trips.
 */

import { type Communicator, type Request, waitAll } from 'tsmpi';
import { seededRandom } from '../lib/statistics.ts';
import type { Settings } from '../records.ts';
import type { Operation } from './measure.ts';
import { iterationsOf } from './point-to-point.ts';

const BYTES = 8;
const TAG = 1;
/** Messages that find out what the pair carries, and how many of them are under way at a time. */
const SATURATING = 5000;
const WINDOW = 64;
const LONGEST_US = 200_000;

/** Return the operation for a load in per cent. All ranks call this. */
export function createLoad(comm: Communicator, settings: Settings, load: number): Operation {
  const { rank } = comm;
  const [out, into] = [new Uint8Array(BYTES), new Uint8Array(BYTES)];
  const random = seededRandom(load);

  /** Send each message when it is due, in ms from now, and at most so many without their answers. Returns µs of each. */
  const send = (due: Float64Array, window: number): Float64Array<ArrayBuffer> => {
    const samples = new Float64Array(due.length);
    const sends: Request<unknown>[] = [];
    const start = performance.now();
    let answer = comm.recv(into, 1, TAG);
    for (let answered = 0; answered < due.length; ) {
      const sent = sends.length;
      if (sent < due.length && sent - answered < window && performance.now() - start >= due[sent]!)
        sends.push(comm.send(out, 1, TAG));
      if (!answer.test()) continue;
      samples[answered] = (performance.now() - start - due[answered]!) * 500;
      answered++;
      if (answered < due.length) answer = comm.recv(into, 1, TAG);
    }
    waitAll(sends);
    return samples;
  };
  const answer = async (count: number): Promise<void> => {
    for (let k = 0; k < count; k++) {
      if (settings.isAwaited) {
        await comm.recv(into, 0, TAG);
        await comm.send(out, 0, TAG);
      } else {
        comm.recv(into, 0, TAG).wait();
        comm.send(out, 0, TAG).wait();
      }
    }
  };
  /** Moments of messages, in ms. */
  const schedule = (count: number): Float64Array => {
    const start = performance.now();
    send(new Float64Array(SATURATING), WINDOW);
    const mean = ((performance.now() - start) / SATURATING) * (100 / load);
    let at = 0;
    return Float64Array.from({ length: count }, () => {
      at -= Math.log(1 - random()) * mean;
      return at;
    });
  };
  return {
    run: async (count) => {
      if (rank === 0) send(new Float64Array(count), 1);
      else if (rank === 1) await answer(count);
    },
    sample: async (count) => {
      if (rank === 1) await answer(SATURATING + count);
      return rank === 0 ? send(schedule(count), Number.POSITIVE_INFINITY) : new Float64Array(0);
    },
    parts: 2,
    clock: 'rank 0',
    isTimed: rank === 0,
    isCollective: false,
    iterations: iterationsOf(BYTES),
    longestUs: LONGEST_US,
  };
}
