/** Rank 0 says when all are there and sleeps until its stdin ends; the others wait in recv meanwhile. */

import { world } from 'tsmpi';

const word = new Int32Array(1);
const pids = await world.gather(process.pid);
if (world.rank === 0) {
  console.log(JSON.stringify([...pids]));
  for await (const _ of process.stdin);
  for (let rank = 1; rank < world.size; rank++) await world.send(word, rank);
} else world.recv(word, 0).wait();
