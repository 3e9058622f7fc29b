/**
 * ObjectNode: what stands for a value inside an object message's head.
 *
 * The idea: msgpackr carries arrays of strings, numbers, bytes and the like faithfully, so a value becomes a flat list. Its
 * first entry stands for the value; behind it follows a node for each object in it, in the order in which they were met.
 * Nodes do not nest but point at each other by number: cycles and shared references need nothing of their own, and
 * neither side recurses, however deep the value is.
 *
 *     entry   a primitive as it is · [n], the object of node n · [BIGINT, digits] · [NEGATIVE_ZERO, 0] · [TEXT, bytes]
 *     node    [ARRAY, entry …]              [LEAVES, one array of primitives]       [OBJECT, key, entry, key, entry …]
 *             [MAP, entry, entry …]         [SET, entry …]                          [DATE, ms]
 *             [REGEXP, source, flags]       [ERROR, name, message, stack (, cause)] [BOXED, entry of a primitive]
 *             [INLINE, kind, bytes]         [BESIDE, kind, index of the array that travels beside the head]
 *
 * TEXT holds UTF-16 units, where UTF-8 would not bring a string back as it is; BIGINT sign and hexadecimal digits, where
 * 64 bits are not enough. Kinds are element codes; 0 is an ArrayBuffer, DATA_VIEW a DataView.
 */

export const ARRAY = 0;
export const LEAVES = 1;
export const OBJECT = 2;
export const MAP = 3;
export const SET = 4;
export const DATE = 5;
export const REGEXP = 6;
export const ERROR = 7;
export const BOXED = 8;
export const INLINE = 9;
export const BESIDE = 10;

export const BIGINT = 0;
export const NEGATIVE_ZERO = 1;
export const TEXT = 2;

/** Kind of a DataView, behind the element codes. */
export const DATA_VIEW = 12;

/** A primitive, or an array: `[n]`, or a tag of a primitive and its content. */
export type Entry = unknown;

/** A tag and what it says above. */
export type ObjectNode = [tag: number, ...content: Entry[]];

/** Return whether an entry points at an object. */
export function isReference(entry: Entry): entry is [number] {
  return Array.isArray(entry) && entry.length === 1;
}
