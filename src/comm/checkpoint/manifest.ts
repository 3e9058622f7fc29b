/**
 * Manifest: what a generation consists of, as JSON with a checksum of its own in the last line.
 */

import { crc32 } from 'node:zlib';
import { MpiError } from '../../base/errors.ts';
import { type Box, findGap } from './box.ts';
import type { SavedStep } from './checkpoint.ts';

/** Bytes under one checksum. */
export const BLOCK_BYTES: number = 1 << 20;

/** A rank's part of an array as it lies in the store. */
export interface StoredPart extends Box {
  /** Whose object holds it, from which byte on. */
  readonly rank: number;
  readonly offset: number;
  readonly byteLength: number;
  /** CRC-32 of each block. */
  readonly sums: readonly number[];
}

export interface StoredArray {
  readonly type: string;
  readonly itemBytes: number;
  /** null: the same on all ranks, rank 0's part is all of it. */
  readonly shape: readonly number[] | null;
  readonly parts: readonly StoredPart[];
}

export interface Manifest {
  readonly format: 'tsmpi checkpoint 1';
  readonly step: number;
  readonly arrays: Readonly<Record<string, StoredArray>>;
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  const text = JSON.stringify(manifest);
  return new TextEncoder().encode(`${text}\n${crc32(text)}\n`);
}

/** Return the manifest, or undefined when the bytes are not one as it was written. */
export function decodeManifest(bytes: Uint8Array): Manifest | undefined {
  const [text = '', sum, rest] = new TextDecoder().decode(bytes).split('\n');
  if (rest !== '' || sum !== String(crc32(text))) return undefined;
  const manifest = JSON.parse(text) as Manifest;
  return manifest.format === 'tsmpi checkpoint 1' ? manifest : undefined;
}

/** Put together what the ranks saved. Errors: ERR_MPI_ARG, ERR_MPI_TYPE where it does not fit together. */
export function joinParts(step: number, saved: readonly Readonly<Record<string, StoredArray>>[]): Manifest {
  const [first] = saved;
  const names = Object.keys(first!);
  for (const [rank, arrays] of saved.entries()) {
    const others = Object.keys(arrays);
    if (others.join() === names.join()) continue;
    throw new MpiError(
      'ERR_MPI_ARG',
      `save: rank 0 has the arrays ${names.join(', ')} and rank ${rank} ${others.join(', ')}: expected the same names on all ranks`,
    );
  }
  const joined = Object.entries(first!).map(([name, { type, itemBytes, shape }]): [string, StoredArray] => {
    const parts = saved.flatMap((arrays, rank) => {
      const other = arrays[name]!;
      if (other.type !== type || other.itemBytes !== itemBytes) {
        throw new MpiError(
          'ERR_MPI_TYPE',
          `save: ${name} is ${type} on rank 0 and ${other.type} on rank ${rank}: expected one element type`,
        );
      }
      if (String(other.shape) !== String(shape)) {
        const [a, b] = [shape, other.shape].map((of) => of?.join(' x ') ?? 'without a shape');
        throw new MpiError(
          'ERR_MPI_ARG',
          `save: ${name} is ${a} on rank 0 and ${b} on rank ${rank}: expected one shape, that of the whole`,
        );
      }
      return shape === null && rank > 0 ? [] : other.parts;
    });
    const gap = shape === null ? undefined : findGap(shape, parts);
    if (gap !== undefined) throw new MpiError('ERR_MPI_ARG', `save: ${name}: ${gap}: expected all of it, once`);
    return [name, { type, itemBytes, shape, parts: parts.filter(({ byteLength }) => byteLength > 0) }];
  });
  return { format: 'tsmpi checkpoint 1', step, arrays: Object.fromEntries(joined) };
}

/** What programs are told of it. */
export function describeManifest({ step, arrays }: Manifest): SavedStep {
  const entries = Object.entries(arrays).map(([name, { type, shape }]) => [name, { type, shape: shape ?? undefined }]);
  return { step, arrays: Object.fromEntries(entries) };
}
