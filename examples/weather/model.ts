/**
 * Model: the state of one rank's elements and a step in time.
 *
 * A step is the third-order Runge–Kutta method that preserves strong stability; each of its three stages is a pass over the
 * elements, an exchange of traces and a second pass. Elements at other ranks go first, so that their traces travel while
 * those inside are computed and even finished. Both passes run on all threads of the rank, over memory that they share.
 * See: Shu and Osher, Efficient implementation of essentially non-oscillatory shock-capturing schemes (1988),
 * J. Comput. Phys. 77.
 */

import { alloc, type Communicator, type Graph, MAX, region, type Team } from 'tsmpi';
import { type Block, createBlock, locateNode, writeInitial } from './block.ts';
import type { Case } from './cases.ts';
import { Exchange, joinNeighbors, layOutSides, type Sides } from './exchange.ts';
import { FIELDS, GEOMETRY, TRACES } from './kernels.ts';
import { createMesh } from './mesh.ts';
import { listElements, partitionMesh } from './partition.ts';
import { GRAVITY, toPlace } from './sphere.ts';

/** Shares of the new value in each stage. */
const STAGES = [1, 1 / 4, 2 / 3];
/** In one step of so many an exchange is timed alone. */
const SAMPLE_STEPS = 32;

/** Where and when the fluid ended. */
export interface Failure {
  readonly step: number;
  /** Global number of the element. */
  readonly element: number;
  readonly node: number;
  readonly depth: number;
}

export class Model {
  readonly comm: Graph;
  readonly block: Block;
  readonly sides: Sides;
  /** Owner of each element of the mesh. */
  readonly owners: Int32Array;
  readonly state: Float64Array;
  /** The initial state. */
  readonly initial: Float64Array;
  readonly traces: Float64Array;
  /** Steps taken. */
  steps = 0;
  failure: Failure | undefined;
  readonly #before: Float64Array;
  readonly #rate: Float64Array;
  readonly #atBorder: number;
  readonly #exchange: Exchange;
  readonly #crew: Team;
  readonly #kernels;

  /** The case's initial state on 6 · cells² elements of that degree. Collective. */
  constructor(everyone: Communicator, crew: Team, flow: Case, cells: number, degree: number) {
    const mesh = createMesh(cells);
    this.owners = partitionMesh(mesh, everyone.size);
    const { elements, atBorder } = listElements(mesh, this.owners, everyone.rank);
    const allocate = (length: number): Float64Array => alloc(Float64Array, length, { shared: true });
    this.block = createBlock(mesh, degree, flow, elements, allocate);
    this.sides = shareSides(layOutSides(mesh, this.owners, elements, everyone.rank));
    const { order } = this.block;
    const length = FIELDS * order * order * elements.length;
    this.state = allocate(length);
    this.#before = allocate(length);
    this.#rate = allocate(length);
    this.traces = allocate(TRACES * order * this.sides.places);
    writeInitial(this.block, flow, this.state);
    this.initial = this.state.slice();
    this.#atBorder = atBorder;
    this.#crew = crew;
    this.#kernels = crew.kernels<typeof import('./kernels.ts')>(new URL('./kernels.ts', import.meta.url));
    this.comm = joinNeighbors(everyone, this.sides);
    this.#exchange = new Exchange(this.comm, this.sides, order, this.traces);
  }

  /** Return the time in seconds that the fastest wave needs from node to node where they are nearest. Collective. */
  shortestPassage(): number {
    const { block, state } = this;
    const { order, rule, width, elements, geometry } = block;
    const nodes = order * order;
    const gap = ((rule.nodes[1] - rule.nodes[0]) * width) / 2;
    let rate = 0;
    let perRadian = 0;
    for (let local = 0; local < elements.length; local += 1) {
      for (let k = 0; k < nodes; k += 1) {
        const at = FIELDS * local * nodes + k;
        const [a, b] = [state[at + nodes], state[at + 2 * nodes]];
        const metric = GEOMETRY * local * nodes + k;
        const [g11, g12, g22] = [geometry[metric], geometry[metric + nodes], geometry[metric + 2 * nodes]];
        const wind = Math.sqrt(g11 * a * a + 2 * g12 * a * b + g22 * b * b);
        rate = Math.max(rate, wind + Math.sqrt(GRAVITY * state[at]));
        perRadian = Math.max(perRadian, g11, g22);
      }
    }
    const most = this.comm.allreduce(Float64Array.of(rate, perRadian), MAX).wait();
    return gap / (most[0] * Math.sqrt(most[1]));
  }

