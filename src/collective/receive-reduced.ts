/**
 * receiveReduced: a receive that combines what comes with this rank's own data, part by part.
 *
 * The idea: each part is combined while it is in the core's cache, and while the next is under way; where the result goes
 * to another array than the own data lies in, it is received where the result will lie, and there is no scratch.
 *
 * Limits: parts of arrays, and either order of the two: for commutative operators of the standard.
 */

import type { TypedArray } from '../datatype/element-type.ts';
import type { Op } from '../datatype/operator.ts';
import { reduceInto } from '../datatype/reduce-kernels.ts';
import type { Port, Step } from './schedule.ts';

/**
 * Post a receive from `source`; once it is complete `target` holds own ∘ received. `scratch` takes what comes where the
 * own data lies in `target` itself, and is undefined otherwise; all are of one length, scratch may be longer.
 */
export function receiveReduced(
  port: Port,
  source: number,
  own: TypedArray,
  target: TypedArray,
  scratch: TypedArray | undefined,
  op: Op,
  code: number,
): Step {
  if (scratch === undefined) {
    return port.recv(target, source, (start, end) => reduceInto(op, code, own, target, end - start, start, start));
  }
  const incoming = scratch.subarray(0, target.length);
  return port.recv(incoming, source, (start, end) => reduceInto(op, code, incoming, target, end - start, start, start));
}
