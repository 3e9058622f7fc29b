/**
 * A grid of ranks, each with a block of a field: heat spreads, and every step exchanges the rows at the borders with the
 * neighbours.
 *
 *     npx tsmpirun -n 4 examples/07-halo.ts
 */

import { MAX, SUM, world } from 'tsmpi';

const ROWS = 64;
const WIDTH = 128;
const STEPS = 200;

// Ranks stand in a ring: the field is periodic from top to bottom.
const ring = await world.cartesian([0], { periodic: true });
const { source: above, dest: below } = ring.shift(0, 1);

// One row more on either side, for what the neighbours hold.
let field = new Float64Array((ROWS + 2) * WIDTH);
let next = field.slice();
const row = (of: Float64Array, k: number) => of.subarray(k * WIDTH, (k + 1) * WIDTH);
if (ring.rank === 0) row(field, 1).fill(1);

for (let step = 0; step < STEPS; step++) {
  await Promise.all([
    ring.recv(row(field, 0), above),
    ring.recv(row(field, ROWS + 1), below),
    ring.send(row(field, ROWS), below),
    ring.send(row(field, 1), above),
  ]);
  for (let k = 1; k <= ROWS; k++) {
    for (let x = 0; x < WIDTH; x++) {
      const at = k * WIDTH + x;
      next[at] = field[at]! + 0.25 * (field[at - WIDTH]! - 2 * field[at]! + field[at + WIDTH]!);
    }
  }
  [field, next] = [next, field];
}

const inner = field.subarray(WIDTH, (ROWS + 1) * WIDTH);
const heat = await ring.allreduce(
  inner.reduce((sum, value) => sum + value, 0),
  SUM,
);
const peak = await ring.allreduce(Math.max(...inner), MAX);
if (ring.rank === 0)
  console.log(`${ring.dims} ranks, ${STEPS} steps: heat ${heat.toFixed(6)} of ${WIDTH}, peak ${peak.toFixed(6)}`);
