/**
 * The weather model's scheme, without a job: what its derivation promises of any state, smooth or not.
 */

import { describe, expect, test } from 'vitest';
import { type Block, createBlock, writeInitial } from '../../../examples/weather/block.ts';
import { type Case, createCase } from '../../../examples/weather/cases.ts';
import { layOutSides } from '../../../examples/weather/exchange.ts';
import { computeInside, FIELDS, finishStage, GEOMETRY, TRACES } from '../../../examples/weather/kernels.ts';
import { createMesh } from '../../../examples/weather/mesh.ts';
import { listElements, partitionMesh } from '../../../examples/weather/partition.ts';
import {
  createDerivative,
  createGaussRule,
  createInterpolation,
  createLobattoRule,
} from '../../../examples/weather/quadrature.ts';
import { EARTH_RADIUS, findPanel, GRAVITY, locatePoint } from '../../../examples/weather/sphere.ts';

const CELLS = 3;
const make = (length: number): Float64Array => new Float64Array(length);

/** All elements on one rank, and the rates of a state. */
function createScheme(flow: Case, degree: number) {
  const mesh = createMesh(CELLS);
  const owners = partitionMesh(mesh, 1);
  const { elements } = listElements(mesh, owners, 0);
  const block = createBlock(mesh, degree, flow, elements, make);
  const sides = layOutSides(mesh, owners, elements, 0);
  const length = FIELDS * block.order ** 2 * elements.length;
  const rates = (state: Float64Array): Float64Array => {
    const { order, derivative, geometry, rims, lift } = block;
    const rate = make(length);
    const traces = make(TRACES * order * sides.places);
    computeInside(0, elements.length, order, derivative, geometry, sides.traceOf, state, rate, traces);
    const stage = [order, lift, 0, 1, geometry, rims, sides.traceOf, sides.outsideOf, sides.reversed] as const;
    finishStage(0, elements.length, ...stage, state, make(length), rate, traces);
    return rate;
  };
  return { block, length, rates };
}

/** The change of mass and energy that a state's rates make, over the sum of its parts' sizes. */
function integrateRates({ order, elements, areas, geometry }: Block, state: Float64Array, rate: Float64Array) {
  const nodes = order * order;
  const sums = { mass: 0, massSize: 0, energy: 0, energySize: 0 };
  for (let local = 0; local < elements.length; local += 1) {
    for (let k = 0; k < nodes; k += 1) {
      const at = FIELDS * local * nodes + k;
      const g = GEOMETRY * local * nodes + k;
      const [h, u1, u2] = [state[at]!, state[at + nodes]!, state[at + 2 * nodes]!];
      const [g11, g12, g22] = [geometry[g]!, geometry[g + nodes]!, geometry[g + 2 * nodes]!];
      const [v1, v2] = [g11 * u1 + g12 * u2, g12 * u1 + g22 * u2];
      const phi = 0.5 * (u1 * v1 + u2 * v2) + GRAVITY * h + geometry[g + 5 * nodes]!;
      const area = areas[local * nodes + k]!;
      const parts = [phi * rate[at]!, h * v1 * rate[at + nodes]!, h * v2 * rate[at + 2 * nodes]!];
      sums.mass += area * rate[at]!;
      sums.massSize += area * Math.abs(rate[at]!);
      for (const part of parts) {
        sums.energy += area * part;
        sums.energySize += area * Math.abs(part);
      }
    }
  }
  return { mass: sums.mass / sums.massSize, energy: sums.energy / sums.energySize };
}

