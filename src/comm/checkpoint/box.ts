/**
 * Boxes: parts of an array of any dimensions, and where two of them meet.
 */

/** The items [start, start + subshape) of an array, the last dimension fastest. */
export interface Box {
  readonly start: readonly number[];
  readonly subshape: readonly number[];
}

/** Items in a box of that shape. */
export function itemsIn(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** A row that two boxes share. */
export interface Row {
  /** Place of its first item among the items of each box. */
  readonly place: number;
  readonly otherPlace: number;
  readonly items: number;
}

/** Return whether two boxes have items in common. */
export function meet(a: Box, b: Box): boolean {
  return a.start.every(
    (start, d) => Math.max(start, b.start[d]!) < Math.min(start + a.subshape[d]!, b.start[d]! + b.subshape[d]!),
  );
}

/** List the rows that two boxes share, in the order of `box`'s items; as long as both allow. */
export function* rowsOf(box: Box, other: Box): Generator<Row, void, void> {
  if (!meet(box, other)) return;
  const dims = box.start.length;
  const low = box.start.map((start, d) => Math.max(start, other.start[d]!));
  const extent = low.map((from, d) => Math.min(box.start[d]! + box.subshape[d]!, other.start[d]! + other.subshape[d]!) - from);
  // Dimensions that are whole in both continue each other: one row.
  let outer = dims - 1;
  while (outer > 0 && extent[outer] === box.subshape[outer] && extent[outer] === other.subshape[outer]) outer--;
  const items = itemsIn(extent.slice(Math.max(0, outer)));
  const index = new Array<number>(Math.max(0, outer)).fill(0);
  for (;;) {
    const at = low.map((from, d) => from + (index[d] ?? 0));
    yield { place: placeOf(box, at), otherPlace: placeOf(other, at), items };
    let d = index.length - 1;
    while (d >= 0 && ++index[d]! === extent[d]) index[d--] = 0;
    if (d < 0) return;
  }
}

function placeOf({ start, subshape }: Box, at: readonly number[]): number {
  let place = 0;
  for (const [d, position] of at.entries()) place = place * subshape[d]! + position - start[d]!;
  return place;
}

/** Return what is wrong with boxes that are to be a whole array together, once each; undefined: nothing. */
export function findGap(shape: readonly number[], boxes: readonly Box[]): string | undefined {
  const filled = boxes.filter(({ subshape }) => itemsIn(subshape) > 0);
  // In the order of the first dimension, a box can only meet those that begin before it ends.
  const sorted = filled.toSorted((a, b) => (a.start[0] ?? 0) - (b.start[0] ?? 0));
  for (const [k, box] of sorted.entries()) {
    const end = (box.start[0] ?? 0) + (box.subshape[0] ?? 1);
    for (let j = k + 1; j < sorted.length && (sorted[j]!.start[0] ?? 0) < end; j++) {
      const other = sorted[j]!;
      if (meet(box, other)) return `two parts overlap: those at ${describe(box)} and ${describe(other)}`;
    }
  }
  const held = filled.reduce((sum, { subshape }) => sum + itemsIn(subshape), 0);
  const wanted = itemsIn(shape);
  return held === wanted ? undefined : `the parts hold ${held} of its ${wanted} items`;
}

function describe({ start, subshape }: Box): string {
  return `[${start.join(', ')}] of ${subshape.join(' x ')}`;
}
