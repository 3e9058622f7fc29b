/**
 * Constructors of derived datatypes, under the standard's names. Standard: 5.1.2.
 *
 * Counts and distances are in extents of `of`, in bytes where the name begins with h. Without `of` the element is that of
 * the array which the datatype is laid over.
 */

import { MpiError } from '../../base/errors.ts';
import { F32, F64, I8, I16, I32, I64, U8, U16, U32, U64 } from '../element-type.ts';
import type { BaseType, Datatype, Element } from './datatype.ts';
import { ANY, DerivedType, derivedOf, elementType } from './derived-type.ts';
import { repeat, type Shape, sequence, shift } from './shape.ts';

export const i8: Element<number> = elementType(I8);
export const u8: Element<number> = elementType(U8);
export const i16: Element<number> = elementType(I16);
export const u16: Element<number> = elementType(U16);
export const i32: Element<number> = elementType(I32);
export const u32: Element<number> = elementType(U32);
export const f32: Element<number> = elementType(F32);
export const f64: Element<number> = elementType(F64);
export const i64: Element<bigint> = elementType(I64);
export const u64: Element<bigint> = elementType(U64);

/** `count` items one behind the other. Standard: 5.1.2. */
export function contiguous(count: number, of?: BaseType): Datatype {
  const item = derivedOf(of, 'contiguous');
  checkCount('contiguous', 'count', count);
  return strided(item, item.shape, count, 1, item.extent);
}

/**
 * `count` blocks of `blockLength` items; blocks begin `stride` items apart: a column of a matrix is
 * `vector(rows, 1, columns)`. Standard: 5.1.2.
 */
export function vector(count: number, blockLength: number, stride: number, of?: BaseType): Datatype {
  const item = derivedOf(of, 'vector');
  checkCount('vector', 'count', count);
  checkCount('vector', 'blockLength', blockLength);
  checkDistance('vector', 'stride', stride);
  return strided(item, repeat(item.shape, blockLength, item.extent), count, blockLength, stride * item.extent);
}

/** As vector, with the stride in bytes. Standard: 5.1.2. */
export function hvector(count: number, blockLength: number, strideBytes: number, of: BaseType): Datatype {
  const item = inBytes('hvector', of);
  checkCount('hvector', 'count', count);
  checkCount('hvector', 'blockLength', blockLength);
  checkDistance('hvector', 'stride', strideBytes);
  return strided(item, repeat(item.shape, blockLength, item.extent), count, blockLength, strideBytes);
}

/** Block k: `blockLengths[k]` items from item `displs[k]` on. Standard: 5.1.2. */
export function indexed(blockLengths: ArrayLike<number>, displs: ArrayLike<number>, of?: BaseType): Datatype {
  const item = derivedOf(of, 'indexed');
  return blocks('indexed', item, blockLengths, displs, item.extent);
}

/** As indexed, with displacements in bytes. Standard: 5.1.2. */
export function hindexed(blockLengths: ArrayLike<number>, displsBytes: ArrayLike<number>, of: BaseType): Datatype {
  return blocks('hindexed', inBytes('hindexed', of), blockLengths, displsBytes, 1);
}

/** Blocks of `blockLength` items each, from items `displs` on. Standard: 5.1.2. */
export function indexedBlock(blockLength: number, displs: ArrayLike<number>, of?: BaseType): Datatype {
  checkCount('indexedBlock', 'blockLength', blockLength);
  const item = derivedOf(of, 'indexedBlock');
  return blocks('indexedBlock', item, new Array<number>(displs.length).fill(blockLength), displs, item.extent);
}

/** As indexedBlock, with displacements in bytes. Standard: 5.1.2. */
export function hindexedBlock(blockLength: number, displsBytes: ArrayLike<number>, of: BaseType): Datatype {
  checkCount('hindexedBlock', 'blockLength', blockLength);
  const lengths = new Array<number>(displsBytes.length).fill(blockLength);
  return blocks('hindexedBlock', inBytes('hindexedBlock', of), lengths, displsBytes, 1);
}

/**
 * The part `[start, start + subshape)` of an array of that shape, the last dimension fastest. Its extent is the whole
 * array. Standard: 5.1.3.
 */
