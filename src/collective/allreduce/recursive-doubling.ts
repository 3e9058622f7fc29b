/**
 * Allreduce by recursive doubling.
 *
 * In round k each rank exchanges its whole result with the rank whose number differs in bit k, and both combine the lower
 * ranks' result with the higher ranks'. For p no power of two, pairs of neighbours are folded to one before and the other
 * is told after.
 *
 * Cost: ceil(log2 p) (α + n β + n γ), and 2 (α + n β) more for p no power of two; for q = 2^floor(log2 p)
 * q log2 q + 2 (p - q) messages of n bytes.
 * Needs: nothing.
 * Order: kept; for p a power of two the tree of the binomial reduction.
 * Wins when: n is small.
 * See: Thakur, Rabenseifner, Gropp (2005), section 3.5.
 */

import { createArray } from '../../datatype/element-type.ts';
import { reduceInto } from '../../datatype/reduce-kernels.ts';
import type { AllreduceArguments } from '../arguments.ts';
import { foldRanks } from '../recursive-halving.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run an allreduce. */
export function* recursiveDoubling(port: Port, { input, output, op, code }: AllreduceArguments): Schedule {
  const count = input.length;
  if (output !== input) output.set(input as never);
  const { survivors, self, partner, rankOf } = foldRanks(port.rank, port.size, -1);
  if (self < 0) {
    yield port.send(output, partner);
    yield port.recv(output, partner);
    return;
  }
  let result = output;
  let spare = createArray(code, count);
  if (partner >= 0) {
    yield port.recv(spare, partner);
    // The partner is the rank below.
    reduceInto(op, code, spare, result, count);
  }
  for (let mask = 1; mask < survivors; mask <<= 1) {
    const peer = rankOf(self ^ mask);
    yield port.exchange(result, peer, spare, peer);
    if ((self & mask) !== 0) {
      reduceInto(op, code, spare, result, count);
    } else {
      // The peer's data comes from higher ranks: it is `inout`, and the result lies there.
      reduceInto(op, code, result, spare, count);
      [result, spare] = [spare, result];
    }
  }
  if (partner >= 0) yield port.send(result, partner);
  if (result !== output) output.set(result as never);
}
