/**
 * PackedMemory: the program's data as packed bytes: its own memory where it is one run, else copies of a stretch at a time.
 */

import { wordViews } from '../../datatype/derived/mover.ts';
import { bytesOf } from '../../datatype/element-type.ts';
import { bufferElements, type Elements } from '../buffer.ts';

export class PackedMemory {
  readonly elements: Elements;
  readonly #bytes: Uint8Array | undefined;

  /** Errors: ERR_MPI_TYPE for what is no data. */
  constructor(data: unknown, call: string) {
    this.elements = bufferElements(data, call);
    if (this.elements.layout === undefined) this.#bytes = bytesOf(this.elements.array);
  }

  get byteLength(): number {
    return this.elements.byteLength;
  }

  /** Return a stretch of the packed bytes, to be read. */
  slice(skip: number, length: number): Uint8Array {
    if (this.#bytes !== undefined) return this.#bytes.subarray(skip, skip + length);
    const copy = new Uint8Array(length);
    this.elements.layout!.pack(skip, length, wordViews(copy.buffer), 0);
    return copy;
  }

  /** Fill a stretch. */
  fill(skip: number, from: Uint8Array): void {
    if (from.byteLength === 0) return;
    if (this.#bytes !== undefined) this.#bytes.set(from, skip);
    else this.elements.layout!.unpack(skip, from.byteLength, wordViews(from.buffer), from.byteOffset);
  }

  /** Return memory of that length to read into, which `fill` need not be told of: the data itself, or undefined. */
  direct(skip: number, length: number): Uint8Array | undefined {
    return this.#bytes?.subarray(skip, skip + length);
  }
}