/** A generator of numbers from 0 to 1 with a seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe.each([2, 3, 4, 7])('degree %i', (degree) => {
  test('of a rough state over a mountain no mass is lost and energy only falls', () => {
    const { block, length, rates } = createScheme(createCase('5'), degree);
    const random = createRandom(degree);
    const nodes = (degree + 1) ** 2;
    const state = make(length).map((_, k) =>
      Math.floor(k / nodes) % FIELDS === 0 ? 1000 + 500 * random() : (random() - 0.5) * 100 * EARTH_RADIUS,
    );
    const { mass, energy } = integrateRates(block, state, rates(state));
    expect(Math.abs(mass)).toBeLessThan(1e-13);
    expect(energy).toBeLessThan(-1e-3);
  });

  test('of a wind that is continuous energy does not change at all', () => {
    // A field without jumps: only the collocation inside and the mean over the sides are left.
    const { block, length, rates } = createScheme(createCase('6'), degree);
    const state = make(length);
    writeInitial(block, createCase('6'), state);
    const { mass, energy } = integrateRates(block, state, rates(state));
    expect(Math.abs(mass)).toBeLessThan(1e-12);
    expect(Math.abs(energy)).toBeLessThan(1e-11);
  });

  test('a lake at rest over a mountain stays at rest', () => {
    const { ground, coriolis } = createCase('5');
    const lake: Case = {
      ...createCase('5'),
      ...{ ground, coriolis },
      initial: (longitude, latitude) => ({ depth: 5000 - ground(longitude, latitude), east: 0, north: 0 }),
    };
    const { block, length, rates } = createScheme(lake, degree);
    const state = make(length);
    writeInitial(block, lake, state);
    // Covariant winds are m/s times the radius: what rounding makes of 5e4 m²/s² in a radian's part.
    const most = rates(state).reduce((sum, value) => Math.max(sum, Math.abs(value)), 0);
    expect(most).toBeLessThan(1e-7);
  });
});

test.each([2, 3, 8])('%i nodes: the quadrature, its summation by parts and interpolation', (count) => {
  const { nodes, weights } = createLobattoRule(count);
  const derivative = createDerivative(nodes);
  const sum = (f: (x: number) => number): number => nodes.reduce((total, x, k) => total + weights[k]! * f(x), 0);
  for (let power = 0; power <= 2 * count - 3; power += 1) {
    expect(sum((x) => x ** power)).toBeCloseTo(power % 2 === 0 ? 2 / (power + 1) : 0, 13);
  }
  for (let i = 0; i < count; i += 1) {
    for (let j = 0; j < count; j += 1) {
      const q = weights[i]! * derivative[i * count + j]! + weights[j]! * derivative[j * count + i]!;
      expect(q).toBeCloseTo(i !== j ? 0 : i === 0 ? -1 : i === count - 1 ? 1 : 0, 12);
    }
  }
  const out = make(count);
  createInterpolation(nodes)(0.3, out);
  expect(nodes.reduce((total, x, k) => total + out[k]! * x ** (count - 1), 0)).toBeCloseTo(0.3 ** (count - 1), 13);
  const gauss = createGaussRule(count);
  expect(gauss.nodes.reduce((total, x, k) => total + gauss.weights[k]! * x ** (2 * count - 2), 0)).toBeCloseTo(
    2 / (2 * count - 1),
    13,
  );
});

test('sides of elements meet: their nodes lie at the same places, and a neighbour of a neighbour is the side itself', () => {
  const mesh = createMesh(CELLS);
  const width = Math.PI / 2 / CELLS;
  const locate = (slot: number, along: number): readonly number[] => {
    const side = slot % 4;
    const element = slot >> 2;
    const [column, row] = [element % CELLS, Math.floor(element / CELLS) % CELLS];
    const i = column + (side === 0 ? 0 : side === 1 ? 1 : along);
    const j = row + (side === 2 ? 0 : side === 3 ? 1 : along);
    return locatePoint(Math.floor(element / CELLS ** 2), i * width - Math.PI / 4, j * width - Math.PI / 4).position;
  };
  for (let slot = 0; slot < 4 * mesh.elements; slot += 1) {
    const other = mesh.neighbors[slot]!;
    expect(mesh.neighbors[other]).toBe(slot);
    expect(other).not.toBe(slot);
    const [mine, theirs] = [locate(slot, 0.2), locate(other, mesh.reversed[slot] === 1 ? 0.8 : 0.2)];
    for (const axis of [0, 1, 2]) expect(mine[axis]).toBeCloseTo(theirs[axis]!, 14);
  }
});

test('the tangents of a panel are the derivatives of the map, and findPanel() is its inverse', () => {
  for (let panel = 0; panel < 6; panel += 1) {
    const [alpha, beta, step] = [0.31, -0.52, 1e-6];
    const point = locatePoint(panel, alpha, beta);
    const ahead = [locatePoint(panel, alpha + step, beta), locatePoint(panel, alpha, beta + step)];
    for (const axis of [0, 1, 2] as const) {
      for (const k of [0, 1] as const) {
        const slope = ((ahead[k]!.position[axis] - point.position[axis]) * EARTH_RADIUS) / step;
        expect(point.tangents[k][axis] / EARTH_RADIUS).toBeCloseTo(slope / EARTH_RADIUS, 5);
      }
    }
    const found = findPanel(point.position);
    expect(found.panel).toBe(panel);
    expect(found.alpha).toBeCloseTo(alpha, 13);
    expect(found.beta).toBeCloseTo(beta, 13);
  }
});

test('parts are of equal size within one element a cut, and every element has an owner', () => {
  const mesh = createMesh(8);
  for (const ranks of [1, 2, 3, 5, 6, 16, 64]) {
    const sizes = Array.from({ length: ranks }, () => 0);
    for (const owner of partitionMesh(mesh, ranks)) sizes[owner]! += 1;
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(Math.ceil(Math.log2(ranks)));
  }
});
