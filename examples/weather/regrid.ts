/**
 * Regrid: fields of the elements as means over the cells of a grid of longitudes and latitudes, spread over the ranks by rows.
 *
 * The idea: a cell's mean is the mean of 2 × 2 points at the Gauss nodes of longitude and of the latitude's sine, equal shares
 * of its area, so the grid's own mean is that of the sphere to fourth order. The rank that has a point's element evaluates
 * the element's polynomials there and sends the values to the rank that has the row, which adds a cell's points in
 * one order: equal bits on any number of ranks. A wind crosses the poles as a vector in space.
 */

import type { Communicator } from 'tsmpi';
import { type Block, locateNode } from './block.ts';
import { FIELDS, GEOMETRY } from './kernels.ts';
import type { Model } from './model.ts';
import type { Maps } from './picture.ts';
import { createInterpolation } from './quadrature.ts';
import { findPanel, GRAVITY, toDirection } from './sphere.ts';
import { computeVorticity } from './vorticity.ts';

/** Half the distance of two Gauss nodes, in cells. */
const GAUSS = 0.5 / Math.sqrt(3);
const POINTS = 4;
/** Values of a point: h, the ground's height, the vorticity, the wind in space. */
const VALUES = 6;

/** Fields of the rows of one rank, from south to north. */
export interface MapRows {
  readonly firstRow: number;
  readonly rows: number;
  readonly columns: number;
  /** Depth and height of the ground, m; relative vorticity, 1/s; wind to the east and the north, m/s. */
  readonly depth: Float64Array;
  readonly ground: Float64Array;
  readonly vorticity: Float64Array;
  readonly east: Float64Array;
  readonly north: Float64Array;
}

/** Points of this rank's elements, by receiver: local element, and place in it from −1 to 1. */
interface Samples {
  readonly elements: Int32Array;
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly counts: readonly number[];
}

export class Regrid {
  readonly columns: number;
  readonly rows: number;
  readonly #model: Model;
  /** Longitudes of a row's points, west and east of each cell's middle, and latitudes of a column's. */
  readonly #longitudes: Float64Array;
  readonly #latitudes: Float64Array;
  readonly #samples: Samples;
  /** Points of this rank's rows, as numbers there, in the order in which they come, by sender. */
  readonly #arrivals: Int32Array;
  readonly #arriving: readonly number[];

