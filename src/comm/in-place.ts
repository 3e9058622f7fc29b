/** IN_PLACE: what stands for a buffer when the other one serves as both. Standard: 6.2. */

/** Given instead of a send buffer (in scatter: of the receive buffer), it means that the other buffer serves as both. */
export const IN_PLACE: unique symbol = Symbol('IN_PLACE');

/** The type of IN_PLACE. */
export type InPlace = typeof IN_PLACE;
