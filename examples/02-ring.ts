/**
 * Ring: a token goes around once; each rank adds its number. Rank 0 checks the sum.
 *
 *     npx tsmpirun -n 4 examples/02-ring.ts
 */

import { world } from 'tsmpi';

const { rank, size } = world;
const next = (rank + 1) % size;
const previous = (rank + size - 1) % size;
const token = new Float64Array(1);

if (rank === 0) {
  const receive = world.recv(token, previous);
  await world.send(Float64Array.of(0), next);
  await receive;
  const expected = (size * (size - 1)) / 2;
  console.log(`the token came back with ${token[0]}, expected ${expected}`);
  if (token[0] !== expected) world.abort(1, 'the token lost its way');
} else {
  await world.recv(token, previous);
  token[0] += rank;
  await world.send(token, next);
}
