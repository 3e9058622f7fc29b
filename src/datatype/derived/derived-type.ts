/**
 * DerivedType: a datatype as its constructors make it.
 *
 * The idea: a shape with bounds, in elements of an array not known yet (ANY) or in bytes. `of` multiplies the former once
 * for each element size. Bounds are checked when it is laid over an array, so a message never looks outside of one.
 */

import { MpiError } from '../../base/errors.ts';
import { BYTES, ELEMENT_BYTES, ELEMENT_NAMES, type ElementType, elementCode, type Memory } from '../element-type.ts';
import { ArrayLayout } from './array-layout.ts';
import type { Datatype } from './datatype.ts';
import { boundsOf, repeat, run, type Shape, scale } from './shape.ts';

/** In the place of an element code: whatever the array holds; several types. */
export const ANY = -1;
export const MIXED = -2;

export class DerivedType implements Datatype {
  /** An element code, ANY or MIXED. */
  readonly code: number;
  readonly shape: Shape;
  readonly lowerBound: number;
  readonly extent: number;
  readonly #scaled: (Shape | undefined)[] = [];

  constructor(code: number, shape: Shape, lowerBound: number, extent: number) {
    this.code = code;
    this.shape = shape;
    this.lowerBound = lowerBound;
    this.extent = extent;
  }

  get [Symbol.toStringTag](): string {
    return 'Datatype';
  }

  get element(): ElementType | 'mixed' | undefined {
    if (this.code === ANY) return undefined;
    return this.code === MIXED ? 'mixed' : (ELEMENT_NAMES[this.code] as ElementType);
  }

  get size(): number {
    return this.shape.size;
  }

  get trueLowerBound(): number {
    return boundsOf(this.shape).low;
  }

  get trueExtent(): number {
    const { low, high } = boundsOf(this.shape);
    return high - low;
  }

  of<A extends Memory>(array: A, offset = 0): ArrayLayout<A> {
    return this.layItems(array, offset, 1);
  }

  /** Lay so many items over an array, one extent apart. */
  layItems<A extends Memory>(array: A, offset: number, count: number): ArrayLayout<A> {
    const held = elementCode(array);
    if (held < 0)
      throw new MpiError('ERR_MPI_TYPE', `a datatype was laid over ${String(array)}: expected a typed array, DataView or buffer`);
    if (!Number.isSafeInteger(offset)) {
      throw new MpiError(
        'ERR_MPI_ARG',
        `a datatype was laid at offset ${String(offset)}: expected an integer number of elements`,
      );
    }
    if (this.code !== ANY && held !== BYTES && held !== this.code) {
      throw new MpiError(
        'ERR_MPI_TYPE',
        `a datatype of ${this.element} was laid over ${ELEMENT_NAMES[held]}: expected an array of ${this.code === MIXED ? 'bytes (a DataView)' : this.element}`,
      );
    }
    const code = this.code === ANY ? held : this.code === MIXED ? BYTES : this.code;
    const heldBytes = ELEMENT_BYTES[held]!;
    const factor = this.code === ANY ? heldBytes : 1;
    const item = this.#scaledBy(factor);
    const shape = repeat(item, count, this.extent * factor);
    const byteOffset = offset * heldBytes;
    const { low, high } = boundsOf(shape);
    const { byteLength } = array;
    if (shape.size !== 0 && (byteOffset + low < 0 || byteOffset + high > byteLength)) {
      const per = (bytes: number): number => bytes / heldBytes;
      const what = held === BYTES ? 'bytes' : 'elements';
      throw new MpiError(
        'ERR_MPI_BUFFER',
        `a datatype laid at ${offset} covers ${what} ${per(byteOffset + low)} to ${per(byteOffset + high)} of an array of ${per(byteLength)}: expected it inside`,
      );
    }
    return new ArrayLayout(array, byteOffset, this, code, this.code === MIXED ? item.size : ELEMENT_BYTES[code]!, shape);
  }

  resized(lowerBound: number, extent: number): DerivedType {
    for (const [name, value] of Object.entries({ lowerBound, extent })) {
      if (!Number.isSafeInteger(value))
        throw new MpiError('ERR_MPI_ARG', `resized got ${String(value)} for ${name}: expected an integer`);
    }
    return new DerivedType(this.code, this.shape, lowerBound, extent);
  }

  #scaledBy(factor: number): Shape {
    this.#scaled[factor] ??= scale(this.shape, factor);
    return this.#scaled[factor]!;
  }
}

/** The datatype of one element of any type. */
export const ANY_ELEMENT: DerivedType = new DerivedType(ANY, run(0, 1), 0, 1);

/** Return a datatype as the class behind it. Errors: ERR_MPI_TYPE. */
export function derivedOf(datatype: unknown, call: string): DerivedType {
  if (datatype === undefined) return ANY_ELEMENT;
  if (datatype instanceof DerivedType) return datatype;
  throw new MpiError(
    'ERR_MPI_TYPE',
    `${call} got ${String(datatype)} for its datatype: expected one such as f64 or what vector() returns`,
  );
}

/** Make the datatype of one element of a type. */
export function elementType(code: number): DerivedType {
  const bytes = ELEMENT_BYTES[code]!;
  return new DerivedType(code, run(0, bytes), 0, bytes);
}
