/**
 * Round trips with random pauses, so that the peer is anywhere between polling and sleeping; a lost wake-up hangs. Rank 0
 * prints the trips and how often both ranks slept. Goes on beyond the trips until they slept as often as is wanted.
 */

import { readFileSync } from 'node:fs';
import { SUM, world } from 'tsmpi';

const trips = Number(process.argv[2]);
const wanted = Number(process.argv[3] ?? 0);
const peer = 1 - world.rank;
const word = new Int32Array(1);
let state = world.rank * 7919 + 1;
const random = (below) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};
const pause = () => {
  for (let k = random(3000); k > 0; k--) Math.fround(k);
};
/** How often this thread gave its core away because it had to wait. */
const sleeps = () => Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync('/proc/thread-self/status', 'latin1'))[1]);

const before = sleeps();

async function travel(k) {
  pause();
  const isAwaited = random(2) === 0;
  const expect = (value) => {
    if (word[0] !== value) throw new Error(`got ${word[0]} in trip ${k}`);
  };
  for (const isSending of world.rank === 0 ? [true, false] : [false, true]) {
    if (isSending) {
      word[0] = k;
      world.send(word, peer).wait();
    } else {
      const receive = world.recv(word, peer);
      if (isAwaited) await receive;
      else receive.wait();
      expect(k);
    }
  }
}
let [done, all] = [0, 0];
do {
  for (const end = done === 0 ? trips : done + 1000; done < end; done++) await travel(done);
  all = await world.allreduce(sleeps() - before, SUM);
} while (all < wanted);
if (world.rank === 0) console.log(`${done} trips, ${all} sleeps`);
