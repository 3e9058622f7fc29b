/**
 * Parts of arrays as a program gives them: checked, and as packed bytes.
 */

import { MpiError } from '../../base/errors.ts';
import { ELEMENT_NAMES } from '../../datatype/element-type.ts';
import { unitBytesOf } from '../file/file-view.ts';
import { PackedMemory } from '../file/packed-memory.ts';
import { type Box, itemsIn } from './box.ts';
import type { ArrayPart, ArrayParts } from './checkpoint.ts';

/** A part whose arguments were checked. */
export interface CheckedPart {
  readonly name: string;
  readonly memory: PackedMemory;
  /** Element type by name. */
  readonly type: string;
  /** Bytes of what shapes count. */
  readonly itemBytes: number;
  /** Of the whole array; undefined: all ranks hold the same. */
  readonly shape: readonly number[] | undefined;
  readonly box: Box;
}

/** Check the parts of a call. Errors: ERR_MPI_ARG, ERR_MPI_TYPE. */
export function checkParts(call: string, arrays: ArrayParts): CheckedPart[] {
  if (typeof arrays !== 'object' || arrays === null) {
    throw new MpiError('ERR_MPI_ARG', `${call} got ${String(arrays)}: expected arrays by name, { name: { data, shape, start } }`);
  }
  return Object.entries(arrays)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, part]) => checkPart(call, name, part));
}

function checkPart(call: string, name: string, part: ArrayPart): CheckedPart {
  if (typeof part !== 'object' || part === null || !('data' in part)) {
    throw new MpiError('ERR_MPI_ARG', `${call}: ${name} is ${String(part)}: expected { data, shape, start }`);
  }
  const memory = new PackedMemory(part.data, `${call}: ${name}`);
  const itemBytes = unitBytesOf(memory.elements);
  const count = memory.byteLength / itemBytes;
  const facts = { name, memory, itemBytes, type: ELEMENT_NAMES[memory.elements.code]! };
  if (part.shape === undefined) {
    if (part.start !== undefined || part.subshape !== undefined) {
      throw new MpiError(
        'ERR_MPI_ARG',
        `${call}: ${name} has a start or a subshape but no shape: expected the shape of the whole array`,
      );
    }
    return { ...facts, shape: undefined, box: { start: [0], subshape: [count] } };
  }
  const { shape, start } = part;
  checkExtents(call, `${name}.shape`, shape, shape.length);
  checkExtents(call, `${name}.start`, start, shape.length);
  const subshape = part.subshape ?? rowsFor(shape, count);
  checkExtents(call, `${name}.subshape`, subshape, shape.length);
  for (const [d, extent] of shape.entries()) {
    const end = start[d]! + subshape[d]!;
    if (end <= extent) continue;
    throw new MpiError(
      'ERR_MPI_ARG',
      `${call}: ${name} is [${start[d]}, ${end}) in dimension ${d}, which has ${extent} items: expected it inside`,
    );
  }
  if (itemsIn(subshape) !== count) {
    const hint = part.subshape === undefined ? ', and a subshape where parts are no whole rows' : '';
    throw new MpiError(
      'ERR_MPI_ARG',
      `${call}: ${name} has ${count} items for a part of ${subshape.join(' x ')}: expected as many${hint}`,
    );
  }
  return { ...facts, shape: [...shape], box: { start: [...start], subshape: [...subshape] } };
}

/** The part that so many items are when they are whole rows. */
function rowsFor(shape: readonly number[], count: number): number[] {
  const row = itemsIn(shape.slice(1));
  return [row === 0 ? 0 : Math.floor(count / row), ...shape.slice(1)];
}

function checkExtents(call: string, what: string, extents: unknown, length: number): asserts extents is readonly number[] {
  const isList = Array.isArray(extents) && extents.length === length && length > 0;
  if (isList && extents.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) return;
  const shown = Array.isArray(extents) ? `[${extents.join(', ')}]` : String(extents);
  const wanted = length === 0 ? 'integers, one a dimension' : `${length} integers, 0 or more`;
  throw new MpiError('ERR_MPI_ARG', `${call}: ${what} is ${shown}: expected ${wanted}`);
}
