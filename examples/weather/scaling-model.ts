/**
 * A model of what a stage costs on more ranks than there are cores here. Not a measurement.
 *
 * The idea: the slowest rank sets the pace. Its elements cost what they cost here on one core within the caches; its traces go
 * to its neighbours one message after the other, each for the time that the published curve of the adapter gives for its bytes. Who has
 * which elements and neighbours is the partition that a run would have.
 *
 *     message(b) = the curve at b bytes, linear between its points; bytes beyond latency times RANKS_PER_HOST, who share an adapter
 *     exchange   = sum of message(bytes to each neighbour), of the rank where that is most
 *     stage      = γ · nodes                              + exchange      nothing hidden
 *     stage      = γ · nodes at the border + max(exchange, γ · nodes inside)      all hidden that can be
 *     step       = 3 · stage + ⌈log₂ ranks⌉ · message(8) / 8              the agreement on eviction, every 8th step
 *
 * Limits: no noise, no contention between hosts, no faster way within a host, the adapter's figures as from C.
 */

import { TRACES } from './kernels.ts';
import { createMesh, SIDES } from './mesh.ts';
import { partitionMesh } from './partition.ts';

/** Published for QDR InfiniBand of the A8 and A9 class: 2.23 µs at 0 B, 3.09 at 512 B, 1043 MB/s at 8 KiB, 3694 at 4 MiB. */
const CURVE: readonly (readonly [bytes: number, us: number])[] = [
  [0, 2.23],
  [512, 3.09],
  [8192, 8192 / 1043],
  [4_194_304, 4_194_304 / 3694],
];
/** Cores of a host of that class (A8), each with a rank. */
export const RANKS_PER_HOST = 8;
const STAGES = 3;
const STEPS_PER_AGREEMENT = 8;

export interface ModelledStep {
  readonly ranks: number;
  readonly cells: number;
  /** Of the rank that has most. */
  readonly nodes: number;
  readonly neighbors: number;
  readonly computeUs: number;
  readonly exchangeUs: number;
  /** A step with nothing hidden, and with all hidden that can be. */
  readonly plainUs: number;
  readonly hiddenUs: number;
}

/** Return what a step costs by the model; `nodeNs`: time of a node in a stage on one core. */
export function modelStep(cells: number, degree: number, ranks: number, nodeNs: number): ModelledStep {
  const order = degree + 1;
  const perElementUs = (order * order * nodeNs) / 1000;
  const parts = divide(cells, ranks);
  const exchanges = parts.map(({ shared }) =>
    [...shared.values()].reduce((sum, sides) => sum + messageUs(sides * TRACES * order * 8), 0),
  );
  const elements = Math.max(...parts.map((part) => part.elements));
  const hidden = parts.map(
    (part, k) => perElementUs * part.border + Math.max(exchanges[k], perElementUs * (part.elements - part.border)),
  );
  const [computeUs, exchangeUs] = [elements * perElementUs, Math.max(...exchanges)];
  const agreementUs = (Math.ceil(Math.log2(ranks)) * messageUs(8)) / STEPS_PER_AGREEMENT;
  return {
    ...{ ranks, cells, computeUs, exchangeUs },
    nodes: elements * order * order,
    neighbors: Math.max(...parts.map(({ shared }) => shared.size)),
    plainUs: STAGES * (computeUs + exchangeUs) + agreementUs,
    hiddenUs: STAGES * Math.max(...hidden) + agreementUs,
  };
}

/** Return the time of a message of so many bytes. */
export function messageUs(bytes: number): number {
  const after = Math.max(
    1,
    CURVE.findIndex(([size]) => size >= bytes),
  );
  const [[b0, t0], [b1, t1]] = [CURVE[after - 1], CURVE[after]];
  const alone = t0 + ((bytes - b0) / (b1 - b0)) * (t1 - t0);
  return CURVE[0][1] + RANKS_PER_HOST * (alone - CURVE[0][1]);
}

interface Part {
  elements: number;
  border: number;
  /** Sides shared with each neighbouring rank. */
  readonly shared: Map<number, number>;
}

function divide(cells: number, ranks: number): Part[] {
  const mesh = createMesh(cells);
  const owners = partitionMesh(mesh, ranks);
  const parts = Array.from({ length: ranks }, (): Part => ({ elements: 0, border: 0, shared: new Map() }));
  for (let element = 0; element < mesh.elements; element += 1) {
    const part = parts[owners[element]];
    part.elements += 1;
    let isAtBorder = false;
    for (const slot of mesh.neighbors.subarray(SIDES * element, SIDES * (element + 1))) {
      const other = owners[Math.floor(slot / SIDES)];
      if (other === owners[element]) continue;
      isAtBorder = true;
      part.shared.set(other, (part.shared.get(other) ?? 0) + 1);
    }
    if (isAtBorder) part.border += 1;
  }
  return parts;
}
