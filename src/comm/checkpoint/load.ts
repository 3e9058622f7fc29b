/**
 * Loading: the blocks of other ranks' parts that hold something of this rank's, each compared with its checksum.
 *
 * What is read lies beside the program's arrays until all ranks have found all of it right.
 */

import { crc32 } from 'node:zlib';
import { MpiError } from '../../base/errors.ts';
import type { Work } from '../file/piecework.ts';
import type { CheckedPart } from './array-part.ts';
import { type Box, rowsOf } from './box.ts';
import { partName } from './generations.ts';
import { BLOCK_BYTES, type Manifest, type StoredArray, type StoredPart } from './manifest.ts';
import type { Store } from './store.ts';

/** An array's bytes for this rank, read and found right. */
export interface LoadedPart {
  readonly part: CheckedPart;
  readonly bytes: Uint8Array;
}

/** Throw unless these parts are parts of what was saved. Errors: ERR_MPI_ARG, ERR_MPI_TYPE. */
export function checkWanted({ step, arrays }: Manifest, parts: readonly CheckedPart[]): void {
  for (const { name, type, itemBytes, shape, memory } of parts) {
    const stored = Object.hasOwn(arrays, name) ? arrays[name] : undefined;
    if (stored === undefined) {
      throw new MpiError(
        'ERR_MPI_ARG',
        `load: step ${step} has no array ${name}: expected one of ${Object.keys(arrays).join(', ')}`,
      );
    }
    if (stored.type !== type || stored.itemBytes !== itemBytes) {
      const items = stored.type === 'bytes' ? ` of ${stored.itemBytes}` : '';
      throw new MpiError(
        'ERR_MPI_TYPE',
        `load: ${name} is ${type}, saved as ${stored.type}${items}: expected the type it was saved as`,
      );
    }
    const saved = stored.shape ?? [];
    if (saved.join() !== (shape ?? []).join()) {
      const words = (of: readonly number[]): string => (of.length === 0 ? 'without a shape' : of.join(' x '));
      throw new MpiError(
        'ERR_MPI_ARG',
        `load: ${name} is ${words(shape ?? [])}, saved ${words(saved)}: expected the shape it was saved with`,
      );
    }
    const whole = stored.parts[0]?.byteLength ?? 0;
    if (shape === undefined && memory.byteLength !== whole) {
      throw new MpiError('ERR_MPI_ARG', `load: ${name} has ${memory.byteLength} bytes, saved with ${whole}: expected as many`);
    }
  }
}

/** Read the bytes of these parts. Throws where a block is not as it was written. */
export function* loadParts(
  store: Store,
  generation: number,
  { arrays }: Manifest,
  parts: readonly CheckedPart[],
): Work<LoadedPart[]> {
  const loaded: LoadedPart[] = [];
  for (const part of parts) {
    const bytes = new Uint8Array(part.memory.byteLength);
    const stored = arrays[part.name]!;
    for (const source of stored.parts) yield* copyShared(store, generation, part, stored, source, bytes);
    loaded.push({ part, bytes });
  }
  return loaded;
}

function* copyShared(
  store: Store,
  generation: number,
  { name, box }: CheckedPart,
  { itemBytes, shape }: StoredArray,
  source: StoredPart,
  into: Uint8Array,
): Work<void> {
  const from: Box = shape === null ? box : source;
  let number = -1;
  let block: Uint8Array = new Uint8Array(0);
  // Rows come in the order of the source's bytes, so each block is read once.
  for (const { place, otherPlace, items } of rowsOf(from, box)) {
    const end = (place + items) * itemBytes;
    let target = otherPlace * itemBytes;
    for (let at = place * itemBytes; at < end; ) {
      const wanted = Math.floor(at / BLOCK_BYTES);
      if (wanted !== number) {
        block = yield* readBlock(store, generation, name, source, wanted);
        number = wanted;
        yield;
      }
      const stop = Math.min(end, (number + 1) * BLOCK_BYTES);
      into.set(block.subarray(at - number * BLOCK_BYTES, stop - number * BLOCK_BYTES), target);
      target += stop - at;
      at = stop;
    }
  }
}

function* readBlock(
  store: Store,
  generation: number,
  name: string,
  { rank, offset, byteLength, sums }: StoredPart,
  number: number,
): Work<Uint8Array> {
  const object = partName(generation, rank);
  const at = number * BLOCK_BYTES;
  const length = Math.min(BLOCK_BYTES, byteLength - at);
  const block = yield* store.get(object, offset + at, length);
  if (block.byteLength === length && crc32(block) === sums[number]) return block;
  const what = block.byteLength < length ? `has ${block.byteLength} of its ${length} bytes` : 'is not as it was written';
  throw new MpiError('ERR_MPI_IO', `block ${number} of ${name} in ${store.name}/${object} ${what}`);
}
