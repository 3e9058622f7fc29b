/**
 * Lines: the velocity along the two centre lines, interpolation on them, and their extrema.
 *
 * u on x = 0.5 lies on faces of the staggered grid (their number is even), at the heights of cell centres; the walls' values
 * are known. v on y = 0.5 likewise. Nothing is averaged before it is compared.
 */

import type { Field } from './field.ts';

export interface Line {
  /** As in the reference table. */
  readonly name: string;
  readonly positions: Float64Array;
  readonly values: Float64Array;
}

export interface Extremum {
  readonly value: number;
  readonly position: number;
}
export interface Extrema {
  readonly uMin: Extremum;
  readonly vMax: Extremum;
  readonly vMin: Extremum;
}

/** Points of the polynomial through an extremum: its error is far below that of the flow. */
const EXTREMUM_POINTS = 6;
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const GOLDEN_STEPS = 60;

/** Return the two centre lines, from wall to wall. */
export function readLines(field: Field): [u: Line, v: Line] {
  const { cells, u, v } = field;
  const positions = Float64Array.from({ length: cells + 2 }, (_, k) => Math.min(1, Math.max(0, (k - 0.5) / cells)));
  const across = new Float64Array(cells + 2);
  const along = new Float64Array(cells + 2);
  for (let k = 0; k < cells; k += 1) {
    across[k + 1] = u[k * (cells + 1) + cells / 2];
    along[k + 1] = v[(cells / 2) * cells + k];
  }
  across[cells + 1] = 1;
  return [
    { name: 'u_at_x_0.5', positions, values: across },
    { name: 'v_at_y_0.5', positions, values: along },
  ];
}

export function findExtrema([u, v]: readonly [Line, Line]): Extrema {
  return { uMin: findExtremum(u, -1), vMax: findExtremum(v, 1), vMin: findExtremum(v, -1) };
}

/** Return the value at x by the polynomial through the `points` nearest points. */
export function interpolate({ positions, values }: Line, x: number, points: number): number {
  let right = positions.findIndex((position) => position > x);
  if (right < 0) right = positions.length;
  const first = Math.min(Math.max(right - points / 2, 0), positions.length - points);
  let sum = 0;
  for (let k = first; k < first + points; k += 1) {
    let weight = 1;
    for (let m = first; m < first + points; m += 1) {
      if (m !== k) weight *= (x - positions[m]) / (positions[k] - positions[m]);
    }
    sum += weight * values[k];
  }
  return sum;
}

/** Return the largest (sign 1) or smallest (sign −1) value between the points around the grid's own extremum. */
function findExtremum(line: Line, sign: number): Extremum {
  const { positions, values } = line;
  let best = 1;
  for (let k = 1; k < values.length - 1; k += 1) if (sign * values[k] > sign * values[best]) best = k;
  // One polynomial for the whole search: the points around `best`.
  const height = (x: number): number => sign * interpolateAround(line, best, x);
  let [from, to] = [positions[best - 1], positions[best + 1]];
  for (let step = 0; step < GOLDEN_STEPS; step += 1) {
    const left = to - GOLDEN * (to - from);
    const right = from + GOLDEN * (to - from);
    if (height(left) > height(right)) to = right;
    else from = left;
  }
  const position = 0.5 * (from + to);
  return { value: interpolateAround(line, best, position), position };
}

function interpolateAround({ name, positions, values }: Line, centre: number, x: number): number {
  const first = Math.min(Math.max(centre - EXTREMUM_POINTS / 2, 0), positions.length - EXTREMUM_POINTS);
  const part = { name, positions: positions.subarray(first, first + EXTREMUM_POINTS), values: values.subarray(first) };
  return interpolate(part, x, EXTREMUM_POINTS);
}
