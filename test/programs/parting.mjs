/** All ranks but 0 send and end at once; rank 0, which sends to them meanwhile, takes its time to receive. */

import { world } from 'tsmpi';

const COUNT = 100;
if (world.rank === 0) {
  const buffers = [];
  for (let rank = 1; rank < world.size; rank++) world.send(new Float64Array(2), rank, 2).wait();
  const until = performance.now() + 200;
  while (performance.now() < until);
  let partings = 0;
  for (let rank = 1; rank < world.size; rank++) {
    for (let k = 0; k < COUNT; k++) {
      const into = new Float64Array(200);
      buffers.push(into);
      world.recv(into, rank, 1).wait();
      if (into[199] !== k) throw new Error(`message ${k} of rank ${rank} holds ${into[199]}`);
    }
    partings++;
  }
  console.log(`rank 0: ${partings} partings`);
} else {
  world.recv(new Float64Array(2), 0, 2).wait();
  for (let k = 0; k < COUNT; k++) world.send(new Float64Array(200).fill(k), 0, 1);
}
