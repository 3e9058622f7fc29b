/**
 * Block: the elements of one rank, their geometry and where their nodes lie.
 *
 * Everything is computed from an element's number alone, so that two ranks compute equal bits. An edge's length, which both
 * its elements use, is that of the side with the lower slot.
 */

import type { Case } from './cases.ts';
import { FIELDS, GEOMETRY, RIMS } from './kernels.ts';
import { type Mesh, placeElement, SIDES } from './mesh.ts';
import { createDerivative, createLobattoRule, type Rule } from './quadrature.ts';
import { dot, GRAVITY, locatePoint, type Point, toPlace, toVector } from './sphere.ts';

export interface Block {
  readonly mesh: Mesh;
  /** Nodes a side of an element: the degree + 1. */
  readonly order: number;
  readonly rule: Rule;
  /** Width of an element, radians of the panel's angle. */
  readonly width: number;
  /** Differentiation matrix per radian, and 1 over an outermost node's weight per radian. */
  readonly derivative: Float64Array;
  readonly lift: number;
  /** Global numbers of the elements. */
  readonly elements: Int32Array;
  readonly geometry: Float64Array;
  /** Of each side's nodes: metres per radian along it, and g¹² over the metric's diagonal across it. */
  readonly rims: Float64Array;
  /** Area of each node, m². */
  readonly areas: Float64Array;
}

type Allocate = (length: number) => Float64Array;

/** Return the block of those elements. `allocate` makes the arrays that kernels read. */
export function createBlock(mesh: Mesh, degree: number, flow: Case, elements: Int32Array, allocate: Allocate): Block {
  const order = degree + 1;
  const nodes = order * order;
  const rule = createLobattoRule(order);
  const width = Math.PI / 2 / mesh.cells;
  const derivative = allocate(nodes);
  derivative.set(createDerivative(rule.nodes).map((value) => (2 * value) / width));
  const geometry = allocate(GEOMETRY * nodes * elements.length);
  const rims = allocate(SIDES * RIMS * order * elements.length);
  const areas = new Float64Array(nodes * elements.length);
  const block: Block = {
    ...{ mesh, order, rule, width, derivative, elements, geometry, rims, areas },
    lift: 2 / (width * rule.weights[0]),
  };
  forEachNode(block, (at, { local, node }, point) => {
    const { longitude, latitude } = toPlace(point.position);
    const values = [
      ...point.inverse,
      point.jacobian,
      flow.coriolis(longitude, latitude) * point.jacobian,
      GRAVITY * flow.ground(longitude, latitude),
      1 / point.jacobian,
    ];
    for (const [field, value] of values.entries()) geometry[(local * GEOMETRY + field) * nodes + node] = value;
    const weight = rule.weights[node % order] * rule.weights[Math.floor(node / order)];
    areas[at] = point.jacobian * weight * (width / 2) ** 2;
  });
  for (const [local, element] of elements.entries()) {
    for (let side = 0; side < SIDES; side += 1) {
      const slot = SIDES * element + side;
      const other = mesh.neighbors[slot];
      const turn = slot > other && mesh.reversed[slot] === 1;
      for (let n = 0; n < order; n += 1) {
        const at = (SIDES * local + side) * RIMS * order + n;
        rims[at] = measureSide(block, Math.min(slot, other), turn ? order - 1 - n : n);
        const [g11, g12, g22] = locateNode(block, element, findRimNode(order, side, n)).inverse;
        rims[at + order] = g12 / (side < 2 ? g11 : g22);
      }
    }
  }
  return block;
}

/** Write the case's initial state. */
export function writeInitial({ order, ...block }: Block, flow: Case, state: Float64Array): void {
  const nodes = order * order;
  forEachNode({ order, ...block }, (_, { local, node }, { position, tangents }) => {
    const { longitude, latitude } = toPlace(position);
    const { depth, east, north } = flow.initial(longitude, latitude);
    const wind = toVector(longitude, latitude, east, north);
    const at = local * FIELDS * nodes + node;
    state[at] = depth;
    state[at + nodes] = dot(wind, tangents[0]);
    state[at + 2 * nodes] = dot(wind, tangents[1]);
  });
}

/** Return the place of a node of an element, by its global number. */
export function locateNode({ mesh, order, rule, width }: Block, element: number, node: number): Point {
  const { panel, column, row } = placeElement(mesh.cells, element);
  const i = node % order;
  const j = (node - i) / order;
  return locatePoint(panel, angleOf(column, rule.nodes[i], width, mesh.cells), angleOf(row, rule.nodes[j], width, mesh.cells));
}

/** Exact mirror images on both halves of a panel, and equal bits where elements meet. */
function angleOf(index: number, x: number, width: number, cells: number): number {
  return ((2 * index - cells + 1 + x) * width) / 2;
}

function forEachNode(
  block: Pick<Block, 'mesh' | 'order' | 'rule' | 'width' | 'elements'>,
  visit: (at: number, place: { local: number; node: number }, point: Point) => void,
): void {
  const nodes = block.order * block.order;
  for (const [local, element] of block.elements.entries()) {
    for (let node = 0; node < nodes; node += 1) {
      visit(local * nodes + node, { local, node }, locateNode(block as Block, element, node));
    }
  }
}

/** Return metres per radian along a side at one of its nodes. */
function measureSide(block: Block, slot: number, n: number): number {
  const { order } = block;
  const side = slot % SIDES;
  const { g11, g22 } = locateNode(block, Math.floor(slot / SIDES), findRimNode(order, side, n));
  return Math.sqrt(side < 2 ? g22 : g11);
}

/** Return the number in its element of a side's n-th node. */
function findRimNode(order: number, side: number, n: number): number {
  const first = side === 1 ? order - 1 : side === 3 ? order * (order - 1) : 0;
  return first + (side < 2 ? order : 1) * n;
}
