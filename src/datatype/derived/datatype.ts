/**
 * Datatype and Layout: the public types of derived datatypes.
 *
 * A datatype says where the elements of one item lie; `of` lays it over an array, and the layout is what is sent or
 * received. A datatype that was given no element type takes that of the array it is laid over and counts in elements;
 * one built on `f64` and its kin, or on a struct, counts in bytes.
 */

import type { ElementType, Memory } from '../element-type.ts';

/**
 * A derived datatype laid over an array: it may stand wherever data may. Its elements count in the order in which the
 * datatype lists them. Standard: 5.1.
 */
export interface Layout<out A extends Memory = Memory> {
  readonly array: A;
  /** Where in `array` the datatype begins, in bytes. */
  readonly byteOffset: number;
  readonly datatype: Datatype;
}

/** Where the elements of one item lie. Datatypes never change and need not be committed or freed. Standard: 5.1. */
export interface Datatype {
  /** What its elements are; undefined: whatever the array holds; 'mixed': a struct of several types. */
  readonly element: ElementType | 'mixed' | undefined;
  /** Elements it holds, in bytes, or in elements while no element type is given. Standard: 5.1.7. */
  readonly size: number;
  /** Distance from one item to the next, in the unit of `size`. Standard: 5.1.7. */
  readonly extent: number;
  /** Where an item begins: below 0 when elements lie before the place it is laid at. Standard: 5.1.7. */
  readonly lowerBound: number;
  /** Where its first element lies, and how far it is from there to the end of its last, without what `resized` changed. */
  readonly trueLowerBound: number;
  readonly trueExtent: number;
  /**
   * Lay it over an array, from element `offset` (byte, for a DataView or a buffer) on.
   *
   * @throws MpiError ERR_MPI_TYPE when the array holds other elements, ERR_MPI_BUFFER when an element lies outside of it.
   */
  of<A extends Memory>(array: A, offset?: number): Layout<A>;
  /** The same elements with other bounds, in the unit of `size`. Standard: 5.1.8. */
  resized(lowerBound: number, extent: number): Datatype;
}

/** What a datatype can be built of: any other one, a struct among them. */
export type BaseType = Omit<Datatype, 'of'>;

/** The datatype of one element. `V` is what JavaScript reads from it. */
export interface Element<out V> extends Datatype {
  readonly __value?: V;
}
