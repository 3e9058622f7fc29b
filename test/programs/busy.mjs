/** Rank 5 computes for so long without a call, then all exchange a number: `busy.mjs SECONDS`. The others wait for it. */

import { SUM, world } from 'tsmpi';

await world.barrier();
const until = performance.now() + Number(process.argv[2]) * 1000;
while (world.rank === 5 && performance.now() < until);
const sum = await world.allreduce(1, SUM);
if (world.rank === 5) console.log(`${sum} ranks`);
