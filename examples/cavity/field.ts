/**
 * Field: the whole flow on rank 0, without rings, gathered from the blocks.
 */

import { createHash } from 'node:crypto';
import type { Communicator } from 'tsmpi';
import { createWindow } from './domain.ts';
import type { Flow } from './flow.ts';

export interface Field {
  readonly cells: number;
  /** On west faces: row j holds cells + 1 of them, the walls' included. */
  readonly u: Float64Array;
  /** On south faces: cells + 1 rows. */
  readonly v: Float64Array;
  /** In cells, with a mean of 0. */
  readonly p: Float64Array;
}

/** Return the whole flow on rank 0, undefined elsewhere. Collective. */
export function gatherField(comm: Communicator, flow: Flow): Field | undefined {
  const { cells, nx, ny } = flow.domain;
  const block = new Float64Array(3 * nx * ny);
  for (const [part, values] of [flow.u.field, flow.v.field, flow.p].entries()) {
    for (let j = 0; j < ny; j += 1) {
      const row = (j + 1) * (nx + 2) + 1;
      block.set(values.subarray(row, row + nx), (part * ny + j) * nx);
    }
  }
  const parts = comm.gatherv(block).wait();
  if (parts === undefined) return undefined;
  const field = {
    cells,
    u: new Float64Array((cells + 1) * cells),
    v: new Float64Array(cells * (cells + 1)),
    p: new Float64Array(cells * cells),
  };
  for (let rank = 0; rank < comm.size; rank += 1) {
    const domain = createWindow(cells, comm.size, rank);
    let from = parts.displs[rank];
    for (const [values, stride] of [
      [field.u, cells + 1],
      [field.v, cells],
      [field.p, cells],
    ] as const) {
      for (let j = 0; j < domain.ny; j += 1, from += domain.nx) {
        values.set(parts.data.subarray(from, from + domain.nx), (domain.y0 + j) * stride + domain.x0);
      }
    }
  }
  const mean = field.p.reduce((sum, value) => sum + value, 0) / field.p.length;
  for (let k = 0; k < field.p.length; k += 1) field.p[k] -= mean;
  return field;
}

/** Return a digest of every bit of the flow: equal on any number of ranks after equal steps. */
export function digestField({ u, v, p }: Field): string {
  const hash = createHash('sha256');
  for (const values of [u, v, p]) hash.update(new Uint8Array(values.buffer));
  return hash.digest('hex');
}
