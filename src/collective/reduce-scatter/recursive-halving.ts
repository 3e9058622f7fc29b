/**
 * Reduce-scatter by recursive halving.
 *
 * The ranks are folded to a power of two q; then in each of log2 q steps a rank exchanges half of what it still works on
 * with one at half the previous distance and combines. A rank that was folded gets its block from its partner.
 *
 * Cost: (log2 q + 2) α + 2 n β + n γ, n the bytes of all blocks; p - q more messages before and after for p no power of two.
 * Needs: an operator that is commutative and works element by element.
 * Order: not kept; two ranks have only one.
 * Wins when: n is short or middling: fewest rounds.
 * See: Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH (2005), section 3.4.
 */

import { createArray } from '../../datatype/element-type.ts';
import type { ReduceScatterArguments } from '../arguments.ts';
import { blockStarts } from '../chunk.ts';
import { foldRanks, reduceScatter } from '../recursive-halving.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run a reduce-scatter. */
export function* recursiveHalving(port: Port, { input, output, counts, op, code }: ReduceScatterArguments): Schedule {
  const { rank, size } = port;
  const starts = blockStarts(counts);
  const fold = foldRanks(rank, size, -1);
  const pairs = size - fold.survivors;
  const accumulator = createArray(code, input.length);
  // A survivor of a pair works for both.
  yield* reduceScatter(port, fold, input, accumulator, op, code, (chunk) => starts[chunk < pairs ? 2 * chunk : chunk + pairs]!);

  const block = (of: number) => accumulator.subarray(starts[of]!, starts[of + 1]!);
  if (fold.self < 0) {
    const mine = block(rank);
    yield port.recv(mine, fold.partner);
    output.set(mine as never);
    return;
  }
  if (fold.partner >= 0) yield port.send(block(fold.partner), fold.partner);
  output.set(block(rank) as never);
}
