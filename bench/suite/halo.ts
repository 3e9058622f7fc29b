/**
 * A step of a simulation: the halo exchange of a cube of cells, a sweep over it with a stencil of seven points, and the sum of
 * all cells over all ranks: what an iteration of HPCG's solver asks of a message layer. The number of the first column is the
 * edge of the whole cube, so that more ranks share the same work (strong scaling).
 *
 * All cells are 1 and the cube is periodic: each sweep leaves them 1, and the sum is their number, to the last bit.
 */

import { type Communicator, type Layout, SUM, subarray } from 'tsmpi';
import type { Settings } from '../records.ts';
import type { Operation } from './measure.ts';
import { share } from './share.ts';

/** What cells take, in nanoseconds, to say how many steps fill a repetition. */
const CELL_NS = 2;
const STEPS_NS = 1e8;

type Extent = readonly [x: number, y: number, z: number];

/** Return the step of a cube of that edge. All ranks call this. */
export async function createHalo(comm: Communicator, settings: Settings, edge: number): Promise<Operation> {
  const grid = await comm.cartesian([0, 0, 0], { periodic: true });
  if (grid.dims.some((count) => count > edge))
    throw new Error(`an edge of ${edge} cells has too few of them for ${grid.dims.join(' x ')} ranks`);
  const extent = grid.dims.map((count, d) => share(edge, count, grid.coords[d]!)) as unknown as Extent;
  const length = extent.reduce((product, cells) => product * (cells + 2), 1);
  const fields = [0, 1].map(() => new Float64Array(length).fill(1));
  const halos = fields.map((field) => {
    const inner = [0, 1, 2].flatMap((d) => [face(field, extent, d, 1), face(field, extent, d, extent[d]!)]);
    const outer = [0, 1, 2].flatMap((d) => [face(field, extent, d, 0), face(field, extent, d, extent[d]! + 1)]);
    return grid.neighborAlltoallwInit(inner, outer);
  });
  let now = 0;
  const finish = (sum: number): void => {
    if (sum !== edge ** 3) throw new Error(`the sum of ${edge}³ cells of 1 is ${sum}`);
    now = 1 - now;
  };
  return {
    run: settings.isAwaited
      ? async (count) => {
          for (let k = 0; k < count; k++) {
            await halos[now]!.start();
            finish(await grid.allreduce(sweep(fields[now]!, fields[1 - now]!, extent), SUM));
          }
        }
      : (count) => {
          for (let k = 0; k < count; k++) {
            halos[now]!.start().wait();
            finish(grid.allreduce(sweep(fields[now]!, fields[1 - now]!, extent), SUM).wait());
          }
        },
    parts: 1,
    clock: 'slowest',
    isTimed: true,
    isCollective: false,
    iterations: Math.max(10, Math.floor((STEPS_NS * comm.size) / (CELL_NS * edge ** 3))),
    close: async () => {
      await grid.free();
    },
  };
}

/** The face at layer `at` of dimension d, without the edges around it. */
function face(field: Float64Array<ArrayBuffer>, extent: Extent, d: number, at: number): Layout<Float64Array> {
  const shape = extent.map((cells) => cells + 2);
  return subarray(shape, [...extent].with(d, 1), [1, 1, 1].with(d, at)).of(field);
}

/** Fill `to` with the means of the six neighbours in `from`; return the sum. */
function sweep(from: Float64Array, to: Float64Array, [nx, ny, nz]: Extent): number {
  const row = nz + 2;
  const plane = row * (ny + 2);
  let sum = 0;
  for (let x = 1; x <= nx; x++) {
    for (let y = 1; y <= ny; y++) {
      const start = x * plane + y * row + 1;
      for (let at = start; at < start + nz; at++) {
        const around =
          from[at - plane]! + from[at + plane]! + (from[at - row]! + from[at + row]!) + (from[at - 1]! + from[at + 1]!);
        const value = around * 0.125 + from[at]! * 0.25;
        to[at] = value;
        sum += value;
      }
    }
  }
  return sum;
}
