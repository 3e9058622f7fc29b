/** A message of more than 2 GiB, with marks at both ends, in the middle and around every border of 32 bits. */

import { world } from 'tsmpi';

const LENGTH = 2 ** 31 + 8;
const MARKS = [0, 2 ** 30 + 5, 2 ** 31 - 1, 2 ** 31, LENGTH - 1];
const data = new Uint8Array(LENGTH);

if (world.rank === 0) {
  for (const [k, at] of MARKS.entries()) data[at] = k + 1;
  world.send(data, 1, 3).wait();
} else {
  const { count, byteLength } = world.recv(data, 0, 3).wait();
  console.log(count, byteLength, MARKS.map((at) => data[at]).join(' '));
}
