/**
 * Allreduce of long data in memory that all ranks have mapped.
 *
 * The array is cut into p chunks, a rank owns one, and chunks into pieces. In each step a rank copies its piece of every
 * chunk of others into slots of its own; the owner combines all ranks' pieces with its own where they lie, into the slot of
 * the first rank but itself, and into its array; all others copy the result out from there. Steps overlap: while step k
 * is filled, k - 1 is reduced and k - 2 copied out, so nobody waits for what is done just now.
 *
 * A slot of step k is written again at k + DEPTH: by then its rank has copied out k, so that all owners have reduced it;
 * where results lie in its slots (ranks 0 and 1), it looks whether all others have copied them too.
 *
 * Cost: of n (p - 1)/p bytes, a copy in, a copy out, and p - 1 sums of n/p; no messages but 3 (p - 1) short ones in the first call.
 * Needs: bulk memory, an operator that is commutative and works element by element.
 * Order: kept; strictly from the left, for at most 3 ranks the tree of the binomial reduction.
 * Wins when: n is long and p small: half the copies of algorithms by messages.
 * See: Jain, Kaleem et al.: Framework for scalable intra-node collective operations using shared memory (2018).
 */

import { COPY_IN, COPY_OUT } from '../../datatype/copy-kernels.ts';
import { ELEMENT_SHIFT } from '../../datatype/element-type.ts';
import { unitOf } from '../../datatype/operator.ts';
import { reduceInto, reduceIntoBoth } from '../../datatype/reduce-kernels.ts';
import type { AllreduceArguments } from '../arguments.ts';
import { COPIED, FILLED, REDUCED } from '../bulk.ts';
import { chunkStart } from '../chunk.ts';
import type { Area, Bulk, Port, Schedule } from '../schedule.ts';
import { ring } from './ring.ts';

/** Run an allreduce. */
export function sharedPieces(port: Port, args: AllreduceArguments): Schedule {
  const { bulk } = port.area!;
  return run(port, port.area!, bulk!, bulk!.takeTurn(), args);
}

function* run(port: Port, area: Area, bulk: Bulk, turn: number, args: AllreduceArguments): Schedule {
  yield* bulk.enter(area, port, turn);
  // All know that there is no memory: they go by messages together.
  if (bulk.views === undefined || port.size === 1) yield* ring(port, args);
  else yield* reduceAll(port, area, bulk, args);
  bulk.finish(area, port, turn);
}

function* reduceAll(port: Port, area: Area, bulk: Bulk, { input, output, op, code }: AllreduceArguments): Schedule {
  const { rank, size } = port;
  const pieces = new Pieces(bulk, size, input.length, unitOf(op), code);
  const views = bulk.views!;
  const view = views.byCode[code]!;
  const { steps } = pieces;
  const first = bulk.takeSteps(steps);
  if (steps > 0) bulk.writeCheck(port);
  for (let k = 0; k < steps + 2; k++) {
    if (k < steps) {
      const step = (first + k) | 0;
      // The slots of ranks 0 and 1 hold results for all others; what other slots wait for, this rank has seen when it copied out.
      if (rank < 2 && size > 2) {
        const free = bulk.reuses(step);
        for (let other = 0; other < size; other++) {
          if (!bulk.hasReached(other, COPIED, free)) yield bulk.untilReached(port, other, COPIED, free);
        }
      }
      for (let owner = 0; owner < size; owner++) {
        if (owner === rank) continue;
        COPY_IN[code]!(input, pieces.start(owner, k), pieces.length(owner, k), views, bulk.slot(rank, owner, step));
      }
      bulk.publish(area, rank, FILLED, (step + 1) | 0);
    }
    if (k > 0 && k <= steps) {
      const step = (first + k - 1) | 0;
      for (let other = 0; other < size; other++) {
        if (other === rank) continue;
        if (!bulk.hasReached(other, FILLED, (step + 1) | 0)) yield bulk.untilReached(port, other, FILLED, (step + 1) | 0);
        if (k === 1) bulk.compareWith(port, other);
      }
      const start = pieces.start(rank, k - 1);
      const count = pieces.length(rank, k - 1);
      const holder = rank === 0 ? 1 : 0;
      const result = bulk.slot(holder, rank, step);
      const last = rank === size - 1 || size === 2 ? rank : size - 1;
      for (let other = 0; other < size; other++) {
        if (other === holder) continue;
        const from = other === rank ? input : view;
        const at = other === rank ? start : pieces.index(bulk.slot(other, rank, step));
        // Built-in operators give the same bits in either order of two.
        if (other !== last) reduceInto(op, code, from, view, count, at, pieces.index(result));
        else reduceIntoBoth(op, code, from, view, count, at, pieces.index(result), output, start);
      }
      bulk.publish(area, rank, REDUCED, (step + 1) | 0);
    }
    if (k > 1) {
      const step = (first + k - 2) | 0;
      for (let owner = 0; owner < size; owner++) {
        if (owner === rank) continue;
        if (!bulk.hasReached(owner, REDUCED, (step + 1) | 0)) yield bulk.untilReached(port, owner, REDUCED, (step + 1) | 0);
        const result = bulk.slot(owner === 0 ? 1 : 0, owner, step);
        COPY_OUT[code]!(views, result, output, pieces.start(owner, k - 2), pieces.length(owner, k - 2));
      }
      bulk.publish(area, rank, COPIED, (step + 1) | 0);
    }
  }
}

/** How an array is cut: chunk by rank, piece by step. */
class Pieces {
  /** Steps until every chunk is through. */
  readonly steps: number;
  readonly #starts: Float64Array;
  readonly #count: number;
  readonly #elementBytes: number;

  constructor(bulk: Bulk, size: number, count: number, unit: number, code: number) {
    this.#elementBytes = 1 << ELEMENT_SHIFT[code]!;
    this.#count = bulk.pieceBytes / this.#elementBytes;
    this.#starts = Float64Array.from({ length: size + 1 }, (_, rank) => chunkStart(count, size, rank, unit));
    // Chunk 0 is never shorter than another.
    this.steps = Math.ceil(this.#starts[1]! / this.#count);
  }

  start(owner: number, step: number): number {
    return Math.min(this.#starts[owner]! + step * this.#count, this.#starts[owner + 1]!);
  }

  length(owner: number, step: number): number {
    return Math.min(this.#starts[owner + 1]! - this.start(owner, step), this.#count);
  }

  index(byteOffset: number): number {
    return byteOffset / this.#elementBytes;
  }
}
