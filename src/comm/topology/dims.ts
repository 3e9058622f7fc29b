/**
 * Dimensions: how a number of ranks is laid out in a grid.
 */

import { MpiError } from '../../base/errors.ts';

/**
 * Choose the extents of a grid of `size` ranks, as close to each other as possible and not increasing.
 *
 * `dims` is the number of dimensions, or a list in which a 0 is to be chosen and anything else stays. Returns the extents.
 * Errors: ERR_MPI_DIMS when `size` is no multiple of those that stay. Standard: 8.5.2.
 */
export function dimsCreate(size: number, dims: number | readonly number[]): number[] {
  const wanted =
    typeof dims === 'number' ? new Array<number>(checkExtent('the number of dimensions', dims, 0)).fill(0) : [...dims];
  checkExtent('the number of ranks', size, 1);
  let fixed = 1;
  for (const extent of wanted) if (checkExtent('a dimension', extent, 0) > 0) fixed *= extent;
  const open = wanted.filter((extent) => extent === 0).length;
  if (size % fixed !== 0 || (open === 0 && size !== fixed)) {
    throw new MpiError(
      'ERR_MPI_DIMS',
      `${size} ranks cannot be laid out as ${wanted.join(' x ')}: expected dimensions whose product is ${open === 0 ? '' : 'a divisor of '}${size}`,
    );
  }
  const chosen = balance(size / fixed, open);
  return wanted.map((extent) => (extent === 0 ? chosen.shift()! : extent));
}

/** The most even way to write `size` as a product of so many factors, largest first. */
function balance(size: number, parts: number): number[] {
  let best: number[] = [];
  const choose = (left: number, count: number, most: number, taken: readonly number[]): void => {
    if (count <= 1) {
      const factors = count === 0 ? [...taken] : [...taken, left];
      if (count === 1 && left > most) return;
      if (best.length === 0 || isMoreEven(factors, best)) best = factors;
      return;
    }
    for (let factor = Math.min(most, left); factor ** count >= left; factor--) {
      if (left % factor === 0) choose(left / factor, count - 1, factor, [...taken, factor]);
    }
  };
  choose(size, parts, size, []);
  return best;
}

/** Both are sorted, largest first: the smaller largest wins, then the larger smallest. */
function isMoreEven(a: readonly number[], b: readonly number[]): boolean {
  return a[0]! < b[0]! || (a[0] === b[0] && a.at(-1)! > b.at(-1)!);
}

function checkExtent(what: string, value: unknown, least: number): number {
  if (Number.isInteger(value) && (value as number) >= least) return value as number;
  throw new MpiError('ERR_MPI_DIMS', `${what} is ${String(value)}: expected an integer, ${least} or more`);
}
