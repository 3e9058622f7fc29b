/**
 * Prints the bytes that a rank allocates for a message of 8 bytes: sent by rank 0, received by rank 1, with wait(). Messages go
 * in bursts that need no waiting in between. Wants --expose-gc and a young generation that they do not fill.
 */

import { getHeapSpaceStatistics } from 'node:v8';
import { world } from 'tsmpi';

const [WARMUP, ROUNDS, BURSTS, BURST] = [600, 12, 20, 64];
const data = new Uint8Array(8);

/** Bytes in the young generation: where calls allocate, and no compiler does. */
function allocated() {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_used_size;
}

function exchange(bursts) {
  for (let k = 0; k < bursts; k++) {
    if (world.rank === 0) for (let m = 0; m < BURST; m++) world.send(data, 1).wait();
    world.barrier().wait();
    if (world.rank === 1) for (let m = 0; m < BURST; m++) world.recv(data, 0).wait();
  }
}

exchange(WARMUP);
globalThis.gc();
// The least of several rounds: in the others code was still made fast.
let least = Number.POSITIVE_INFINITY;
for (let round = 0; round < ROUNDS; round++) {
  const before = allocated();
  exchange(BURSTS);
  least = Math.min(least, (allocated() - before) / (BURSTS * BURST));
}
const all = world.gather(least).wait();
if (world.rank === 0) console.log(JSON.stringify([...all].map(Math.round)));
