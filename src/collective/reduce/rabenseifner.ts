/**
 * Reduction by Rabenseifner: reduce-scatter by recursive halving, then a binomial gather to the root.
 *
 * After the first phase each survivor (recursive-halving.ts) holds one complete chunk; in the second, ranges of chunks
 * double on their way to the root. The root always survives the folding.
 *
 * Cost: 2 log2 p α + 2 (p - 1)/p n β + (p - 1)/p n γ, and α + n β + n γ more for p no power of two; for q survivors
 * p - q + q log2 q + q - 1 messages, (p - q) n + 2 (q - 1) n bytes.
 * Needs: an operator that is commutative and works element by element.
 * Order: not kept; two ranks have only one.
 * Wins when: n is long: the work of combining is shared among all.
 * See: Rabenseifner: Optimization of collective reduction operations (2004).
 */

import { createArray } from '../../datatype/element-type.ts';
import { unitOf } from '../../datatype/operator.ts';
import type { ReduceArguments } from '../arguments.ts';
import { chunkStart } from '../chunk.ts';
import { foldRanks, reduceScatter } from '../recursive-halving.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run a reduction. */
export function* rabenseifner(port: Port, { input, output, op, code, root }: ReduceArguments): Schedule {
  const { rank, size } = port;
  const count = input.length;
  const unit = unitOf(op);
  const accumulator = rank === root && output !== undefined ? output : createArray(code, count);
  const fold = foldRanks(rank, size, root);
  const { survivors, self } = fold;
  const start = (chunk: number): number => chunkStart(count, survivors, chunk, unit);
  yield* reduceScatter(port, fold, input, accumulator, op, code, start);

  if (self < 0) return;
  // The root's number: of a pair that holds the root, the root survives.
  const pairs = size - survivors;
  const target = root < 2 * pairs ? root >> 1 : root - pairs;
  const range = (first: number, chunks: number) => accumulator.subarray(start(first), start(first + chunks));
  for (let mask = 1; mask < survivors; mask <<= 1) {
    // Survivors whose bits below mask differ from the target's have given their chunks away.
    const peer = self ^ mask;
    if (((self ^ target) & mask) !== 0) {
      yield port.send(range(self & -mask, mask), fold.rankOf(peer));
      return;
    }
    yield port.recv(range(peer & -mask, mask), fold.rankOf(peer));
  }
}
