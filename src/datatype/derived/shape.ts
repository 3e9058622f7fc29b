/**
 * Shape: which stretches of memory an item consists of, in order, as a nest of loops over contiguous runs.
 *
 * The idea: a vector or a subarray is loops, however large; only what has no regularity is listed. Constructors bring a
 * shape into its simplest form (adjacent runs are one, loops that continue each other are one), so a whole array is one
 * run whatever it was built of. Every node knows its size, so that any stretch of the packed bytes is found by division.
 *
 *     run       size bytes at offset
 *     loop      count times the child, stride apart
 *     blocks    runs at offsets[k] of starts[k + 1] - starts[k] bytes
 *     sequence  children one after the other, child k from packed byte starts[k] on
 */

export interface Run {
  readonly kind: 'run';
  readonly offset: number;
  readonly size: number;
}

export interface Loop {
  readonly kind: 'loop';
  readonly offset: number;
  readonly size: number;
  readonly count: number;
  readonly stride: number;
  readonly child: Shape;
}

export interface Blocks {
  readonly kind: 'blocks';
  readonly offset: number;
  readonly size: number;
  readonly offsets: Float64Array;
  readonly starts: Float64Array;
}

export interface Sequence {
  readonly kind: 'sequence';
  readonly offset: number;
  readonly size: number;
  readonly children: readonly Shape[];
  readonly starts: Float64Array;
}

export type Shape = Run | Loop | Blocks | Sequence;

const EMPTY: Run = { kind: 'run', offset: 0, size: 0 };

export function run(offset: number, size: number): Run {
  return { kind: 'run', offset, size };
}

/** The same shape so many bytes further on. */
export function shift<S extends Shape>(shape: S, by: number): S {
  return by === 0 ? shape : { ...shape, offset: shape.offset + by };
}

/** The shape with every length and distance multiplied. */
export function scale(shape: Shape, by: number): Shape {
  if (by === 1) return shape;
  const offset = shape.offset * by;
  const size = shape.size * by;
  const times = (value: number): number => value * by;
  switch (shape.kind) {
    case 'run':
      return { ...shape, offset, size };
    case 'loop':
      return { ...shape, offset, size, stride: shape.stride * by, child: scale(shape.child, by) };
    case 'blocks':
      return { ...shape, offset, size, offsets: shape.offsets.map(times), starts: shape.starts.map(times) };
    case 'sequence':
      return {
        ...shape,
        offset,
        size,
        children: shape.children.map((child) => scale(child, by)),
        starts: shape.starts.map(times),
      };
  }
}

/** So many of them, `stride` apart. */
export function repeat(shape: Shape, count: number, stride: number): Shape {
  const size = shape.size * count;
  if (size === 0) return EMPTY;
  if (count === 1) return shape;
  if (shape.kind === 'run' && stride === shape.size) return run(shape.offset, size);
  if (shape.kind === 'loop' && stride === shape.count * shape.stride) return { ...shape, size, count: shape.count * count };
  return { kind: 'loop', offset: 0, size, count, stride, child: shape };
}

/** One after the other. */
export function sequence(shapes: readonly Shape[]): Shape {
  const merged: Shape[] = [];
  for (const shape of shapes) {
    if (shape.size === 0) continue;
    const last = merged.at(-1);
    if (last?.kind === 'run' && shape.kind === 'run' && last.offset + last.size === shape.offset) {
      merged[merged.length - 1] = run(last.offset, last.size + shape.size);
    } else merged.push(shape);
  }
  if (merged.length === 0) return EMPTY;
  if (merged.length === 1) return merged[0]!;
  const starts = new Float64Array(merged.length + 1);
  for (const [k, { size }] of merged.entries()) starts[k + 1] = starts[k]! + size;
  const size = starts[merged.length]!;
  if (!merged.every((shape) => shape.kind === 'run')) return { kind: 'sequence', offset: 0, size, children: merged, starts };
  const [first, second] = merged as [Shape, Shape];
  const stride = second.offset - first.offset;
  const isRegular = merged.every((shape, k) => shape.size === first.size && shape.offset === first.offset + k * stride);
  if (isRegular) return { kind: 'loop', offset: 0, size, count: merged.length, stride, child: first };
  return { kind: 'blocks', offset: 0, size, offsets: Float64Array.from(merged, ({ offset }) => offset), starts };
}

/** Where its first byte lies and where its last one ends, from the place it is laid at. */
export function boundsOf(shape: Shape): { low: number; high: number } {
  let low = 0;
  let high = 0;
  if (shape.size === 0) return { low, high };
  switch (shape.kind) {
    case 'run':
      high = shape.size;
      break;
    case 'loop': {
      const child = boundsOf(shape.child);
      const last = (shape.count - 1) * shape.stride;
      low = child.low + Math.min(0, last);
      high = child.high + Math.max(0, last);
      break;
    }
    case 'blocks': {
      const { offsets, starts } = shape;
      low = Number.POSITIVE_INFINITY;
      high = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < offsets.length; k++) {
        low = Math.min(low, offsets[k]!);
        high = Math.max(high, offsets[k]! + starts[k + 1]! - starts[k]!);
      }
      break;
    }
    case 'sequence': {
      const bounds = shape.children.map(boundsOf);
      low = bounds.reduce((least, bound) => Math.min(least, bound.low), Number.POSITIVE_INFINITY);
      high = bounds.reduce((most, bound) => Math.max(most, bound.high), Number.NEGATIVE_INFINITY);
    }
  }
  return { low: low + shape.offset, high: high + shape.offset };
}
