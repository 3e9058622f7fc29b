/**
 * The halo exchange of a three-dimensional field: each rank has a block with one layer of cells around it, and every step
 * fills that layer with what the six neighbours hold. Faces are derived datatypes, so nothing is packed by hand.
 *
 *     npx tsmpirun -n 8 examples/08-halo-3d.ts
 */

import { type Layout, SUM, subarray, world } from 'tsmpi';

const N = 24;
const STEPS = 50;
const grid = await world.cartesian([0, 0, 0], { periodic: true });
const shape = [N + 2, N + 2, N + 2];
/** Distances of cells that are neighbours in x and in y; in z it is 1. */
const [X, Y] = [(N + 2) ** 2, N + 2];

/** The face of a field at layer `at` of dimension d, without the edges around it. */
function face(field: Float64Array, d: number, at: number): Layout<Float64Array> {
  const extent = [N, N, N].with(d, 1);
  return subarray(shape, extent, [1, 1, 1].with(d, at)).of(field);
}

/** Set up the exchange of a field: its outermost layers go to the neighbours, theirs come into the layer around it. */
function haloOf(field: Float64Array) {
  const inner = [0, 1, 2].flatMap((d) => [face(field, d, 1), face(field, d, N)]);
  const outer = [0, 1, 2].flatMap((d) => [face(field, d, 0), face(field, d, N + 1)]);
  return grid.neighborAlltoallwInit(inner, outer);
}

let field = new Float64Array((N + 2) ** 3);
let next = field.slice();
if (grid.rank === 0) field[X + Y + 1] = 1000;
let [halo, nextHalo] = [haloOf(field), haloOf(next)];

/** Call a function with the index of each cell of the block. */
function forEachCell(fn: (at: number) => void) {
  for (let x = 1; x <= N; x++) for (let y = 1; y <= N; y++) for (let z = 1; z <= N; z++) fn(x * X + y * Y + z);
}

for (let step = 0; step < STEPS; step++) {
  await halo.start();
  forEachCell((at) => {
    const around = field[at - X] + field[at + X] + field[at - Y] + field[at + Y] + field[at - 1] + field[at + 1];
    next[at] = 0.4 * field[at] + 0.1 * around;
  });
  [field, next, halo, nextHalo] = [next, field, nextHalo, halo];
}

let heat = 0;
forEachCell((at) => {
  heat += field[at];
});
const total = await grid.allreduce(heat, SUM);
if (grid.rank === 0) console.log(`grid ${grid.dims.join(' x ')}, ${STEPS} steps: heat ${total.toFixed(6)} of 1000`);
