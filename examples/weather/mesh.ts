/**
 * Mesh: the elements of the cubed sphere and which sides meet.
 *
 * Element (panel, column i, row j) has the number (panel · cells + j) · cells + i. Its sides are west, east, south, north in
 * the panel's own angles; side s of element e is the slot 4 e + s. Sides are matched by their corners' whole-number places on
 * the cube, so no table of panel edges can be wrong.
 */

import { PANELS } from './sphere.ts';

export const SIDES = 4;

export interface Mesh {
  /** Elements a side of a panel. */
  readonly cells: number;
  readonly elements: number;
  /** Of each slot: the slot on the other side. */
  readonly neighbors: Int32Array;
  /** Of each slot: 1 where the other side counts its nodes the other way round. */
  readonly reversed: Uint8Array;
}

export interface ElementPlace {
  readonly panel: number;
  readonly column: number;
  readonly row: number;
}

export function placeElement(cells: number, element: number): ElementPlace {
  const column = element % cells;
  const rest = (element - column) / cells;
  return { panel: Math.floor(rest / cells), column, row: rest % cells };
}

/** Return the mesh of 6 · cells² elements. */
export function createMesh(cells: number): Mesh {
  const elements = PANELS.length * cells * cells;
  const neighbors = new Int32Array(SIDES * elements);
  const reversed = new Uint8Array(SIDES * elements);
  const open = new Map<string, { slot: number; from: string }>();
  for (let element = 0; element < elements; element += 1) {
    for (const [side, [from, to]] of findSides(cells, element).entries()) {
      const slot = SIDES * element + side;
      const key = from < to ? `${from} ${to}` : `${to} ${from}`;
      const other = open.get(key);
      if (other === undefined) {
        open.set(key, { slot, from });
        continue;
      }
      open.delete(key);
      neighbors[slot] = other.slot;
      neighbors[other.slot] = slot;
      reversed[slot] = other.from === from ? 0 : 1;
      reversed[other.slot] = reversed[slot];
    }
  }
  return { cells, elements, neighbors, reversed };
}

/** Return each side's first and last corner, by growing angle. */
function findSides(cells: number, element: number): (readonly [from: string, to: string])[] {
  const { panel, column, row } = placeElement(cells, element);
  const { c, a, b } = PANELS[panel];
  const corner = (i: number, j: number): string =>
    c.map((_, k) => c[k] * cells + a[k] * (2 * i - cells) + b[k] * (2 * j - cells)).join();
  const [southWest, southEast] = [corner(column, row), corner(column + 1, row)];
  const [northWest, northEast] = [corner(column, row + 1), corner(column + 1, row + 1)];
  return [
    [southWest, northWest],
    [southEast, northEast],
    [southWest, southEast],
    [northWest, northEast],
  ];
}
