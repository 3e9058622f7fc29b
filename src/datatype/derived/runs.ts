/**
 * Runs: the stretches of bytes that a stretch of packed bytes consists of, in order.
 *
 * The idea: as Mover finds packed bytes in a shape, by division, but for whoever copies himself: files, whose bytes lie in
 * no array.
 */

import type { Shape } from './shape.ts';

/** Takes one run: where it lies and how long it is. */
export type Visit = (offset: number, byteLength: number) => void;

/** Visit the runs of the packed bytes [skip, skip + length) of a shape that is laid at `base`. */
export function forEachRun(shape: Shape, base: number, skip: number, length: number, visit: Visit): void {
  const place = base + shape.offset;
  const end = skip + length;
  switch (shape.kind) {
    case 'run':
      if (length > 0) visit(place + skip, length);
      return;
    case 'loop': {
      const { size } = shape.child;
      for (let k = Math.floor(skip / size), at = skip; at < end; k++) {
        const inside = at - k * size;
        const part = Math.min(size - inside, end - at);
        forEachRun(shape.child, place + k * shape.stride, inside, part, visit);
        at += part;
      }
      return;
    }
    case 'blocks':
    case 'sequence': {
      const { starts } = shape;
      for (let k = 0; k < starts.length - 1; k++) {
        const from = Math.max(skip, starts[k]!);
        const part = Math.min(end, starts[k + 1]!) - from;
        if (part <= 0) continue;
        if (shape.kind === 'blocks') visit(place + shape.offsets[k]! + from - starts[k]!, part);
        else forEachRun(shape.children[k]!, place, from - starts[k]!, part, visit);
      }
    }
  }
}
