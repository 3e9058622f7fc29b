/**
 * Vorticity: the curl of the wind at the nodes, as the scheme itself sees it: with the mean tangential wind on the sides.
 */

import { FIELDS, GEOMETRY, TRACES } from './kernels.ts';
import { SIDES } from './mesh.ts';
import type { Model } from './model.ts';

/** Return the relative vorticity in 1/s, by element and node. Collective. */
export function computeVorticity(model: Model): Float64Array {
  model.refreshTraces();
  const { block, sides, state, traces } = model;
  const { order, derivative, lift, elements, geometry } = block;
  const nodes = order * order;
  const out = new Float64Array(nodes * elements.length);
  for (let local = 0; local < elements.length; local += 1) {
    const u1 = FIELDS * local * nodes + nodes;
    const u2 = u1 + nodes;
    const curl = out.subarray(local * nodes, (local + 1) * nodes);
    for (let k = 0; k < nodes; k += 1) {
      const i = k % order;
      const j = (k - i) / order;
      for (let m = 0; m < order; m += 1) {
        curl[k] += derivative[i * order + m] * state[u2 + j * order + m] - derivative[j * order + m] * state[u1 + m * order + i];
      }
    }
    for (let side = 0; side < SIDES; side += 1) {
      const slot = SIDES * local + side;
      const first = side === 1 ? order - 1 : side === 3 ? nodes - order : 0;
      const stride = side < 2 ? order : 1;
      // Outward along α adds to ∂₁u₂, outward along β takes from it.
      const sign = side === 1 || side === 2 ? 1 : -1;
      const turn = sides.reversed[slot] === 1;
      for (let n = 0; n < order; n += 1) {
        const inner = traces[(sides.traceOf[slot] * TRACES + 3) * order + n];
        const outer = traces[(sides.outsideOf[slot] * TRACES + 3) * order + (turn ? order - 1 - n : n)];
        curl[first + stride * n] += 0.5 * sign * lift * ((turn ? -outer : outer) - inner);
      }
    }
    for (let k = 0; k < nodes; k += 1) curl[k] /= geometry[(GEOMETRY * local + 3) * nodes + k];
  }
  return out;
}
