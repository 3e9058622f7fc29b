/**
 * Saving: a rank's parts become one object, whose blocks are summed while they are written.
 */

import { crc32 } from 'node:zlib';
import type { Work } from '../file/piecework.ts';
import type { CheckedPart } from './array-part.ts';
import { partName } from './generations.ts';
import { BLOCK_BYTES, type StoredArray } from './manifest.ts';
import type { Store } from './store.ts';

/** Write this rank's parts. Return what the manifest is to say of them, by name. */
export function* savePart(
  store: Store,
  generation: number,
  rank: number,
  parts: readonly CheckedPart[],
): Work<Readonly<Record<string, StoredArray>>> {
  // What all ranks hold is rank 0's to save.
  const own = (part: CheckedPart): boolean => part.memory.byteLength > 0 && (part.shape !== undefined || rank === 0);
  const sums = new Map<CheckedPart, number[]>(parts.map((part) => [part, []]));
  function* blocks(): Generator<Uint8Array, void, void> {
    for (const part of parts.filter(own)) {
      for (let at = 0; at < part.memory.byteLength; at += BLOCK_BYTES) {
        const block = part.memory.slice(at, Math.min(BLOCK_BYTES, part.memory.byteLength - at));
        sums.get(part)!.push(crc32(block));
        yield block;
      }
    }
  }
  if (parts.some(own)) yield* store.put(partName(generation, rank), blocks());
  let offset = 0;
  const arrays = parts.map((part): [string, StoredArray] => {
    const { name, type, itemBytes, shape, memory, box } = part;
    const byteLength = own(part) ? memory.byteLength : 0;
    const stored = { ...box, rank, offset, byteLength, sums: sums.get(part)! };
    offset += byteLength;
    return [name, { type, itemBytes, shape: shape ?? null, parts: [stored] }];
  });
  return Object.fromEntries(arrays);
}
