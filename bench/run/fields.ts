/**
 * Fields: whether all sides computed the same flow, from the files that their programs write after the same first steps.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What rounding may make of a flow whose velocities are of the order 1. */
export const LARGEST_DIFFERENCE = 1e-10;

/** How far a side's fields are from those of the first side. */
export interface FieldDifference {
  readonly program: string;
  readonly ranks: number;
  readonly size: number;
  readonly side: string;
  /** Of all values of u, v and p; infinite: they are not as many. */
  readonly largest: number;
}

/** Return what begins the names of the files of a side, by its place among the sides, on so many ranks. */
export function fieldsOf(folder: string, index: number, ranks: number): string {
  return join(folder, `fields-${index}-${ranks}`);
}

/** Compare the last fields that each side has written with those of the first. */
export function compareFields(
  folder: string,
  sides: readonly string[],
  program: string,
  ranks: readonly number[],
  sizes: readonly number[],
): FieldDifference[] {
  return ranks.flatMap((count) =>
    sizes.flatMap((size) => {
      const [first, ...others] = sides.map((_, index) => `${fieldsOf(folder, index, count)}-${size}`);
      if (!existsSync(first!)) return [];
      const wanted = readField(first!);
      return others.flatMap((file, index) =>
        existsSync(file)
          ? [{ program, ranks: count, size, side: sides[index + 1]!, largest: largestDifference(wanted, readField(file)) }]
          : [],
      );
    }),
  );
}

/** Say which fields are too far apart. */
export function describeWrong(differences: readonly FieldDifference[], first: string): string[] {
  return differences
    .filter(({ largest }) => !(largest <= LARGEST_DIFFERENCE))
    .map(
      ({ program, ranks, size, side, largest }) =>
        `${program}, ${ranks} ranks, ${size} cells a side: fields of ${side} differ by ${largest} from those of ${first}, expected ${LARGEST_DIFFERENCE} at most`,
    );
}

function largestDifference(one: Float64Array, other: Float64Array): number {
  if (one.length !== other.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let k = 0; k < one.length; k++) largest = Math.max(largest, Math.abs(one[k]! - other[k]!));
  return largest;
}

function readField(file: string): Float64Array {
  return new Float64Array(new Uint8Array(readFileSync(file)).buffer);
}
