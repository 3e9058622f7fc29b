/**
 * One measurement of scaling.ts: steps of the model without diagnostics and results. Rank 0 prints a line of JSON.
 *
 *     tsmpirun -n 2 --bind-to core examples/weather/scaling-job.ts CELLS DEGREE SECONDS
 */

import { MAX, region, startProfile, team, world } from 'tsmpi';
import { createCase } from './cases.ts';
import { gatherCost } from './cost.ts';
import { Model } from './model.ts';
import type { Measurement } from './scaling.ts';

const [cells, degree, seconds] = process.argv.slice(2).map(Number);
/** Steps that are not measured; and those that are, at least: as many as have one in which Model times an exchange alone. */
const WARM_UP_STEPS = 4;
const LEAST_STEPS = 32;

await using crew = await team();
const model = new Model(world, crew, createCase('6'), cells, degree);
const dt = 0.48 * model.shortestPassage();
const take = (steps: number): void => {
  for (let k = 0; k < steps; k += 1) model.step(dt);
};
// The first pass compiles, the second one says how many steps there are to be.
take(WARM_UP_STEPS);
const startMs = performance.now();
take(WARM_UP_STEPS);
const mostMs = world.allreduce(performance.now() - startMs, MAX).wait();
const steps = LEAST_STEPS * Math.max(1, Math.round((1000 * seconds * WARM_UP_STEPS) / (LEAST_STEPS * mostMs)));
world.barrier().wait();
startProfile();
region('computing', () => take(steps));
const { block } = model;
const nodes = block.mesh.elements * block.order ** 2;
const work = { steps, days: 0, nodes, elements: block.elements.length, neighbors: model.sides.ranks.length, threads: crew.size };
const cost = gatherCost(model.comm, work);
if (cost !== undefined) {
  const measured: Measurement = { nodes, stageUs: 1e6 / (3 * cost.stepsPerSecond), overlap: cost.overlap };
  console.log(JSON.stringify(measured));
}
