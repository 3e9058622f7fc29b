/**
 * Kernels: the two halves of a stage, each over a range of elements. They sum nothing across elements and read only what the
 * other half wrote, so results have equal bits for any split into ranges, ranks and threads.
 *
 * Equations in vector-invariant form, with Φ = ½ v·v + g (h + b) and ζ the relative vorticity:
 *   J ∂h/∂t = −∂ᵢ(J h vⁱ),   ∂u₁/∂t = (ζ + f) J v² − ∂₁Φ,   ∂u₂/∂t = −(ζ + f) J v¹ − ∂₂Φ.
 * The first half takes derivatives inside each element by collocation. With the summation-by-parts matrix D the work of the
 * pressure, Φ · D(J h v) + (J h v) · DΦ, comes down to the element's sides, and the rotational term does none: no split of
 * products is needed for the balance of energy.
 * The second half joins the sides, writing [·] for outside less inside, {·} for the mean, m for J h v outward:
 *   m̂ = {m} − [Φ] ℓ h/2c,   Φ̂ = {Φ} − [m] c/2hℓ,   c² = g {h}, ℓ the edge's length,
 * an upwind flux of gravity waves that turns energy into heat as −([Φ]² h ℓ/2c + [m]² c/2hℓ); the vorticity takes the mean
 * tangential wind, and the jump of the tangential momentum decays with the wind across the side, |{m}|/2h².
 * Layout: state, before and rate hold per element h, u₁, u₂; geometry per element g¹¹, g¹², g²², J, fJ, gb, 1/J; rims per
 * side ℓ and g¹² over the metric's diagonal across; a trace per side h, m, Φ, the tangential u. Blocks are of all nodes of
 * the element or side.
 * See: Ricardo, Lee and Duru, Conservation and stability in a discontinuous Galerkin method for the vector invariant
 * spherical shallow water equations (2023), arXiv 2303.17120.
 */

import { SIDES } from './mesh.ts';
import { GRAVITY } from './sphere.ts';

/** Blocks of an element in state, before and rate, and in geometry; of a side in rims, and in traces. */
export const FIELDS = 3;
export const GEOMETRY = 7;
export const RIMS = 2;
export const TRACES = 4;
const PER_GRAVITY = 1 / GRAVITY;
/** Most nodes of an element. */
const MOST_NODES = 64;

/** Contravariant mass flux times J, and Φ, of the element at hand. */
const flux1 = new Float64Array(MOST_NODES);
const flux2 = new Float64Array(MOST_NODES);
const phi = new Float64Array(MOST_NODES);

/**
 * Write the rates of change inside the elements, and the sides' traces. `order` is p + 1; `derivative` the matrix per radian;
 * `traceOf` where each side's trace lies.
 */
export function computeInside(
  from: number,
  to: number,
  order: number,
  derivative: Float64Array,
  geometry: Float64Array,
  traceOf: Int32Array,
  state: Float64Array,
  rate: Float64Array,
  traces: Float64Array,
): void {
  const nodes = order * order;
  for (let element = from; element < to; element += 1) {
    const h = element * FIELDS * nodes;
    const u1 = h + nodes;
    const u2 = u1 + nodes;
    const g = element * GEOMETRY * nodes;
    for (let k = 0; k < nodes; k += 1) {
      const a = state[u1 + k];
      const b = state[u2 + k];
      const v1 = geometry[g + k] * a + geometry[g + nodes + k] * b;
      const v2 = geometry[g + nodes + k] * a + geometry[g + 2 * nodes + k] * b;
      const depth = state[h + k];
      const mass = geometry[g + 3 * nodes + k] * depth;
      flux1[k] = mass * v1;
      flux2[k] = mass * v2;
      phi[k] = 0.5 * (a * v1 + b * v2) + GRAVITY * depth + geometry[g + 5 * nodes + k];
    }
    for (let j = 0; j < order; j += 1) {
      const row = j * order;
      for (let i = 0; i < order; i += 1) {
        let divergence = 0;
        let slope1 = 0;
        let slope2 = 0;
        let curl = 0;
        for (let m = 0; m < order; m += 1) {
          const d1 = derivative[i * order + m];
          const d2 = derivative[row + m];
          const east = row + m;
          const north = m * order + i;
          divergence += d1 * flux1[east] + d2 * flux2[north];
          slope1 += d1 * phi[east];
          slope2 += d2 * phi[north];
          curl += d1 * state[u2 + east] - d2 * state[u1 + north];
        }
        const k = row + i;
        const perArea = geometry[g + 6 * nodes + k];
        // (ζ + f) J over J h, since the fluxes hold the winds times J h.
        const spin = ((curl + geometry[g + 4 * nodes + k]) * perArea) / state[h + k];
        rate[h + k] = -divergence * perArea;
        rate[u1 + k] = spin * flux2[k] - slope1;
        rate[u2 + k] = -spin * flux1[k] - slope2;
      }
    }
    for (let side = 0; side < SIDES; side += 1) {
      const first = side === 1 ? order - 1 : side === 3 ? nodes - order : 0;
      const stride = side < 2 ? order : 1;
      const sign = side % 2 === 0 ? -1 : 1;
      const flux = side < 2 ? flux1 : flux2;
      const along = side < 2 ? u2 : u1;
      let to = traceOf[SIDES * element + side] * TRACES * order;
      for (let k = first, end = first + stride * order; k < end; k += stride, to += 1) {
        traces[to] = state[h + k];
        traces[to + order] = sign * flux[k];
        traces[to + 2 * order] = phi[k];
        traces[to + 3 * order] = state[along + k];
      }
    }
  }
}

