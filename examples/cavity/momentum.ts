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
 */

import type { Domain } from './domain.ts';

/** One velocity component: its field, its increment and the coefficients of the step. */
export interface Component {
  readonly field: Float64Array;
  readonly delta: Float64Array;
  readonly right: Float64Array;
  readonly west: Float64Array;
  readonly east: Float64Array;
  readonly south: Float64Array;
  readonly north: Float64Array;
  readonly inverse: Float64Array;
}

/** Return a component over the arrays of its values and its increment. */
export function createComponent(domain: Domain, field: Float64Array, delta: Float64Array): Component {
  const make = (): Float64Array => new Float64Array((domain.nx + 2) * (domain.ny + 2));
  return {
    field,
    delta,
    right: make(),
    west: make(),
    east: make(),
    south: make(),
    north: make(),
    inverse: make(),
  };
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
  const { field, right, west, east, south, north, inverse } = u;
  const across = v.field;
  const perH = 1 / h;
  const diffusion = nu / (h * h);
  for (let j = 0; j < ny; j += 1) {
    const isSouth = y0 + j === 0;
    const isNorth = y0 + j === cells - 1;
    const row = (j + 1) * stride + 1;
    for (let k = row; k < row + nx; k += 1) {
      const centre = field[k];
      const uEast = 0.5 * (centre + field[k + 1]);
      const uWest = 0.5 * (field[k - 1] + centre);
      const vNorth = 0.5 * (across[k - 1 + stride] + across[k + stride]);
      const vSouth = 0.5 * (across[k - 1] + across[k]);
      const uNorth = 0.5 * (centre + field[k + stride]);
      const uSouth = 0.5 * (field[k - stride] + centre);
      const spread = field[k + 1] + field[k - 1] + field[k + stride] + field[k - stride] - 4 * centre;
      right[k] =
        diffusion * spread - perH * (uEast * uEast - uWest * uWest + vNorth * uNorth - vSouth * uSouth + (p[k] - p[k - 1]));
      const aWest = diffusion + perH * Math.max(uWest, 0);
      const aEast = diffusion + perH * Math.max(-uEast, 0);
      const aSouth = isSouth ? 0 : diffusion + perH * Math.max(vSouth, 0);
      const aNorth = isNorth ? 0 : diffusion + perH * Math.max(-vNorth, 0);
      // A wall half a cell away holds δ = 0 by a ring value of −δ: twice the coefficient, on the diagonal only.
      const walls = (isSouth ? 2 * diffusion : 0) + (isNorth ? 2 * diffusion : 0);
      west[k] = aWest;
      east[k] = aEast;
      south[k] = aSouth;
      north[k] = aNorth;
      inverse[k] = 1 / (rate + aWest + aEast + aSouth + aNorth + walls);
    }
    if (x0 === 0) inverse[row] = 0;
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
  const { field, right, west, east, south, north, inverse } = v;
  const across = u.field;
  const perH = 1 / h;
  const diffusion = nu / (h * h);
  for (let j = 0; j < ny; j += 1) {
    const row = (j + 1) * stride + 1;
    for (let i = 0; i < nx; i += 1) {
      const k = row + i;
      const isWest = x0 + i === 0;
      const isEast = x0 + i === cells - 1;
      const centre = field[k];
      const vNorth = 0.5 * (centre + field[k + stride]);
      const vSouth = 0.5 * (field[k - stride] + centre);
      const uEast = 0.5 * (across[k + 1 - stride] + across[k + 1]);
      const uWest = 0.5 * (across[k - stride] + across[k]);
      const vEast = 0.5 * (centre + field[k + 1]);
      const vWest = 0.5 * (field[k - 1] + centre);
      const spread = field[k + 1] + field[k - 1] + field[k + stride] + field[k - stride] - 4 * centre;
      right[k] =
        diffusion * spread - perH * (uEast * vEast - uWest * vWest + vNorth * vNorth - vSouth * vSouth + (p[k] - p[k - stride]));
      const aWest = isWest ? 0 : diffusion + perH * Math.max(uWest, 0);
      const aEast = isEast ? 0 : diffusion + perH * Math.max(-uEast, 0);
      const aSouth = diffusion + perH * Math.max(vSouth, 0);
      const aNorth = diffusion + perH * Math.max(-vNorth, 0);
      const walls = (isWest ? 2 * diffusion : 0) + (isEast ? 2 * diffusion : 0);
      west[k] = aWest;
      east[k] = aEast;
      south[k] = aSouth;
      north[k] = aNorth;
      inverse[k] = y0 + j === 0 ? 0 : 1 / (rate + aWest + aEast + aSouth + aNorth + walls);
    }
  }
}

/** Relax δ on the red (0) or black (1) faces, over-relaxed by `omega`. */
export function relaxDelta(domain: Domain, component: Component, colour: number, omega: number): void {
  const { nx, ny } = domain;
  const stride = nx + 2;
  const parity = colour + domain.x0 + domain.y0;
  const { delta, right, west, east, south, north, inverse } = component;
  for (let j = 0; j < ny; j += 1) {
    const row = (j + 1) * stride + 1;
    for (let k = row + ((parity + j) & 1); k < row + nx; k += 2) {
      const around =
        west[k] * delta[k - 1] + east[k] * delta[k + 1] + south[k] * delta[k - stride] + north[k] * delta[k + stride];
      delta[k] += omega * ((right[k] + around) * inverse[k] - delta[k]);
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
