/**
 * Split: rows and columns of a grid of ranks, each a communicator of its own, and a reduction in each.
 *
 *     npx tsmpirun -n 6 examples/05-split.ts
 */

import { SUM, world } from 'tsmpi';

const columns = Math.max(1, Math.floor(Math.sqrt(world.size)));
const row = await world.split(Math.floor(world.rank / columns), world.rank);
const column = await world.split(world.rank % columns, world.rank);

const inRow = await row.allreduce(world.rank, SUM);
const inColumn = await column.allreduce(world.rank, SUM);
const sums = await world.gather(Float64Array.of(inRow, inColumn));
if (sums !== undefined) {
  for (let rank = 0; rank < world.size; rank++) {
    console.log(`rank ${rank}: its row sums to ${sums[2 * rank]}, its column to ${sums[2 * rank + 1]}`);
  }
}
await row.free();
await column.free();
