/**
 * Rank 0 sends so many MiB and a flood of small messages to rank 1, which asks for some of it and then computes for a while:
 * `held.mjs MS MIB`. Rank 1 prints `computed` then, and takes all once its input ends.
 */

import { once } from 'node:events';
import { whenAll, world } from 'tsmpi';

/** Of 4 MiB. */
const COUNT = Number(process.argv[3]) / 4;
const ASKED = 16;
const SMALL = 4000;
const long = new Float64Array(524_288);
const small = new Float64Array(4);
const middle = new Float64Array(1000);
if (world.rank === 0) {
  const sends = Array.from({ length: COUNT }, () => world.send(long.fill(7), 1, 1));
  for (let k = 0; k < SMALL; k++) sends.push(world.send(k % 2 === 0 ? small : middle, 1, 2));
  await whenAll(sends);
} else {
  const into = Array.from({ length: ASKED }, () => new Float64Array(524_288));
  const asked = into.map((array) => world.recv(array, 0, 1));
  // Until the first of it comes: then all that can move does.
  await asked[0];
  for (const end = performance.now() + Number(process.argv[2]); performance.now() < end; );
  console.log('computed');
  await once(process.stdin.resume(), 'end');
  await whenAll(asked);
  for (let k = ASKED; k < COUNT; k++) await world.recv(long, 0, 1);
  await whenAll(Array.from({ length: SMALL }, () => world.recv(new Float64Array(1000), 0, 2)));
  console.log(`${into.every((array) => array.every((value) => value === 7)) ? 'right' : 'wrong'}`);
}
