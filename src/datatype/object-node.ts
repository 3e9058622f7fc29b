/**
 * ObjectNode: the tree of arrays and primitives that stands for a value inside an object message's head.
 *
 * The idea: msgpackr carries arrays, strings, numbers, bytes and the like faithfully, so all else is an array that begins
 * with one of the tags below. Objects are numbered in the order in which they are first met, the encoder and the decoder
 * alike, so that a second meeting is `[SEEN, number]`: shared references and cycles stay what they are.
 *
 *     ARRAY     items …                     OBJECT   key, value, key, value …
 *     LEAVES    one array of primitives     MAP      key, value …         SET   values …
 *     SEEN      number                      DATE     ms                   REGEXP  source, flags
 *     ERROR     name, message, stack [, cause]                            BOXED   primitive
 *     BIGINT    sign and hex digits, where 64 bits are not enough         NEGATIVE_ZERO
 *     TEXT      UTF-16 units as bytes, where UTF-8 would not bring the string back as it is
 *     INLINE    kind, bytes                 BESIDE   kind, index of the array that travels beside the head
 *
 * Kinds are element codes; 0 is an ArrayBuffer, DATA_VIEW a DataView.
 */

export const ARRAY = 0;
export const LEAVES = 1;
export const OBJECT = 2;
export const MAP = 3;
export const SET = 4;
export const SEEN = 5;
export const DATE = 6;
export const REGEXP = 7;
export const ERROR = 8;
export const BOXED = 9;
export const BIGINT = 10;
export const NEGATIVE_ZERO = 11;
export const TEXT = 12;
export const INLINE = 13;
export const BESIDE = 14;

/** Kind of a DataView, behind the element codes. */
export const DATA_VIEW = 12;

/**
 * Levels of nesting that a value may have. structuredClone gives up at about 3500 on the usual stack; a limit makes the
 * same values pass on every rank.
 */
export const MAX_DEPTH = 2000;

/** A primitive, bytes, or an array that begins with a tag. */
export type ObjectNode = unknown;
