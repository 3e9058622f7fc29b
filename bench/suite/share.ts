/** How a length is divided among ranks. */

/** Return the length of part k of a length that is divided among ranks as evenly as can be. */
export const share = (length: number, ranks: number, k: number): number =>
  Math.floor(((k + 1) * length) / ranks) - Math.floor((k * length) / ranks);
