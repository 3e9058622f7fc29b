/**
 * Descriptor: an open file of this rank; reads and writes until all is done, piece by piece.
 *
 * A short write is no error to the system: the next one says why. A short read is the end of the file.
 */

import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { MpiError } from '../../base/errors.ts';
import { fileError, type Speaker } from './file-error.ts';
import type { Work } from './piecework.ts';

/** Bytes that are read or written at a time: half a millisecond, in which a rank answers nobody. */
export const PIECE_BYTES: number = 1 << 20;

export class Descriptor {
  readonly path: string;
  readonly #fd: number;
  #isOpen = true;
  #isDirty = false;

  constructor(path: string, flags: number, speaker: Speaker, purpose: string) {
    this.path = path;
    try {
      this.#fd = openSync(path, flags, 0o666);
    } catch (error) {
      throw fileError(speaker, `open ${path} ${purpose}`, error);
    }
  }

  /** Device and number of the file, which tell whether two ranks have the same one. */
  identity(): Float64Array {
    const { dev, ino } = fstatSync(this.#fd);
    return Float64Array.of(dev, ino);
  }

  get byteLength(): number {
    return fstatSync(this.#fd).size;
  }

  /** Return how many bytes were there. */
  *read(into: Uint8Array, offset: number, speaker: Speaker): Work<number> {
    for (let done = 0; ; ) {
      const piece = Math.min(PIECE_BYTES, into.byteLength - done);
      if (piece === 0) return done;
      let count = 0;
      this.#checkOpen(speaker);
      try {
        count = readSync(this.#fd, into, done, piece, offset + done);
      } catch (error) {
        throw fileError(speaker, `read ${piece} bytes at ${offset + done} of ${this.path}`, error);
      }
      if (count === 0) return done;
      done += count;
      if (done < into.byteLength) yield;
    }
  }

  *write(bytes: Uint8Array, offset: number, speaker: Speaker): Work<void> {
    this.#isDirty = true;
    for (let done = 0; done < bytes.byteLength; ) {
      const piece = Math.min(PIECE_BYTES, bytes.byteLength - done);
      this.#checkOpen(speaker);
      try {
        done += writeSync(this.#fd, bytes, done, piece, offset + done);
      } catch (error) {
        throw fileError(speaker, `write ${piece} bytes at ${offset + done} of ${this.path}`, error);
      }
      if (done < bytes.byteLength) yield;
    }
  }

  truncate(byteLength: number, speaker: Speaker): void {
    this.#isDirty = true;
    try {
      ftruncateSync(this.#fd, byteLength);
    } catch (error) {
      throw fileError(speaker, `give ${this.path} a size of ${byteLength} bytes`, error);
    }
  }

  /** Have what this rank wrote brought to the disk. */
  sync(speaker: Speaker): void {
    if (!this.#isDirty) return;
    try {
      fsyncSync(this.#fd);
    } catch (error) {
      throw fileError(speaker, `bring ${this.path} to the disk`, error);
    }
    this.#isDirty = false;
  }

  /** Closed while an access was under way: the number of the descriptor may be another file's by now. */
  #checkOpen({ call, rank }: Speaker): void {
    if (this.#isOpen) return;
    const message = `${call}: ${this.path} was closed while rank ${rank} still had it to read or write: expected close when all is done`;
    throw new MpiError('ERR_MPI_FILE', message, { rank });
  }

  /** Idempotent. Over NFS this is where a full disk may show. */
  close(speaker: Speaker): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      closeSync(this.#fd);
    } catch (error) {
      throw fileError(speaker, `close ${this.path}`, error);
    }
  }
}
