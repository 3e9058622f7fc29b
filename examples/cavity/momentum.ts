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
import { addressOf, type FieldMemory } from './kernels.ts';

/** One velocity component: its field, its increment and the coefficients of the step. */
export interface Component {
  readonly field: Float64Array;
  readonly delta: Float64Array;
  /** Sections of a field's length: west, east, south, north, the right-hand side, the inverse diagonal. */
  readonly coefficients: Float64Array;
}

const SECTIONS = 6;
const INVERSE = 5;

/** Return a component over the arrays of its values and its increment. */
export function createComponent(memory: FieldMemory, domain: Domain, field: Float64Array, delta: Float64Array): Component {
  return { field, delta, coefficients: memory.allocate(SECTIONS * (domain.nx + 2) * (domain.ny + 2)) };
}

/** What a step's equations are made of: 1/Δt, the cell's side, the viscosity. */
export interface StepTerms {
  readonly rate: number;
  readonly h: number;
  readonly nu: number;
}

/** Assemble the step of u; rings are filled. */
export function assembleU(
  memory: FieldMemory,
  domain: Domain,
  u: Component,
  v: Component,
  p: Float64Array,
  terms: StepTerms,
): void {
  const stride = 8 * (domain.nx + 2);
  const across = addressOf(v.field, domain);
  const own = addressOf(u.field, domain);
  const { south, north } = wallsOf(domain);
  // Through the east side of a face's cell u carries itself, through the north side the two v at its ends carry it.
  const carriers = [own, own + 8, across + stride - 8, across + stride] as const;
  assemble(memory, domain, u, carriers, p, 8, [0, 0, south, north], terms);
  if (domain.x0 === 0) for (let j = 0; j < domain.ny; j += 1) clearInverse(domain, u, 0, j);
}

/** Assemble the step of v: as for u, with the axes exchanged. */
export function assembleV(
  memory: FieldMemory,
  domain: Domain,
  u: Component,
  v: Component,
  p: Float64Array,
  terms: StepTerms,
): void {
  const stride = 8 * (domain.nx + 2);
  const across = addressOf(u.field, domain);
  const own = addressOf(v.field, domain);
  const { west, east } = wallsOf(domain);
  const carriers = [across + 8 - stride, across + 8, own, own + stride] as const;
  assemble(memory, domain, v, carriers, p, stride, [west, east, 0, 0], terms);
  if (domain.y0 === 0) for (let i = 0; i < domain.nx; i += 1) clearInverse(domain, v, i, 0);
}

function assemble(
  { kernels }: FieldMemory,
  domain: Domain,
  { field, coefficients }: Component,
  carriers: readonly [number, number, number, number],
  p: Float64Array,
  back: number,
  walls: readonly [number, number, number, number],
  { rate, h, nu }: StepTerms,
): void {
  const { nx, ny } = domain;
  const shape = [8 * (nx + 2), nx, ny] as const;
  const to = [addressOf(coefficients, domain), sectionOf(coefficients)] as const;
  const fields = [addressOf(field, domain), ...carriers, addressOf(p, domain), back] as const;
  kernels.assemble(...fields, ...to, ...shape, ...walls, nu / (h * h), 1 / h, rate);
}

/** Bytes from one section of the coefficients to the next. */
function sectionOf(coefficients: Float64Array): number {
  return (8 * coefficients.length) / SECTIONS;
}

/** A face in a wall keeps its δ. */
function clearInverse({ nx }: Domain, { coefficients }: Component, i: number, j: number): void {
  coefficients[(coefficients.length / SECTIONS) * INVERSE + (j + 1) * (nx + 2) + i + 1] = 0;
}

/** 1 for each side of the block that is a wall, else 0. */
function wallsOf({ cells, x0, y0, nx, ny }: Domain): { west: number; east: number; south: number; north: number } {
  const [west, east] = [x0 === 0, x0 + nx === cells].map(Number);
  const [south, north] = [y0 === 0, y0 + ny === cells].map(Number);
  return { west, east, south, north };
}

/** Relax δ on the red (0) or black (1) faces, over-relaxed by `omega`. */
export function relaxDelta({ kernels }: FieldMemory, domain: Domain, component: Component, colour: number, omega: number): void {
  const { x0, y0, nx, ny } = domain;
  const { delta, coefficients } = component;
  const shape = [8 * (nx + 2), nx, ny] as const;
  const fields = [addressOf(delta, domain), addressOf(coefficients, domain), sectionOf(coefficients)] as const;
  kernels.relaxDelta(...fields, ...shape, (colour + x0 + y0) & 1, omega);
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
