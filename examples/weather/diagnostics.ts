/**
 * Diagnostics: integrals over the sphere, and what has changed since the start.
 *
 * Every element is summed by the rank that has it; rank 0 adds the elements' sums in the order of their numbers, compensated
 * (Neumaier 1974). So the figures have equal bits on any number of ranks, and mass is known to the last of them.
 */

import { FIELDS, GEOMETRY } from './kernels.ts';
import type { Model } from './model.ts';
import { GRAVITY } from './sphere.ts';

export interface Integrals {
  /** Volume of the fluid, m³. */
  readonly mass: number;
  /** ½ h v² + ½ g h² + g h b, integrated: m⁵ s⁻². */
  readonly energy: number;
  /** Mean height of the free surface and mean depth, m. */
  readonly meanSurface: number;
  readonly meanDepth: number;
  /** What h has changed since the start, over its size then: l1, l2, l∞ of Williamson et al., equations 82 to 84. */
  readonly change: { readonly l1: number; readonly l2: number; readonly lInfinity: number };
}

/** An element's sums: area, mass, energy, volume below the surface; |·| and ·² of what h has changed; |·|, ·² of h at first. */
const SUMS = 8;
/** Before them the element's number, behind them the largest change and the largest h at first. */
const COLUMNS = SUMS + 3;

/** Return the integrals on rank 0, undefined elsewhere. Collective. */
export function integrate(model: Model): Integrals | undefined {
  const parts = model.comm.gatherv(sumElements(model)).wait();
  if (parts === undefined) return undefined;
  const rows: Float64Array[] = [];
  for (let at = 0; at < parts.data.length; at += COLUMNS) rows[parts.data[at]] = parts.data.subarray(at + 1, at + COLUMNS);
  const sums = new Float64Array(SUMS);
  const lost = new Float64Array(SUMS);
  let [change, size] = [0, 0];
  for (const row of rows) {
    for (let k = 0; k < SUMS; k += 1) {
      const sum = sums[k] + row[k];
      lost[k] += Math.abs(sums[k]) >= Math.abs(row[k]) ? sums[k] - sum + row[k] : row[k] - sum + sums[k];
      sums[k] = sum;
    }
    change = Math.max(change, row[SUMS]);
    size = Math.max(size, row[SUMS + 1]);
  }
  const [area, mass, energy, surface, d1, d2, s1, s2] = sums.map((sum, k) => sum + lost[k]);
  return {
    mass,
    energy,
    meanSurface: surface / area,
    meanDepth: mass / area,
    change: { l1: d1 / s1, l2: Math.sqrt(d2 / s2), lInfinity: change / size },
  };
}

/** Return a row of COLUMNS for each element of this rank. */
function sumElements({ block, state, initial }: Model): Float64Array {
  const { order, elements, areas, geometry } = block;
  const nodes = order * order;
  const rows = new Float64Array(COLUMNS * elements.length);
  for (let local = 0; local < elements.length; local += 1) {
    const row = rows.subarray(COLUMNS * local, COLUMNS * (local + 1));
    row[0] = elements[local];
    for (let k = 0; k < nodes; k += 1) {
      const at = FIELDS * local * nodes + k;
      const [h, u1, u2] = [state[at], state[at + nodes], state[at + 2 * nodes]];
      const g = GEOMETRY * local * nodes + k;
      const speed2 = geometry[g] * u1 * u1 + 2 * geometry[g + nodes] * u1 * u2 + geometry[g + 2 * nodes] * u2 * u2;
      const ground = geometry[g + 5 * nodes];
      const area = areas[local * nodes + k];
      const change = Math.abs(h - initial[at]);
      row[1] += area;
      row[2] += area * h;
      row[3] += area * h * (0.5 * speed2 + 0.5 * GRAVITY * h + ground);
      row[4] += area * (h + ground / GRAVITY);
      row[5] += area * change;
      row[6] += area * change * change;
      row[7] += area * initial[at];
      row[8] += area * initial[at] * initial[at];
      row[9] = Math.max(row[9], change);
      row[10] = Math.max(row[10], initial[at]);
    }
  }
  return rows;
}
