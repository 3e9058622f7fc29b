/**
 * InputPipes: standard input of the ranks that were chosen to have it, as real pipes.
 *
 * Bytes are given to every reader; they count as taken once all of them have taken them, so the slowest sets the pace. A
 * reader that closes its end, or ends, leaves; when none is left the launcher is told to stop reading.
 */

import type { Socket } from 'node:net';

export class InputPipes {
  readonly #onTaken: (byteLength: number) => void;
  readonly #onClosed: () => void;
  /** By world rank. */
  readonly #readers = new Map<number, Socket>();

  constructor(onTaken: (byteLength: number) => void, onClosed: () => void) {
    this.#onTaken = onTaken;
    this.#onClosed = onClosed;
  }

  /** Give that pipe, which becomes ours, all that comes. */
  add(rank: number, reader: Socket): void {
    this.#readers.set(rank, reader);
    reader.on('error', () => {});
    reader.on('close', () => {
      this.#readers.delete(rank);
      if (this.#readers.size === 0) this.#onClosed();
    });
  }

  write(bytes: Uint8Array): void {
    let open = this.#readers.size;
    if (open === 0) {
      this.#onTaken(bytes.byteLength);
      return;
    }
    for (const reader of this.#readers.values()) {
      // Called in any case: with the bytes taken, or with an error once the reader is gone.
      reader.write(bytes, () => {
        if (--open === 0) this.#onTaken(bytes.byteLength);
      });
    }
  }

  end(): void {
    for (const reader of this.#readers.values()) reader.end();
  }

  /** That rank has ended. */
  remove(rank: number): void {
    this.#readers.get(rank)?.destroy();
  }
}
