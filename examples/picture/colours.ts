/**
 * Colours: scales from a value to a colour.
 */

import type { Colour } from './canvas.ts';

/** Viridis, at equal distances. */
export const VIRIDIS: readonly Colour[] = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 74, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [109, 205, 89],
  [180, 222, 44],
  [253, 231, 37],
];

/** Blue over white to red, for values of both signs: ColorBrewer's RdBu, turned round. */
export const BLUE_TO_RED: readonly Colour[] = [
  [5, 48, 97],
  [33, 102, 172],
  [67, 147, 195],
  [146, 197, 222],
  [209, 229, 240],
  [247, 247, 247],
  [253, 219, 199],
  [244, 165, 130],
  [214, 96, 77],
  [178, 24, 43],
  [103, 0, 31],
];

/** Return the colour at a place from 0 to 1 of a scale; what lies outside takes its ends. */
export function mixColour(scale: readonly Colour[], place: number): Colour {
  const at = Math.min(1, Math.max(0, place)) * (scale.length - 1);
  const below = Math.min(Math.floor(at), scale.length - 2);
  const share = at - below;
  const [from, to] = [scale[below], scale[below + 1]];
  const mix = (part: number): number => Math.round(from[part] + share * (to[part] - from[part]));
  return [mix(0), mix(1), mix(2)];
}
