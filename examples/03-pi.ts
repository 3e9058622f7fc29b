/**
 * Pi by the midpoint rule: each rank sums its share of the intervals, one allreduce adds the shares.
 *
 *     npx tsmpirun -n 4 examples/03-pi.ts [intervals]
 */

import { SUM, world, wtime } from 'tsmpi';

const intervals = Number(process.argv[2] ?? 20_000_000);
if (!Number.isSafeInteger(intervals) || intervals < 1) {
  if (world.rank === 0) console.error(`intervals is ${process.argv[2]}: expected a whole number, 1 or more`);
  // Rank 0 alone gives the code: another's would end the job, maybe before rank 0 has said why.
  process.exit(world.rank === 0 ? 2 : 0);
}

const start = wtime();
const width = 1 / intervals;
let share = 0;
for (let k = world.rank; k < intervals; k += world.size) {
  const x = (k + 0.5) * width;
  share += 4 / (1 + x * x);
}
const pi = await world.allreduce(share * width, SUM);
if (world.rank === 0) {
  const error = Math.abs(pi - Math.PI).toExponential(1);
  console.log(`pi is about ${pi.toFixed(12)}, off by ${error}; ${intervals} intervals in ${(wtime() - start).toFixed(3)} s`);
}
