/**
 * EagerPool: where the payload of eager messages waits at the receiver until it is matched.
 *
 * The idea: buffers of four sizes, cut from chunks that are kept once made; credits bound how many a peer can fill, so the
 * pool asks nobody. Offsets are multiples of 8, as the copy kernels want.
 */

import { ElementViews } from '../datatype/element-views.ts';
import { BUFFER_CLASSES, bufferBytes } from './credit.ts';

const CHUNK_BYTES = 65536;

export class EagerPool {
  readonly #views: ElementViews[] = [];
  readonly #offset: number[] = [];
  readonly #class: number[] = [];
  readonly #free: number[][] = Array.from({ length: BUFFER_CLASSES }, () => []);

  /** Take a buffer of that class. Return its number. */
  acquire(index: number): number {
    const free = this.#free[index]!;
    if (free.length === 0) this.#grow(index);
    return free.pop()!;
  }

  release(number: number): void {
    this.#free[this.#class[number]!]!.push(number);
  }

  viewsOf(number: number): ElementViews {
    return this.#views[number]!;
  }

  offsetOf(number: number): number {
    return this.#offset[number]!;
  }

  classOf(number: number): number {
    return this.#class[number]!;
  }

  #grow(index: number): void {
    const chunk = new ElementViews(new ArrayBuffer(CHUNK_BYTES));
    const size = bufferBytes(index);
    for (let offset = CHUNK_BYTES - size; offset >= 0; offset -= size) {
      this.#free[index]!.push(this.#views.length);
      this.#views.push(chunk);
      this.#offset.push(offset);
      this.#class.push(index);
    }
  }
}