/**
 * Join the sides to their neighbours and take the stage:
 * state = before + share · (state + dt · rate − before). With a share of 1, `before` is set to the state first. The form loses
 * no mass to rounding: keep · before + share · … with keep + share = 1 drifts by some 1e-17 a step, always to one side.
 * `lift` is 1 over the weight of an element's outermost node, per radian.
 */
export function finishStage(
  from: number,
  to: number,
  order: number,
  lift: number,
  dt: number,
  share: number,
  geometry: Float64Array,
  rims: Float64Array,
  traceOf: Int32Array,
  outsideOf: Int32Array,
  reversed: Uint8Array,
  state: Float64Array,
  before: Float64Array,
  rate: Float64Array,
  traces: Float64Array,
): void {
  const nodes = order * order;
  for (let element = from; element < to; element += 1) {
    const h = element * FIELDS * nodes;
    const g = element * GEOMETRY * nodes;
    for (let side = 0; side < SIDES; side += 1) {
      const slot = SIDES * element + side;
      const first = side === 1 ? order - 1 : side === 3 ? nodes - order : 0;
      const stride = side < 2 ? order : 1;
      const sign = side % 2 === 0 ? -1 : 1;
      const isNormal1 = side < 2;
      // Covariant components across and along the side.
      const across = h + (isNormal1 ? nodes : 2 * nodes);
      const along = h + (isNormal1 ? 2 * nodes : nodes);
      const rim = slot * RIMS * order;
      const mine = traceOf[slot] * TRACES * order;
      const turn = reversed[slot] === 1;
      const theirs = outsideOf[slot] * TRACES * order + (turn ? order - 1 : 0);
      const step = turn ? -1 : 1;
      for (let n = 0; n < order; n += 1) {
        const inner = mine + n;
        const outer = theirs + step * n;
        const k = first + stride * n;
        const hIn = traces[inner];
        const hOut = traces[outer];
        const mIn = traces[inner + order];
        const mOut = -traces[outer + order];
        const phiIn = traces[inner + 2 * order];
        const phiOut = traces[outer + 2 * order];
        const tIn = traces[inner + 3 * order];
        const tOut = step * traces[outer + 3 * order];
        const depth = 0.5 * (hIn + hOut);
        // ℓ h/c = ℓ c/g.
        const conductance = rims[rim + n] * Math.sqrt(GRAVITY * depth) * PER_GRAVITY;
        const massJump = 0.5 * (mOut - mIn - (phiOut - phiIn) * conductance);
        const phiJump = 0.5 * (phiOut - phiIn - (mOut - mIn) / conductance);
        const perArea = lift * geometry[g + 6 * nodes + k];
        rate[h + k] -= perArea * massJump;
        // The curl's jump turns with the wind: (ζ J) v² and −(ζ J) v¹, the contravariant winds of the inner side.
        const a = state[h + nodes + k];
        const b = state[h + 2 * nodes + k];
        const v1 = geometry[g + k] * a + geometry[g + nodes + k] * b;
        const v2 = geometry[g + nodes + k] * a + geometry[g + 2 * nodes + k] * b;
        const curl = 0.5 * sign * (isNormal1 ? lift : -lift) * (tOut - tIn);
        rate[h + nodes + k] += curl * v2;
        rate[h + 2 * nodes + k] -= curl * v1;
        const drag = (0.25 * perArea * Math.abs(mIn + mOut) * (hOut * tOut - hIn * tIn)) / (depth * depth);
        rate[along + k] += drag;
        rate[across + k] -= sign * lift * phiJump + drag * rims[rim + order + n];
      }
    }
    const end = h + FIELDS * nodes;
    if (share === 1) {
      for (let k = h; k < end; k += 1) {
        before[k] = state[k];
        state[k] += dt * rate[k];
      }
    } else {
      for (let k = h; k < end; k += 1) state[k] = before[k] + share * (state[k] - before[k] + dt * rate[k]);
    }
  }
}
