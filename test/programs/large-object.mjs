/** An object with more than 4 GiB of arrays, marked at both ends of each and beside the border of 32 bits. */

import { world } from 'tsmpi';

const COUNT = 5;
const BYTES = 2 ** 30;
if (world.rank === 0) {
  // Untouched pages cost the sender nothing.
  const arrays = Array.from({ length: COUNT }, (_, k) => {
    const array = new Float64Array(BYTES / 8);
    array[0] = k + 1;
    array[array.length - 1] = -k - 1;
    return array;
  });
  await world.sendObject({ name: 'large', arrays, last: new Map([['array', arrays[COUNT - 1]]]) }, 1);
} else {
  const value = await world.recvObject(0);
  const bytes = value.arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const marks = value.arrays.flatMap((array) => [array[0], array.at(-1)]);
  console.log(value.name, bytes, ...marks, value.last.get('array') === value.arrays[COUNT - 1]);
}
