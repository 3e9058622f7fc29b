/**
 * Partition: which elements belong to which rank.
 *
 * The idea: recursive bisection. A list of elements is sorted along the axis in which it is longest and cut in proportion to
 * the ranks of both halves, so parts are compact, differ by one element at most per cut, and parts with near numbers lie near
 * each other. It depends on the mesh and the number of ranks alone: every rank computes all of it.
 * See: Berger and Bokhari, A partitioning strategy for nonuniform problems on multiprocessors (1987), IEEE Trans. Comput. 36.
 */

import { type Mesh, placeElement } from './mesh.ts';
import { locatePoint } from './sphere.ts';

/** Return the owner of each element. */
export function partitionMesh({ cells, elements }: Mesh, ranks: number): Int32Array {
  const width = Math.PI / 2 / cells;
  const middles = Array.from({ length: elements }, (_, element) => {
    const { panel, column, row } = placeElement(cells, element);
    const angle = (index: number): number => ((2 * index - cells + 1) * width) / 2;
    return locatePoint(panel, angle(column), angle(row)).position;
  });
  const owners = new Int32Array(elements);
  const cut = (list: number[], firstRank: number, count: number): void => {
    if (count === 1) {
      for (const element of list) owners[element] = firstRank;
      return;
    }
    const extents = [0, 1, 2].map((axis) => {
      // Not Math.max(...): a call takes a hundred thousand arguments at most.
      let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const element of list) {
        least = Math.min(least, middles[element][axis]);
        most = Math.max(most, middles[element][axis]);
      }
      return most - least;
    });
    const axis = extents.indexOf(Math.max(...extents));
    // Rounded, since mirror images are equal but for the last bits; then the number decides.
    const place = (element: number): number => Math.round(middles[element][axis] * 1e9);
    list.sort((left, right) => place(left) - place(right) || left - right);
    const half = count >> 1;
    const at = Math.round((list.length * half) / count);
    cut(list.slice(0, at), firstRank, half);
    cut(list.slice(at), firstRank + half, count - half);
  };
  cut(
    Array.from({ length: elements }, (_, element) => element),
    0,
    ranks,
  );
  return owners;
}

/** Return the elements of a rank: those with a side to another rank first, then those inside. */
export function listElements(mesh: Mesh, owners: Int32Array, rank: number): { elements: Int32Array; atBorder: number } {
  const border: number[] = [];
  const inside: number[] = [];
  for (let element = 0; element < mesh.elements; element += 1) {
    if (owners[element] !== rank) continue;
    const around = mesh.neighbors.subarray(4 * element, 4 * element + 4);
    (around.every((slot) => owners[slot >> 2] === rank) ? inside : border).push(element);
  }
  return { elements: Int32Array.from([...border, ...inside]), atBorder: border.length };
}
