/**
 * Overlap: messages move while a rank computes. Each rank posts the exchange of its borders, works on its inside, and
 * waits only then; `wait()` blocks the thread, which is the fast form in a loop that has nothing else to do.
 *
 *     npx tsmpirun -n 4 examples/06-overlap.ts
 */

import { MAX, PROC_NULL, waitAll, world } from 'tsmpi';

const CELLS = 100_000;
const STEPS = 100;
const left = world.rank === 0 ? PROC_NULL : world.rank - 1;
const right = world.rank === world.size - 1 ? PROC_NULL : world.rank + 1;

// One cell of a neighbour on either side; the ends of the rod are held at 1 and 0.
let now = new Float64Array(CELLS + 2);
let next = new Float64Array(CELLS + 2);
if (left === PROC_NULL) now[0] = next[0] = 1;

function relax(from: number, to: number): void {
  for (let i = from; i < to; i++) next[i] = now[i] + 0.25 * (now[i - 1] - 2 * now[i] + now[i + 1]);
}

for (let step = 0; step < STEPS; step++) {
  const exchange = [
    world.recv(now.subarray(0, 1), left),
    world.recv(now.subarray(CELLS + 1), right),
    world.send(now.subarray(1, 2), left),
    world.send(now.subarray(CELLS, CELLS + 1), right),
  ];
  relax(2, CELLS);
  waitAll(exchange);
  relax(1, 2);
  relax(CELLS, CELLS + 1);
  if (left === PROC_NULL) next[0] = 1;
  [now, next] = [next, now];
}
const warmest = await world.allreduce(
  now.slice(1, CELLS + 1).reduce((a, b) => Math.max(a, b)),
  MAX,
);
if (world.rank === 0) console.log(`after ${STEPS} steps the warmest cell is at ${warmest.toFixed(6)}`);
