/**
 * Flow: the state of one rank's block and a step in time.
 *
 * A step: assemble the momentum equations at time n, relax the increment, then project: a pressure increment from the
 * multigrid makes the velocity free of divergence (incremental pressure correction, first order in time).
 * Units: the lid's speed and the cavity's side are 1, so that ν = 1/Re.
 * Limits: the transient is smeared by the implicit upwind step; only the steady state is second order.
 *
 * Cost: 2 exchanges a sweep for the momentum, the multigrid's, and 2 for the new velocity.
 */

import { type Communicator, MAX, region } from 'tsmpi';
import type { Domain } from './domain.ts';
import { createFields, Halo } from './halo.ts';
import { applyWalls, assembleU, assembleV, type Component, createComponent, relaxDelta } from './momentum.ts';
import { Multigrid } from './multigrid.ts';

/** Least sweeps over the momentum equations a step. The last step's increment is the first guess. */
const MOMENTUM_SWEEPS = 4;
/** Largest ν·Δt/h²: 1600 times what an explicit step bears, and beyond what any case near Re 1000 comes to. */
const MOST_DIFFUSION = 400;
/** V-cycles a step. */
const PRESSURE_CYCLES = 2;

export class Flow {
  readonly domain: Domain;
  readonly u: Component;
  readonly v: Component;
  readonly p: Float64Array;
  readonly dt: number;
  readonly #comm: Communicator;
  readonly #h: number;
  readonly #nu: number;
  readonly #omega: number;
  readonly #sweeps: number;
  readonly #fields: Halo;
  readonly #deltas: Halo;
  readonly #multigrid: Multigrid;

