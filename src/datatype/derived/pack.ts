/**
 * pack and unpack: elements of data to packed bytes and back, for programs that keep or carry them themselves.
 *
 * Packed bytes are the elements in their order, in the byte order of this machine. Standard: 5.2.
 */

import { MpiError } from '../../base/errors.ts';
import type { Data, Fresh } from '../data.ts';
import { BYTES, bytesOf, elementCode, type Memory } from '../element-type.ts';
import { isLayout } from './array-layout.ts';
import { wordViews } from './mover.ts';

/** Bytes that `pack` writes for that data. Standard: 5.2, MPI_Pack_size. */
export function packSize(data: Data): number {
  return isLayout(data) ? data.byteLength : checked(data, 'packSize').byteLength;
}

/** The elements of `data`, one behind the other, in a fresh array. */
export function pack<A extends Data>(data: A): Fresh<A>;
/**
 * Write the elements of `data` into memory, from byte `position` on. Return the position behind them.
 *
 * @throws MpiError ERR_MPI_BUFFER when there is no room. Standard: 5.2.
 */
export function pack(data: Data, into: Memory, position?: number): number;
export function pack(data: Data, into?: Memory, position = 0): unknown {
  if (into === undefined) return isLayout(data) ? data.toArray() : copyOf(checked(data, 'pack'));
  const bytes = packSize(data);
  const target = bytesOf(checked(into, 'pack'));
  checkRoom('pack', target, position, bytes);
  if (isLayout(data)) data.pack(0, bytes, wordViews(target.buffer), target.byteOffset + position);
  else target.set(bytesOf(data as Memory), position);
  return position + bytes;
}

/**
 * Fill the elements of `into` from packed bytes, from byte `position` of `from` on. Return the position behind them.
 *
 * @throws MpiError ERR_MPI_BUFFER when there are not as many bytes. Standard: 5.2.
 */
export function unpack(from: Memory, position: number, into: Data): number {
  const bytes = packSize(into);
  const source = bytesOf(checked(from, 'unpack'));
  checkRoom('unpack', source, position, bytes);
  if (isLayout(into)) into.unpack(0, bytes, wordViews(source.buffer), source.byteOffset + position);
  else bytesOf(into as Memory).set(source.subarray(position, position + bytes));
  return position + bytes;
}

function copyOf(data: Memory): unknown {
  return elementCode(data) === BYTES ? bytesOf(data).slice() : (data as Uint8Array).slice();
}

function checked(data: unknown, call: string): Memory {
  if (elementCode(data) >= 0) return data as Memory;
  throw new MpiError('ERR_MPI_TYPE', `${call} got ${String(data)}: expected a typed array, DataView, buffer or layout`);
}

function checkRoom(call: string, { byteLength }: Uint8Array, position: number, bytes: number): void {
  if (!Number.isSafeInteger(position) || position < 0) {
    throw new MpiError('ERR_MPI_ARG', `${call} got position ${String(position)}: expected a number of bytes, 0 or more`);
  }
  if (position + bytes <= byteLength) return;
  throw new MpiError(
    'ERR_MPI_BUFFER',
    `${call}: ${bytes} bytes from position ${position} on do not fit into ${byteLength}: expected as many`,
  );
}
