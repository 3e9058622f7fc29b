/**
 * A simulation that can be killed: heat spreads along a rod, and every 100 steps the ranks save what they have. Started again,
 * on any number of ranks, it goes on from there; on SIGTERM (a scheduler that needs the machine) it saves at once and ends.
 *
 *     npx tsmpirun -n 4 examples/09-checkpoint.ts FOLDER [steps]
 *
 * Try it: start it with many steps, `kill -9` any of its processes, start it with another number of ranks.
 */

import { type ArrayParts, job, MAX, PROC_NULL, SUM, world } from 'tsmpi';

const CELLS = 1000;
const EVERY = 100;
const [folder, steps = '400'] = process.argv.slice(2);
if (folder === undefined || !(Number(steps) >= 0)) {
  if (world.rank === 0) console.error('usage: 09-checkpoint.ts FOLDER [steps]');
  // Rank 0 alone gives the code: another's would end the job, maybe before rank 0 has said why.
  process.exit(world.rank === 0 ? 2 : 0);
}

const { rank, size } = world;
const from = Math.floor((CELLS * rank) / size);
const cells = Math.floor((CELLS * (rank + 1)) / size) - from;
/** This rank's cells between one of each neighbour's. */
let rod = new Float64Array(cells + 2);
let next = rod.slice();
if (from === 0) rod[1] = 1;

/** What is saved: the rod without its ends, of which each rank has a part. */
const state = (): ArrayParts => ({ rod: { data: rod.subarray(1, cells + 1), shape: [CELLS], start: [from] } });

const checkpoint = await world.checkpoint(folder);
let step = 0;
if (checkpoint.latest !== undefined) ({ step } = await checkpoint.load(state()));
const first = step;

const left = rank > 0 ? rank - 1 : PROC_NULL;
const right = rank < size - 1 ? rank + 1 : PROC_NULL;
let isEvicted = false;
while (step < Number(steps) && !isEvicted) {
  await world.sendrecv(rod.subarray(1, 2), left, rod.subarray(cells + 1), right);
  await world.sendrecv(rod.subarray(cells, cells + 1), right, rod.subarray(0, 1), left);
  if (left === PROC_NULL) rod[0] = rod[1];
  if (right === PROC_NULL) rod[cells + 1] = rod[cells];
  for (let k = 1; k <= cells; k++) next[k] = rod[k] + 0.25 * (rod[k - 1] - 2 * rod[k] + rod[k + 1]);
  [rod, next] = [next, rod];
  step++;
  // Ranks learn of it at different steps, and must save at the same.
  if (step % 50 === 0) isEvicted = (await world.allreduce(Number(job.evicted), MAX)) > 0;
  if (step % EVERY === 0 || isEvicted) await checkpoint.save(step, state());
}
await checkpoint.close();

const heat = await world.allreduce(
  rod.subarray(1, cells + 1).reduce((sum, value) => sum + value, 0),
  SUM,
);
if (rank === 0) console.log(`${size} ranks, from step ${first} to ${step}: heat ${heat.toFixed(9)} of 1`);
