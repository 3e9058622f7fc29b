/** Round trips with random pauses, so that the peer is anywhere between polling and sleeping; a lost wake-up hangs. */

import { world } from 'tsmpi';

const trips = Number(process.argv[2]);
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
for (let k = 0; k < trips; k++) {
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
if (world.rank === 0) console.log(trips);