export function subarray(
  shape: readonly number[],
  subshape: readonly number[],
  start: readonly number[],
  of?: BaseType,
): Datatype {
  const item = derivedOf(of, 'subarray');
  if (subshape.length !== shape.length || start.length !== shape.length || shape.length === 0) {
    throw new MpiError(
      'ERR_MPI_ARG',
      `subarray got ${shape.length} dimensions, ${subshape.length} lengths and ${start.length} starts: expected as many of each`,
    );
  }
  for (const [d, whole] of shape.entries()) {
    checkCount('subarray', `shape[${d}]`, whole);
    checkCount('subarray', `subshape[${d}]`, subshape[d]);
    checkCount('subarray', `start[${d}]`, start[d]);
    if (start[d]! + subshape[d]! > whole) {
      throw new MpiError(
        'ERR_MPI_ARG',
        `subarray: dimension ${d} has ${whole} items, the part is [${start[d]}, ${start[d]! + subshape[d]!}): expected it inside`,
      );
    }
  }
  let part: Shape = item.shape;
  let stride = item.extent;
  let first = 0;
  for (let d = shape.length - 1; d >= 0; d--) {
    part = repeat(part, subshape[d]!, stride);
    first += start[d]! * stride;
    stride *= shape[d]!;
  }
  return new DerivedType(item.code, shift(part, part.size === 0 ? 0 : first), 0, stride);
}

/**
 * The part of an array of that shape that is rank `rank`'s when it is cut into blocks over a grid of `dims` ranks, the
 * last dimension fastest: dimension d in blocks of ceil(shape[d] / dims[d]). Standard: 5.1.4, distribution MPI_DISTRIBUTE_BLOCK.
 */
export function darray(size: number, rank: number, shape: readonly number[], dims: readonly number[], of?: BaseType): Datatype {
  checkCount('darray', 'rank', rank);
  const product = dims.reduce((all, dim) => all * dim, 1);
  if (dims.length !== shape.length || product !== size || rank >= size) {
    throw new MpiError(
      'ERR_MPI_ARG',
      `darray got rank ${rank} of ${size}, an array of ${shape.length} dimensions and a grid of ${dims.join(' x ')}: expected a grid of as many dimensions whose product is the size, and a rank below it`,
    );
  }
  let rest = rank;
  const start: number[] = [];
  const part: number[] = [];
  for (let d = shape.length - 1; d >= 0; d--) {
    checkCount('darray', `shape[${d}]`, shape[d]);
    const coordinate = rest % dims[d]!;
    rest = Math.floor(rest / dims[d]!);
    const block = Math.ceil(shape[d]! / dims[d]!);
    start[d] = Math.min(shape[d]!, coordinate * block);
    part[d] = Math.min(block, shape[d]! - start[d]!);
  }
  return subarray(shape, part, start, of);
}

/** Lay out `count` blocks, `stride` apart; each is `blockLength` items. */
function strided(item: DerivedType, block: Shape, count: number, blockLength: number, stride: number): DerivedType {
  if (count === 0 || blockLength === 0) return new DerivedType(item.code, repeat(block, 0, 0), 0, 0);
  const last = (count - 1) * stride;
  const within = (blockLength - 1) * item.extent;
  const low = item.lowerBound + Math.min(0, last) + Math.min(0, within);
  const high = item.lowerBound + item.extent + Math.max(0, last) + Math.max(0, within);
  return new DerivedType(item.code, repeat(block, count, stride), low, high - low);
}

function blocks(
  call: string,
  item: DerivedType,
  lengths: ArrayLike<number>,
  displs: ArrayLike<number>,
  unit: number,
): DerivedType {
  if (lengths.length !== displs.length) {
    throw new MpiError(
      'ERR_MPI_ARG',
      `${call} got ${lengths.length} lengths and ${displs.length} displacements: expected as many of each`,
    );
  }
  const parts: Shape[] = [];
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < lengths.length; k++) {
    const length = lengths[k]!;
    checkCount(call, `blockLengths[${k}]`, length);
    checkDistance(call, `displs[${k}]`, displs[k]);
    if (length === 0) continue;
    const place = displs[k]! * unit;
    parts.push(shift(repeat(item.shape, length, item.extent), place));
    low = Math.min(low, place + item.lowerBound);
    high = Math.max(high, place + item.lowerBound + length * item.extent);
  }
  if (parts.length === 0) return new DerivedType(item.code, repeat(item.shape, 0, 0), 0, 0);
  return new DerivedType(item.code, sequence(parts), low, high - low);
}

/** A datatype whose unit is the byte: distances in bytes mean nothing while the element is not known. */
function inBytes(call: string, of: BaseType): DerivedType {
  const item = derivedOf(of, call);
  if (item.code !== ANY) return item;
  throw new MpiError(
    'ERR_MPI_TYPE',
    `${call} counts bytes, and its element type is not known: expected one such as f64 for \`of\``,
  );
}

function checkCount(call: string, name: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return;
  throw new MpiError('ERR_MPI_COUNT', `${call} got ${String(value)} for ${name}: expected an integer, 0 or more`);
}

function checkDistance(call: string, name: string, value: unknown): void {
  if (Number.isSafeInteger(value)) return;
  throw new MpiError('ERR_MPI_ARG', `${call} got ${String(value)} for ${name}: expected an integer`);
}
