/** Sums of numbers whose result depends on the order of addition; rank 0 prints a digest of all results. */

import { createHash } from 'node:crypto';
import { MAX, PROD, SUM, world } from 'tsmpi';

const { rank, size } = world;
const digest = createHash('sha256');

// A generator of its own, so that every rank's numbers are the same in each run.
let state = 12345 + 7919 * rank;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/** Numbers of both signs over 32 orders of magnitude: their sum has no correct digit unless the order is kept. */
function illConditioned(length) {
  return Float64Array.from({ length }, () => (random() - 0.5) * 10 ** (32 * random() - 16));
}

for (const length of [1, 2, 7, 100, 1000, 5000, 20_000]) {
  const data = illConditioned(length);
  digest.update(await world.allreduce(data, SUM));
  digest.update(
    world
      .allreduce(
        Float32Array.from(data, (value) => value * 1e-10),
        SUM,
      )
      .wait(),
  );
  digest.update(
    await world.allreduce(
      data.map((value) => 1 + value * 1e-16),
      PROD,
    ),
  );
  const whole = await world.reduce(data, SUM, size - 1);
  digest.update(await world.bcast(whole ?? new Float64Array(length), size - 1));
  digest.update(await world.allreduce(await world.scan(data, SUM), MAX));
  const blocks = illConditioned(length * size);
  digest.update(await world.allgather(await world.reduceScatterBlock(blocks, SUM)));
}
if (rank === 0) console.log(digest.digest('hex'));