  /** Advance by dt seconds. */
  step(dt: number): void {
    const isSample = this.steps % SAMPLE_STEPS === 0;
    for (const share of STAGES) {
      if (isSample) this.#takeSampledStage(share, dt);
      else this.#takeStage(share, dt);
    }
    this.steps += 1;
    if (this.failure === undefined) this.failure = this.#findFailure();
  }

  /** Write the traces of the state and trade them. Collective. */
  refreshTraces(): void {
    this.#computeInside(0, this.block.elements.length);
    this.#exchange.start()?.wait();
  }

  /** Return the place of a failure in degrees. */
  locate({ element, node }: Failure): { longitude: number; latitude: number } {
    const { longitude, latitude } = toPlace(locateNode(this.block, element, node).position);
    return { longitude: (longitude * 180) / Math.PI, latitude: (latitude * 180) / Math.PI };
  }

  #takeStage(share: number, dt: number): void {
    const count = this.block.elements.length;
    this.#computeInside(0, this.#atBorder);
    const request = region('start of exchange', () => this.#exchange.start());
    this.#computeInside(this.#atBorder, count);
    this.#finish(this.#atBorder, count, share, dt);
    region('end of exchange', () => request?.wait());
    this.#finish(0, this.#atBorder, share, dt);
  }

  /** Take the same stage with the exchange for itself, all ranks at the same time: what it costs when nothing hides it. */
  #takeSampledStage(share: number, dt: number): void {
    const count = this.block.elements.length;
    this.#computeInside(0, count);
    this.comm.barrier().wait();
    region('exchange alone', () => this.#exchange.start()?.wait());
    this.#finish(0, count, share, dt);
  }

  #computeInside(from: number, to: number): void {
    const { order, derivative, geometry } = this.block;
    const arrays = [derivative, geometry, this.sides.traceOf, this.state, this.#rate, this.traces] as const;
    this.#crew.parallelFor(this.#kernels.computeInside, { from, to }, order, ...arrays).wait();
  }

  #finish(from: number, to: number, share: number, dt: number): void {
    const { order, lift, geometry, rims } = this.block;
    const { traceOf, outsideOf, reversed } = this.sides;
    const numbers = [order, lift, dt, share] as const;
    const arrays = [geometry, rims, traceOf, outsideOf, reversed, this.state, this.#before, this.#rate, this.traces] as const;
    this.#crew.parallelFor(this.#kernels.finishStage, { from, to }, ...numbers, ...arrays).wait();
  }

  /** Return the first node of this rank, by global number, whose depth is not above 0. */
  #findFailure(): Failure | undefined {
    const { elements, order } = this.block;
    const nodes = order * order;
    let first: Failure | undefined;
    for (let local = 0; local < elements.length; local += 1) {
      const from = FIELDS * local * nodes;
      for (let node = 0; node < nodes; node += 1) {
        const depth = this.state[from + node];
        // Also true of NaN.
        if (depth > 0 || (first !== undefined && first.element <= elements[local])) continue;
        first = { step: this.steps, element: elements[local], node, depth };
      }
    }
    return first;
  }
}

/** Return the same, in memory that a rank's threads share. */
function shareSides(sides: Sides): Sides {
  const share = <A extends Int32Array | Uint8Array>(values: A, own: A): A => {
    own.set(values);
    return own;
  };
  const { traceOf, outsideOf, reversed } = sides;
  return {
    ...sides,
    traceOf: share(traceOf, alloc(Int32Array, traceOf.length, { shared: true })),
    outsideOf: share(outsideOf, alloc(Int32Array, outsideOf.length, { shared: true })),
    reversed: share(reversed, alloc(Uint8Array, reversed.length, { shared: true })),
  };
}
