/**
 * Allreduce by Rabenseifner: reduce-scatter by recursive halving, then allgather by recursive doubling.
 *
 * Each survivor (recursive-halving.ts) ends the first phase with one complete chunk; in the second, ranges of complete
 * chunks are exchanged and double. Ranks that were folded get the whole result from their partner.
 *
 * Cost: 2 log2 p α + 2 (p - 1)/p n β + (p - 1)/p n γ, and 2 (α + n β) + n γ more for p no power of two; for q survivors
 * 2 q log2 q + 2 (p - q) messages, 2 (q - 1) n + 2 (p - q) n bytes.
 * Needs: an operator that is commutative and works element by element.
 * Order: not kept; two ranks have only one.
 * Wins when: n is long and p a power of two.
 * See: Rabenseifner: Optimization of collective reduction operations (2004).
 */

import { unitOf } from '../../datatype/operator.ts';
import type { AllreduceArguments } from '../arguments.ts';
import { chunkStart } from '../chunk.ts';
import { foldRanks, reduceScatter } from '../recursive-halving.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run an allreduce. */
export function* rabenseifner(port: Port, { input, output, op, code }: AllreduceArguments): Schedule {
  const count = input.length;
  const unit = unitOf(op);
  const fold = foldRanks(port.rank, port.size, -1);
  const { survivors, self, partner } = fold;
  const start = (chunk: number): number => chunkStart(count, survivors, chunk, unit);
  yield* reduceScatter(port, fold, input, output, op, code, start);

  if (self < 0) {
    yield port.recv(output, partner);
    return;
  }
  const range = (first: number, chunks: number) => output.subarray(start(first), start(first + chunks));
  for (let mask = 1; mask < survivors; mask <<= 1) {
    const other = self ^ mask;
    const peer = fold.rankOf(other);
    yield port.exchange(range(self & -mask, mask), peer, range(other & -mask, mask), peer);
  }
  if (partner >= 0) yield port.send(output, partner);
}
