/**
 * Mover: copies between the memory that a shape describes and packed bytes, any stretch of them at a time.
 *
 * The idea: the packed bytes [skip, skip + length) are found in the shape by division, so a long message is packed piece by
 * piece straight into the transport's buffers and unpacked straight out of them. Regular loops of runs go to the addon
 * where it is loaded and they are long enough; else words are copied one by one.
 */

import type { Addon } from '../../native/addon.ts';
import { loadAddon } from '../../native/loader.ts';
import type { Shape } from './shape.ts';

/** Views over one buffer, from its first byte on: an ElementViews is one. */
export interface WordViews {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
}

/** Make views over as much of the buffer as holds whole words. */
export function wordViews(buffer: ArrayBufferLike): WordViews {
  const { byteLength } = buffer;
  return {
    u8: new Uint8Array(buffer),
    u16: new Uint16Array(buffer, 0, Math.floor(byteLength / 2)),
    i32: new Int32Array(buffer, 0, Math.floor(byteLength / 4)),
  };
}

/** A call of the addon costs as much as copying so many bytes word by word (bench/micro/layout). */
const NATIVE_BYTES = 256;
/** From so many bytes on, `set` of a subarray is faster than a loop over words. */
const SET_BYTES = 192;

export class Mover {
  readonly #laid: WordViews;
  readonly #packed: WordViews;
  readonly #isPacking: boolean;
  readonly #addon: Addon | undefined = loadAddon().addon;

  /** `isPacking`: from the shape to packed bytes; else the other way. */
  constructor(laid: WordViews, packed: WordViews, isPacking: boolean) {
    this.#laid = laid;
    this.#packed = packed;
    this.#isPacking = isPacking;
  }

  /** Move the packed bytes [skip, skip + length) of the shape laid at byte `base`; they lie at byte `at` of the packed memory. */
  move(shape: Shape, base: number, skip: number, length: number, at: number): void {
    const place = base + shape.offset;
    switch (shape.kind) {
      case 'run':
        this.#blocks(place + skip, 0, length, 1, at);
        return;
      case 'loop':
        this.#loop(shape.child, shape.stride, place, skip, length, at);
        return;
      case 'blocks': {
        const { offsets, starts } = shape;
        const end = skip + length;
        for (let k = find(starts, skip); k < offsets.length && starts[k]! < end; k++) {
          const from = Math.max(skip, starts[k]!);
          const to = Math.min(end, starts[k + 1]!);
          this.#blocks(place + offsets[k]! + from - starts[k]!, 0, to - from, 1, at + from - skip);
        }
        return;
      }
      case 'sequence': {
        const { children, starts } = shape;
        const end = skip + length;
        for (let k = find(starts, skip); k < children.length && starts[k]! < end; k++) {
          const from = Math.max(skip, starts[k]!);
          const to = Math.min(end, starts[k + 1]!);
          this.move(children[k]!, place, from - starts[k]!, to - from, at + from - skip);
        }
      }
    }
  }

  #loop(child: Shape, stride: number, place: number, skip: number, length: number, at: number): void {
    const { size } = child;
    let index = Math.floor(skip / size);
    const inside = skip - index * size;
    let done = 0;
    if (inside > 0) {
      done = Math.min(length, size - inside);
      this.move(child, place + index * stride, inside, done, at);
      index++;
    }
    const whole = Math.floor((length - done) / size);
    if (child.kind === 'run') this.#blocks(place + index * stride + child.offset, stride, size, whole, at + done);
    else for (let k = 0; k < whole; k++) this.move(child, place + (index + k) * stride, 0, size, at + done + k * size);
    done += whole * size;
    index += whole;
    if (done < length) this.move(child, place + index * stride, 0, length - done, at + done);
  }

  /** Move `count` blocks of `size` bytes, `stride` apart in the shape, one behind the other in the packed memory. */
  #blocks(from: number, stride: number, size: number, count: number, at: number): void {
    if (this.#addon !== undefined && size * count >= NATIVE_BYTES) {
      if (this.#isPacking) this.#addon.copyBlocks(this.#packed.u8, at, size, this.#laid.u8, from, stride, size, count);
      else this.#addon.copyBlocks(this.#laid.u8, from, stride, this.#packed.u8, at, size, size, count);
    } else if (size >= SET_BYTES) {
      for (let k = 0; k < count; k++) this.#set(from + k * stride, size, at + k * size);
    } else {
      // Only the low bits count here, so that the bitwise OR may cut off the others.
      const low = from | stride | size | at;
      if ((low & 3) === 0) this.#words(this.#laid.i32, this.#packed.i32, 4, from, stride, size, count, at);
      else if ((low & 1) === 0) this.#words(this.#laid.u16, this.#packed.u16, 2, from, stride, size, count, at);
      else this.#words(this.#laid.u8, this.#packed.u8, 1, from, stride, size, count, at);
    }
  }

  #set(from: number, size: number, at: number): void {
    const laid = this.#laid.u8;
    const packed = this.#packed.u8;
    if (this.#isPacking) packed.set(laid.subarray(from, from + size), at);
    else laid.set(packed.subarray(at, at + size), from);
  }

  #words<V extends Uint8Array | Uint16Array | Int32Array>(
    laid: V,
    packed: V,
    wordBytes: number,
    from: number,
    stride: number,
    size: number,
    count: number,
    at: number,
  ): void {
    const words = size / wordBytes;
    const step = stride / wordBytes;
    let source = from / wordBytes;
    let target = at / wordBytes;
    for (let k = 0; k < count; k++, source += step, target += words) {
      if (this.#isPacking) for (let w = 0; w < words; w++) packed[target + w] = laid[source + w]!;
      else for (let w = 0; w < words; w++) laid[source + w] = packed[target + w]!;
    }
  }
}

/** Index of the part that holds packed byte `skip`: the last whose start is not behind it. */
function find(starts: Float64Array, skip: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= skip) low = middle;
    else high = middle;
  }
  return low;
}
