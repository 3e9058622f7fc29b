/**
 * Momentum: the equations of u and v on one rank's block of the staggered grid.
 *
 * u lies on the west face of each cell, v on the south face; a block owns those faces of its cells, and the ring holds the
 * neighbours' or the wall's. Space: central differences in conservation form, second order.
 * Time: an implicit step for the increment δ = u* − uⁿ,
 *   (1/Δt + upwind convection − ν∇²) δ = −∇·(u u) + ν∇²u − ∇p   at time n.
 * The right-hand side vanishes in the steady state, so the left-hand side (first order, but diagonally dominant at every
 * Δt) decides only how the flow gets there.
 * The unknowns are relaxed red and black by global index, like the pressure. A face that lies in a wall has the inverse
 * diagonal 0 and so keeps its δ of 0; the kernels need no other case.
 * The coefficients of a component are sections of one array: V8 examines every array of a loop anew for each cell, and with
 * an array for each coefficient that took a quarter of the time.
 */

import type { Domain } from './domain.ts';

/** One velocity component: its field, its increment and the coefficients of the step. */
export interface Component {
  readonly field: Float64Array;
  readonly delta: Float64Array;
  /** Sections of a field's length: west, east, south, north, the right-hand side, the inverse diagonal. */
  readonly coefficients: Float64Array;
}

const SECTIONS = 6;

/** Return a component over the arrays of its values and its increment. */
export function createComponent(domain: Domain, field: Float64Array, delta: Float64Array): Component {
  return { field, delta, coefficients: new Float64Array(SECTIONS * (domain.nx + 2) * (domain.ny + 2)) };
}

/** Return where the sections begin, west at 0. */
function layOutSections({ nx, ny }: Domain): { east: number; south: number; north: number; right: number; inverse: number } {
  const length = (nx + 2) * (ny + 2);
  return { east: length, south: 2 * length, north: 3 * length, right: 4 * length, inverse: 5 * length };
}

/** Assemble the step of u. `rate` is 1/Δt, `h` the cell's side, `nu` the viscosity; rings are filled. */
export function assembleU(
  domain: Domain,
  u: Component,
  v: Component,
  p: Float64Array,
  h: number,
  nu: number,
  rate: number,
): void {
  const { cells, x0, y0, nx, ny } = domain;
  const stride = nx + 2;
  const { east, south, north, right, inverse } = layOutSections(domain);
  const { field, coefficients } = u;
  const across = v.field;
  const perH = 1 / h;
  const diffusion = nu / (h * h);
  for (let j = 0; j < ny; j += 1) {
    const isSouth = y0 + j === 0;
    const isNorth = y0 + j === cells - 1;
    const row = (j + 1) * stride + 1;
    let before = field[row - 1];
    let centre = field[row];
    let uWest = 0.5 * (before + centre);
    for (let k = row; k < row + nx; k += 1) {
      const after = field[k + 1];
      const uEast = 0.5 * (centre + after);
      const vNorth = 0.5 * (across[k - 1 + stride] + across[k + stride]);
      const vSouth = 0.5 * (across[k - 1] + across[k]);
      const above = field[k + stride];
      const below = field[k - stride];
      const uNorth = 0.5 * (centre + above);
      const uSouth = 0.5 * (below + centre);
      const spread = after + before + above + below - 4 * centre;
      coefficients[right + k] =
        diffusion * spread - perH * (uEast * uEast - uWest * uWest + vNorth * uNorth - vSouth * uSouth + (p[k] - p[k - 1]));
      const aWest = diffusion + perH * Math.max(uWest, 0);
      const aEast = diffusion + perH * Math.max(-uEast, 0);
      const aSouth = isSouth ? 0 : diffusion + perH * Math.max(vSouth, 0);
      const aNorth = isNorth ? 0 : diffusion + perH * Math.max(-vNorth, 0);
      // A wall half a cell away holds δ = 0 by a ring value of −δ: twice the coefficient, on the diagonal only.
      const walls = (isSouth ? 2 * diffusion : 0) + (isNorth ? 2 * diffusion : 0);
      coefficients[k] = aWest;
      coefficients[east + k] = aEast;
      coefficients[south + k] = aSouth;
      coefficients[north + k] = aNorth;
      coefficients[inverse + k] = 1 / (rate + aWest + aEast + aSouth + aNorth + walls);
      // What lies between two cells serves both.
      before = centre;
      centre = after;
      uWest = uEast;
    }
    if (x0 === 0) coefficients[inverse + row] = 0;
  }
}

