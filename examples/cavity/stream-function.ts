/**
 * Stream function and the vortices found in it.
 *
 * ψ lies on the corners of the cells, u = ∂ψ/∂y, and is 0 on the walls. Summed from the floor upwards it is exact for a
 * velocity without divergence. The lid moves to the right, so the primary vortex has the least ψ, those in the corners
 * below have the opposite sign.
 */

import type { Field } from './field.ts';

export interface Vortex {
  readonly x: number;
  readonly y: number;
  readonly streamFunction: number;
}
export interface Vortices {
  readonly primary: Vortex;
  /** Undefined where the grid is too coarse to hold one. */
  readonly bottomRight: Vortex | undefined;
  readonly bottomLeft: Vortex | undefined;
}

/** Return ψ on the (cells + 1)² corners, by rows from the floor. */
export function computeStreamFunction({ cells, u }: Field): Float64Array {
  const stride = cells + 1;
  const psi = new Float64Array(stride * stride);
  for (let j = 0; j < cells; j += 1) {
    for (let i = 0; i < stride; i += 1) psi[(j + 1) * stride + i] = psi[j * stride + i] + u[j * stride + i] / cells;
  }
  return psi;
}

export function findVortices(psi: Float64Array, cells: number): Vortices {
  const half = cells / 2;
  return {
    primary: findVortex(psi, cells, -1, [1, cells], [1, cells])!,
    bottomRight: findVortex(psi, cells, 1, [half, cells], [1, half]),
    bottomLeft: findVortex(psi, cells, 1, [1, half], [1, half]),
  };
}

/** Return the extremum of ψ·sign in a window, refined by a parabola along each axis; undefined if ψ·sign is not above 0. */
function findVortex(
  psi: Float64Array,
  cells: number,
  sign: number,
  [fromX, toX]: readonly [number, number],
  [fromY, toY]: readonly [number, number],
): Vortex | undefined {
  const stride = cells + 1;
  let best = 0;
  let at = 0;
  for (let j = fromY; j < toY; j += 1) {
    for (let i = fromX; i < toX; i += 1) {
      const value = sign * psi[j * stride + i];
      if (value > best) {
        best = value;
        at = j * stride + i;
      }
    }
  }
  if (at === 0) return undefined;
  const x = findPeak(psi[at - 1], psi[at], psi[at + 1]);
  const y = findPeak(psi[at - stride], psi[at], psi[at + stride]);
  return {
    x: ((at % stride) + x.offset) / cells,
    y: (Math.floor(at / stride) + y.offset) / cells,
    streamFunction: psi[at] + x.rise + y.rise,
  };
}

/** Return where the parabola through three values has its peak, in steps from the middle, and how far above the middle. */
function findPeak(before: number, middle: number, after: number): { offset: number; rise: number } {
  const slope = 0.5 * (after - before);
  const bend = before - 2 * middle + after;
  if (bend === 0) return { offset: 0, rise: 0 };
  const offset = Math.min(0.5, Math.max(-0.5, -slope / bend));
  return { offset, rise: slope * offset + 0.5 * bend * offset * offset };
}