  /** A grid of `columns` longitudes from 0 eastward and half as many latitudes from the south pole. */
  constructor(model: Model, columns: number) {
    this.columns = columns;
    this.rows = columns / 2;
    this.#model = model;
    const { comm, owners, block } = model;
    const step = Math.PI / this.rows;
    this.#longitudes = Float64Array.from(
      { length: 2 * columns },
      (_, k) => ((k >> 1) + 0.5 + (k % 2 === 0 ? -GAUSS : GAUSS)) * step,
    );
    this.#latitudes = Float64Array.from({ length: 2 * this.rows }, (_, k) => {
      const [south, north] = [0, 1].map((more) => Math.sin(((k >> 1) + more) * step - Math.PI / 2));
      return Math.asin((south + north) / 2 + (k % 2 === 0 ? -GAUSS : GAUSS) * (north - south));
    });
    const localOf = new Int32Array(owners.length).fill(-1);
    for (const [local, element] of block.elements.entries()) localOf[element] = local;
    const samples = { elements: [] as number[], x: [] as number[], y: [] as number[], counts: [] as number[] };
    const arrivals = Array.from({ length: comm.size }, () => [] as number[]);
    for (let receiver = 0; receiver < comm.size; receiver += 1) {
      const before = samples.elements.length;
      const [from, to] = [this.#firstRow(receiver), this.#firstRow(receiver + 1)];
      for (let point = 0; point < (to - from) * columns * POINTS; point += 1) {
        const { element, x, y } = findElement(block, this.#longitudeOf(point), this.#latitudeOf(from, point));
        if (receiver === comm.rank) arrivals[owners[element]].push(point);
        if (localOf[element] < 0) continue;
        samples.elements.push(localOf[element]);
        samples.x.push(x);
        samples.y.push(y);
      }
      samples.counts.push((samples.elements.length - before) * VALUES);
    }
    const { elements, x, y, counts } = samples;
    this.#samples = { elements: Int32Array.from(elements), x: Float64Array.from(x), y: Float64Array.from(y), counts };
    this.#arrivals = Int32Array.from(arrivals.flat());
    this.#arriving = arrivals.map((list) => list.length * VALUES);
  }

  /** Return this rank's rows of the state as it is. Collective. */
  compute(): MapRows {
    const { comm } = this.#model;
    const into = { data: new Float64Array(this.#arrivals.length * VALUES), counts: this.#arriving };
    comm.alltoallv({ data: this.#evaluate(), counts: this.#samples.counts }, into).wait();
    return this.#average(comm, into.data);
  }

  /** First row of a rank. */
  #firstRow(rank: number): number {
    return Math.floor((rank * this.rows) / this.#model.comm.size);
  }

  /** Points are counted by rows of cells; the four of a cell are south-west, south-east, north-west, north-east. */
  #longitudeOf(point: number): number {
    return this.#longitudes[2 * ((point >> 2) % this.columns) + (point & 1)];
  }

  #latitudeOf(firstRow: number, point: number): number {
    return this.#latitudes[2 * (firstRow + Math.floor((point >> 2) / this.columns)) + ((point >> 1) & 1)];
  }

  /** Return the values at this rank's samples. */
  #evaluate(): Float64Array {
    const { block } = this.#model;
    const { elements, x, y } = this.#samples;
    const { order, rule } = block;
    const nodes = order * order;
    const fields = gatherFields(this.#model);
    const interpolate = createInterpolation(rule.nodes);
    const out = new Float64Array(VALUES * elements.length);
    const [across, up] = [new Float64Array(order), new Float64Array(order)];
    for (let k = 0; k < elements.length; k += 1) {
      interpolate(x[k], across);
      interpolate(y[k], up);
      for (let field = 0, at = VALUES * nodes * elements[k]; field < VALUES; field += 1) {
        let value = 0;
        for (let j = 0; j < order; j += 1) {
          let row = 0;
          for (let i = 0; i < order; i += 1, at += 1) row += across[i] * fields[at];
          value += up[j] * row;
        }
        out[VALUES * k + field] = value;
      }
    }
    return out;
  }

  #average(comm: Communicator, arrived: Float64Array): MapRows {
    const firstRow = this.#firstRow(comm.rank);
    const rows = this.#firstRow(comm.rank + 1) - firstRow;
    const points = new Float64Array(rows * this.columns * POINTS * VALUES);
    for (let k = 0; k < this.#arrivals.length; k += 1) {
      const to = this.#arrivals[k] * VALUES;
      for (let value = 0; value < VALUES; value += 1) points[to + value] = arrived[k * VALUES + value];
    }
    const make = (): Float64Array => new Float64Array(rows * this.columns);
    const out = { depth: make(), ground: make(), vorticity: make(), east: make(), north: make() };
    for (let point = 0; point < rows * this.columns * POINTS; point += 1) {
      const [longitude, latitude] = [this.#longitudeOf(point), this.#latitudeOf(firstRow, point)];
      const [sinL, cosL, sinP, cosP] = [Math.sin(longitude), Math.cos(longitude), Math.sin(latitude), Math.cos(latitude)];
      const cell = point >> 2;
      const at = point * VALUES;
      const [x, y, z] = [points[at + 3], points[at + 4], points[at + 5]];
      out.depth[cell] += points[at] / POINTS;
      out.ground[cell] += points[at + 1] / POINTS;
      out.vorticity[cell] += points[at + 2] / POINTS;
      out.east[cell] += (cosL * y - sinL * x) / POINTS;
      out.north[cell] += (cosP * z - sinP * (cosL * x + sinL * y)) / POINTS;
    }
    return { firstRow, rows, columns: this.columns, ...out };
  }
}

/** Return the values at the nodes: per element VALUES blocks. Collective. */
function gatherFields(model: Model): Float64Array {
  const { block, state } = model;
  const { order, elements, geometry } = block;
  const nodes = order * order;
  const vorticity = computeVorticity(model);
  const out = new Float64Array(VALUES * nodes * elements.length);
  for (let local = 0; local < elements.length; local += 1) {
    for (let k = 0; k < nodes; k += 1) {
      const at = FIELDS * local * nodes + k;
      const g = GEOMETRY * local * nodes + k;
      const [u1, u2] = [state[at + nodes], state[at + 2 * nodes]];
      const v1 = geometry[g] * u1 + geometry[g + nodes] * u2;
      const v2 = geometry[g + nodes] * u1 + geometry[g + 2 * nodes] * u2;
      const [t1, t2] = locateNode(block, elements[local], k).tangents;
      const values = [
        ...[state[at], geometry[g + 5 * nodes] / GRAVITY, vorticity[local * nodes + k]],
        ...[0, 1, 2].map((axis) => v1 * t1[axis] + v2 * t2[axis]),
      ];
      for (let field = 0; field < VALUES; field += 1) out[(VALUES * local + field) * nodes + k] = values[field];
    }
  }
  return out;
}

/** Return the element at a place and where in it that lies. */
function findElement(block: Block, longitude: number, latitude: number) {
  const { mesh, width } = block;
  const { panel, alpha, beta } = findPanel(toDirection(longitude, latitude));
  const find = (angle: number): readonly [index: number, x: number] => {
    const place = (angle + Math.PI / 4) / width;
    const index = Math.min(mesh.cells - 1, Math.max(0, Math.floor(place)));
    return [index, 2 * (place - index) - 1];
  };
  const [column, x] = find(alpha);
  const [row, y] = find(beta);
  return { element: (panel * mesh.cells + row) * mesh.cells + column, x, y };
}

/** Return whole maps on rank 0, undefined elsewhere. Collective. */
export function gatherMaps(comm: Communicator, map: MapRows): Maps | undefined {
  const [height, ground, vorticity] = [map.depth.map((depth, k) => depth + map.ground[k]), map.ground, map.vorticity].map(
    (values) => comm.gatherv(values).wait()?.data,
  );
  if (height === undefined || ground === undefined || vorticity === undefined) return undefined;
  return { columns: map.columns, height, ground, vorticity };
}
