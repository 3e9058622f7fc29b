/**
 * FileView: which bytes of a file a rank sees, as the standard has it: from `displacement` on the file type, one extent after
 * the other; what is not in it is not there for this rank. Standard: 14.3.
 *
 * Offsets of accesses count elements of the view from its beginning: bytes unless a view was set.
 */

import { MpiError } from '../../base/errors.ts';
import type { BaseType } from '../../datatype/derived/datatype.ts';
import { ANY, derivedOf, MIXED } from '../../datatype/derived/derived-type.ts';
import { forEachRun } from '../../datatype/derived/runs.ts';
import { boundsOf, type Shape, scale } from '../../datatype/derived/shape.ts';
import { BYTES, ELEMENT_BYTES, ELEMENT_NAMES, isCompatible } from '../../datatype/element-type.ts';
import type { Elements } from '../buffer.ts';
import { Span } from './span.ts';

export class FileView {
  readonly displacement: number;
  /** Bytes of what offsets count. */
  readonly #unitBytes: number;
  /** Element type that data must have; BYTES: any. */
  readonly #code: number;
  readonly #shape: Shape;
  readonly #extent: number;

  /** Errors: ERR_MPI_ARG, ERR_MPI_TYPE. */
  constructor(displacement: number, element: BaseType | undefined, fileType: BaseType | undefined) {
    if (!Number.isSafeInteger(displacement) || displacement < 0) {
      throw new MpiError(
        'ERR_MPI_ARG',
        `setView got displacement ${String(displacement)}: expected bytes, an integer, 0 or more`,
      );
    }
    const unit = element === undefined ? undefined : derivedOf(element, 'setView');
    if (unit?.code === ANY || unit?.size === 0) {
      throw new MpiError('ERR_MPI_TYPE', 'setView got an element whose type or size is not known: expected one such as f64');
    }
    const unitBytes = unit?.size ?? 1;
    const given = fileType === undefined ? unit : derivedOf(fileType, 'setView');
    const code = given === undefined || given.code === ANY ? (unit?.code ?? BYTES) : given.code;
    const factor = given?.code === ANY ? (unit?.extent ?? 1) : 1;
    const shape: Shape = given === undefined ? { kind: 'run', offset: 0, size: 1 } : scale(given.shape, factor);
    const extent = (given?.extent ?? 1) * factor;
    if (unit !== undefined && given?.code === ANY && unit.extent !== unit.size) {
      throw new MpiError(
        'ERR_MPI_TYPE',
        'setView got a file type without a type of its own over an element with holes: expected one built on the element',
      );
    }
    if (shape.size === 0 || shape.size % unitBytes !== 0 || extent <= 0) {
      throw new MpiError(
        'ERR_MPI_ARG',
        `setView got a file type of ${shape.size} bytes with extent ${extent}: expected whole elements of ${unitBytes} bytes and a positive extent`,
      );
    }
    if (displacement + boundsOf(shape).low < 0) {
      throw new MpiError('ERR_MPI_ARG', 'setView got a file type that begins before the file: expected displacements from 0 on');
    }
    this.displacement = displacement;
    this.#unitBytes = unitBytes;
    this.#code = code === MIXED ? BYTES : code;
    this.#shape = shape;
    this.#extent = extent;
  }

  /** Return where the elements of an access lie. Errors: ERR_MPI_ARG, ERR_MPI_TYPE. */
  spanOf(call: string, offset: number, { code, byteLength }: Elements): Span {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new MpiError(
        'ERR_MPI_ARG',
        `${call} got offset ${String(offset)}: expected elements of the view, an integer, 0 or more`,
      );
    }
    if (!isCompatible(code, this.#code)) {
      throw new MpiError(
        'ERR_MPI_TYPE',
        `${call} got ${ELEMENT_NAMES[code]} on a view of ${ELEMENT_NAMES[this.#code]}: expected the same element type`,
      );
    }
    if (byteLength % this.#unitBytes !== 0) {
      throw new MpiError(
        'ERR_MPI_ARG',
        `${call} got ${byteLength} bytes: expected whole elements of the view, of ${this.#unitBytes} bytes`,
      );
    }
    const span = new Span();
    const { size } = this.#shape;
    let skip = offset * this.#unitBytes;
    for (let left = byteLength; left > 0; ) {
      const tile = Math.floor(skip / size);
      const inside = skip - tile * size;
      // A file type without holes is one run however many are wanted.
      const isDense = this.#shape.kind === 'run' && size === this.#extent;
      const part = isDense ? left : Math.min(left, size - inside);
      if (isDense) span.add(this.displacement + this.#shape.offset + skip, part);
      else forEachRun(this.#shape, this.displacement + tile * this.#extent, inside, part, span.add);
      skip += part;
      left -= part;
    }
    return span;
  }
}

/** Bytes of an element of that data. */
export function unitBytesOf({ code, layout }: Elements): number {
  return layout?.unitBytes ?? ELEMENT_BYTES[code]!;
}