  /** Fluid at rest; the lid moves from the first step on. `cfl` is Δt·U/h. */
  constructor(comm: Communicator, domain: Domain, reynolds: number, cfl: number) {
    this.domain = domain;
    this.#comm = comm;
    this.#h = 1 / domain.cells;
    this.#nu = 1 / reynolds;
    this.dt = Math.min(cfl * this.#h, (MOST_DIFFUSION * this.#h * this.#h) / this.#nu);
    const { nx, ny } = domain;
    const values = createFields(nx, ny, 3);
    const deltas = createFields(nx, ny, 2);
    this.u = createComponent(domain, values.fields[0], deltas.fields[0]);
    this.v = createComponent(domain, values.fields[1], deltas.fields[1]);
    this.p = values.fields[2];
    const diffusion = (this.#nu * this.dt) / (this.#h * this.#h);
    this.#omega = chooseOmega(diffusion);
    // Over-relaxation needs sweeps in proportion to the root of the diffusion number: fewer, and the first guess diverges.
    this.#sweeps = Math.max(MOMENTUM_SWEEPS, Math.ceil(1 + 0.8 * Math.sqrt(diffusion)));
    this.#fields = new Halo(comm, domain, nx, ny, values.all);
    this.#deltas = new Halo(comm, domain, nx, ny, deltas.all);
    this.#multigrid = new Multigrid(comm, domain);
    applyWalls(domain, this.u.field, this.v.field);
  }

  /** Advance by one step; return max|∂u/∂t|·L/U² over all ranks. */
  step(): number {
    const { domain, u, v, p } = this;
    const rate = 1 / this.dt;
    assembleU(domain, u, v, p, this.#h, this.#nu, rate);
    assembleV(domain, u, v, p, this.#h, this.#nu, rate);
    for (let sweep = 0; sweep < this.#sweeps; sweep += 1) {
      for (let colour = 0; colour < 2; colour += 1) {
        relaxDelta(domain, u, colour, this.#omega);
        relaxDelta(domain, v, colour, this.#omega);
        this.#deltas.exchange();
      }
    }
    addTo(u.field, u.delta);
    addTo(v.field, v.delta);
    this.#projectVelocity(PRESSURE_CYCLES);
    return this.#maximum(largestChange(domain, u.delta, v.delta, this.#multigrid.finest.e)) * rate;
  }

  /** Project until max|∇·u|·h/U is at most `limit`, in `maxSolves` solves at most. Return the divergence reached. */
  removeDivergence(limit: number, maxSolves: number): number {
    let divergence = this.divergence();
    for (let solve = 0; solve < maxSolves && divergence > limit; solve += 1) {
      this.#projectVelocity(PRESSURE_CYCLES);
      divergence = this.divergence();
    }
    return divergence;
  }

  /** Return max|∇·u|·h/U over all ranks. */
  divergence(): number {
    const { nx, ny } = this.domain;
    const stride = nx + 2;
    const u = this.u.field;
    const v = this.v.field;
    let most = 0;
    for (let j = 0; j < ny; j += 1) {
      const row = (j + 1) * stride + 1;
      for (let k = row; k < row + nx; k += 1) most = Math.max(most, Math.abs(u[k + 1] - u[k] + (v[k + stride] - v[k])));
    }
    return this.#maximum(most);
  }

  #projectVelocity(cycles: number): void {
    const { domain, u, v, p } = this;
    const { e, b } = this.#multigrid.finest;
    writeDivergence(domain, u.field, v.field, b);
    this.#multigrid.solve(cycles);
    subtractGradient(domain, u.field, v.field, e);
    // The rotational form: without its second term, pressure near walls settles more slowly the larger ν·Δt/h² is.
    const scale = this.#h / this.dt;
    const viscous = this.#nu / this.#h;
    for (let k = 0; k < p.length; k += 1) p[k] += scale * e[k] - viscous * b[k];
    this.#fields.exchangeWithCorners();
    applyWalls(domain, u.field, v.field);
  }

  #maximum(mine: number): number {
    // What is not a number must not get lost in a maximum.
    const own = Number.isNaN(mine) ? Number.POSITIVE_INFINITY : mine;
    return region('reduction', () => this.#comm.allreduce(own, MAX).wait());
  }
}

/** Return the over-relaxation that is best for pure diffusion with the number `diffusion` = ν·Δt/h². */
function chooseOmega(diffusion: number): number {
  const jacobi = (4 * diffusion) / (1 + 4 * diffusion);
  return 2 / (1 + Math.sqrt(1 - jacobi * jacobi));
}

function addTo(field: Float64Array, delta: Float64Array): void {
  for (let k = 0; k < field.length; k += 1) field[k] += delta[k];
}

/** Write the net outflow of each cell over h: the right-hand side of the pressure equation times h². */
function writeDivergence(domain: Domain, u: Float64Array, v: Float64Array, out: Float64Array): void {
  const stride = domain.nx + 2;
  for (let j = 0; j < domain.ny; j += 1) {
    const row = (j + 1) * stride + 1;
    for (let k = row; k < row + domain.nx; k += 1) out[k] = u[k + 1] - u[k] + (v[k + stride] - v[k]);
  }
}

/** Subtract the gradient of e from the block's own faces, but those in walls. */
function subtractGradient(domain: Domain, u: Float64Array, v: Float64Array, e: Float64Array): void {
  const stride = domain.nx + 2;
  const firstU = domain.x0 === 0 ? 1 : 0;
  const firstV = domain.y0 === 0 ? 1 : 0;
  for (let j = 0; j < domain.ny; j += 1) {
    const row = (j + 1) * stride + 1;
    for (let k = row + firstU; k < row + domain.nx; k += 1) u[k] -= e[k] - e[k - 1];
    if (j < firstV) continue;
    for (let k = row; k < row + domain.nx; k += 1) v[k] -= e[k] - e[k - stride];
  }
}

/** Return the largest change of a velocity in this step: its increment less the gradient of e. */
function largestChange(domain: Domain, du: Float64Array, dv: Float64Array, e: Float64Array): number {
  const stride = domain.nx + 2;
  const firstU = domain.x0 === 0 ? 1 : 0;
  const firstV = domain.y0 === 0 ? 1 : 0;
  let most = 0;
  for (let j = 0; j < domain.ny; j += 1) {
    const row = (j + 1) * stride + 1;
    for (let k = row + firstU; k < row + domain.nx; k += 1) most = Math.max(most, Math.abs(du[k] - (e[k] - e[k - 1])));
    if (j < firstV) continue;
    for (let k = row; k < row + domain.nx; k += 1) most = Math.max(most, Math.abs(dv[k] - (e[k] - e[k - stride])));
  }
  return most;
}
