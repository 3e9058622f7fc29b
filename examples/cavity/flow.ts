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
import { addressOf, FieldMemory } from './kernels.ts';
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
  readonly #memory: FieldMemory;
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
    const memory = new FieldMemory();
    this.#memory = memory;
    const values = createFields(memory, nx, ny, 3);
    const deltas = createFields(memory, nx, ny, 2);
    this.u = createComponent(memory, domain, values.fields[0], deltas.fields[0]);
    this.v = createComponent(memory, domain, values.fields[1], deltas.fields[1]);
    this.p = values.fields[2];
    const diffusion = (this.#nu * this.dt) / (this.#h * this.#h);
    this.#omega = chooseOmega(diffusion);
    // Over-relaxation needs sweeps in proportion to the root of the diffusion number: fewer, and the first guess diverges.
    this.#sweeps = Math.max(MOMENTUM_SWEEPS, Math.ceil(1 + 0.8 * Math.sqrt(diffusion)));
    this.#fields = new Halo(comm, domain, nx, ny, values.all);
    this.#deltas = new Halo(comm, domain, nx, ny, deltas.all);
    this.#multigrid = new Multigrid(memory, comm, domain);
    applyWalls(domain, this.u.field, this.v.field);
  }

  /** Advance by one step; return max|∂u/∂t|·L/U² over all ranks. */
  step(): number {
    const { domain, u, v, p } = this;
    const { kernels } = this.#memory;
    const rate = 1 / this.dt;
    const terms = { rate, h: this.#h, nu: this.#nu };
    assembleU(this.#memory, domain, u, v, p, terms);
    assembleV(this.#memory, domain, u, v, p, terms);
    for (let sweep = 0; sweep < this.#sweeps; sweep += 1) {
      for (let colour = 0; colour < 2; colour += 1) {
        relaxDelta(this.#memory, domain, u, colour, this.#omega);
        relaxDelta(this.#memory, domain, v, colour, this.#omega);
        this.#deltas.exchange();
      }
    }
    for (const { field, delta } of [u, v]) kernels.add(field.byteOffset, delta.byteOffset, field.byteLength);
    this.#projectVelocity(PRESSURE_CYCLES);
    const { e } = this.#multigrid.finest;
    const changeOfU = kernels.largestChange(...ownFaces(domain, 'u', u.delta, e));
    const changeOfV = kernels.largestChange(...ownFaces(domain, 'v', v.delta, e));
    return this.#maximum(Math.max(changeOfU, changeOfV)) * rate;
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
    const { kernels } = this.#memory;
    const shape = [8 * (domain.nx + 2), domain.nx, domain.ny] as const;
    // The net outflow of each cell over h is the right-hand side of the pressure equation times h².
    kernels.divergence(addressOf(u.field, domain), addressOf(v.field, domain), addressOf(b, domain), ...shape);
    this.#multigrid.solve(cycles);
    kernels.subtractGradient(...ownFaces(domain, 'u', u.field, e));
    kernels.subtractGradient(...ownFaces(domain, 'v', v.field, e));
    // The rotational form: without its second term, pressure near walls settles more slowly the larger ν·Δt/h² is.
    const [scale, viscous] = [this.#h / this.dt, this.#nu / this.#h];
    kernels.addPressure(p.byteOffset, e.byteOffset, b.byteOffset, p.byteLength, scale, viscous);
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

/** What the kernels are told of the block's own faces but those in walls, for a component's field and e. */
function ownFaces(domain: Domain, component: 'u' | 'v', field: Float64Array, e: Float64Array) {
  const { nx, ny } = domain;
  const stride = 8 * (nx + 2);
  const [wallU, wallV] = component === 'u' ? [Number(domain.x0 === 0), 0] : [0, Number(domain.y0 === 0)];
  const skipped = 8 * wallU + stride * wallV;
  const back = component === 'u' ? 8 : stride;
  return [addressOf(field, domain) + skipped, addressOf(e, domain) + skipped, back, stride, nx - wallU, ny - wallV] as const;
}
