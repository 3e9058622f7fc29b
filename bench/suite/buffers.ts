/**
 * Buffers of messages: allocated and filled by their rank, which is pinned before, so that their pages lie near its core
 * and are its own (pages never written read too fast).
 *
 * With rotation there are as many as fill four times the last cache, and each operation takes the next: then messages come
 * from memory. Their number is a power of two, for the mask.
 */

import { alloc } from 'tsmpi';
import { lastCacheBytes } from './machine.ts';

const CACHES = 4;
const LINE = 64;
/** More add nothing: neighbours share no line. */
const MOST = 1 << 16;

export interface Buffers {
  readonly views: readonly Uint8Array<ArrayBuffer>[];
  /** Buffer k is views[k & mask]. */
  readonly mask: number;
}

export function createBuffers(size: number, fill: number, isRotating: boolean): Buffers {
  if (!isRotating) return { views: [alloc(Uint8Array, size).fill(fill) as Uint8Array<ArrayBuffer>], mask: 0 };
  const stride = Math.max(LINE, Math.ceil(size / LINE) * LINE);
  const wanted = Math.min(MOST, Math.max(2, (CACHES * lastCacheBytes()) / stride));
  const count = 2 ** Math.ceil(Math.log2(wanted));
  const memory = alloc(Uint8Array, count * stride).fill(fill);
  const views = Array.from(
    { length: count },
    (_, k) => memory.subarray(k * stride, k * stride + size) as Uint8Array<ArrayBuffer>,
  );
  return { views, mask: count - 1 };
}

/** What touch() has summed: kept, so that no compiler leaves the sums out. */
let sum = 0;

/** Read every byte, in words of eight where there are such. */
export function touch(view: Uint8Array): void {
  const words = new Float64Array(view.buffer, view.byteOffset, view.byteLength >> 3);
  let total = 0;
  for (let k = 0; k < words.length; k++) total += words[k]!;
  for (let k = words.length * 8; k < view.length; k++) total += view[k]!;
  sum += total;
}

/** Throw if nothing of what was received could be summed. */
export function assertTouched(): void {
  if (Number.isNaN(sum)) throw new Error('received data summed up to no number');
}