/** Assemble the step of v: as for u, with the axes exchanged. */
export function assembleV(
  domain: Domain,
  u: Component,
  v: Component,
  p: Float64Array,
  h: number,
  nu: number,
  rate: number,
): void {
  const { cells, x0, y0, nx, ny } = domain;
  const stride = nx + 2;
  const { east, south, north, right, inverse } = layOutSections(domain);
  const { field, coefficients } = v;
  const across = u.field;
  const perH = 1 / h;
  const diffusion = nu / (h * h);
  for (let j = 0; j < ny; j += 1) {
    const row = (j + 1) * stride + 1;
    let before = field[row - 1];
    let centre = field[row];
    let vWest = 0.5 * (before + centre);
    let uWest = 0.5 * (across[row - stride] + across[row]);
    for (let i = 0; i < nx; i += 1) {
      const k = row + i;
      const isWest = x0 + i === 0;
      const isEast = x0 + i === cells - 1;
      const after = field[k + 1];
      const above = field[k + stride];
      const below = field[k - stride];
      const vNorth = 0.5 * (centre + above);
      const vSouth = 0.5 * (below + centre);
      const uEast = 0.5 * (across[k + 1 - stride] + across[k + 1]);
      const vEast = 0.5 * (centre + after);
      const spread = after + before + above + below - 4 * centre;
      coefficients[right + k] =
        diffusion * spread - perH * (uEast * vEast - uWest * vWest + vNorth * vNorth - vSouth * vSouth + (p[k] - p[k - stride]));
      const aWest = isWest ? 0 : diffusion + perH * Math.max(uWest, 0);
      const aEast = isEast ? 0 : diffusion + perH * Math.max(-uEast, 0);
      const aSouth = diffusion + perH * Math.max(vSouth, 0);
      const aNorth = diffusion + perH * Math.max(-vNorth, 0);
      const walls = (isWest ? 2 * diffusion : 0) + (isEast ? 2 * diffusion : 0);
      coefficients[k] = aWest;
      coefficients[east + k] = aEast;
      coefficients[south + k] = aSouth;
      coefficients[north + k] = aNorth;
      coefficients[inverse + k] = y0 + j === 0 ? 0 : 1 / (rate + aWest + aEast + aSouth + aNorth + walls);
      before = centre;
      centre = after;
      uWest = uEast;
      vWest = vEast;
    }
  }
}

/** Relax δ on the red (0) or black (1) faces, over-relaxed by `omega`. */
export function relaxDelta(domain: Domain, component: Component, colour: number, omega: number): void {
  const { nx, ny } = domain;
  const stride = nx + 2;
  const parity = colour + domain.x0 + domain.y0;
  const { east, south, north, right, inverse } = layOutSections(domain);
  const { delta, coefficients } = component;
  for (let j = 0; j < ny; j += 1) {
    const row = (j + 1) * stride + 1;
    for (let k = row + ((parity + j) & 1); k < row + nx; k += 2) {
      const around =
        coefficients[k] * delta[k - 1] +
        coefficients[east + k] * delta[k + 1] +
        coefficients[south + k] * delta[k - stride] +
        coefficients[north + k] * delta[k + stride];
      delta[k] += omega * ((coefficients[right + k] + around) * coefficients[inverse + k] - delta[k]);
    }
  }
}

/** Fill the ring at walls: no slip, and the lid at y = 1 moves with u = 1. */
export function applyWalls(domain: Domain, u: Float64Array, v: Float64Array): void {
  const { cells, x0, y0, nx, ny } = domain;
  const stride = nx + 2;
  const top = (ny + 1) * stride;
  if (y0 === 0) for (let i = 0; i < stride; i += 1) u[i] = -u[i + stride];
  if (y0 + ny === cells) for (let i = 0; i < stride; i += 1) u[top + i] = 2 - u[top + i - stride];
  for (let k = stride; k < top; k += stride) {
    if (x0 === 0) v[k] = -v[k + 1];
    if (x0 + nx === cells) v[k + nx + 1] = -v[k + nx];
  }
}
