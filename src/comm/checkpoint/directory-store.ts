/**
 * DirectoryStore: objects as the files of a folder.
 *
 * Data reaches the disk by fsync of the file, names by fsync of the folder: before a rename, so that the objects
 * put earlier by any process are there when the new name is, and after it.
 */

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { MpiError } from '../../base/errors.ts';
import { Descriptor } from '../file/descriptor.ts';
import { fileError, type Speaker } from '../file/file-error.ts';
import type { Work } from '../file/piecework.ts';
import type { Store } from './store.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_TRUNC, O_DIRECTORY } = constants;

export class DirectoryStore implements Store {
  readonly name: string;
  readonly #speaker: Speaker;
  /** The object read last: reads of one follow each other. */
  #reading: { readonly name: string; readonly descriptor: Descriptor } | undefined;

  constructor(folder: string, speaker: Speaker) {
    this.name = folder;
    this.#speaker = speaker;
  }

  /** Make the folder if it is not there; the one above must be. */
  create(): void {
    this.#try('make the folder', '', () => {
      try {
        mkdirSync(this.name);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    });
  }

  /** Throw unless the folder is there. */
  check(): void {
    const isFolder = this.#try('look at', '', () => statSync(this.name).isDirectory());
    if (isFolder) return;
    const { call, rank } = this.#speaker;
    throw new MpiError('ERR_MPI_BAD_FILE', `${call}: rank ${rank} found that ${this.name} is no folder: expected one`);
  }

  *put(name: string, pieces: Iterable<Uint8Array>): Work<void> {
    const descriptor = this.#open(name, O_WRONLY | O_CREAT | O_TRUNC, 'for writing');
    try {
      let at = 0;
      for (const piece of pieces) {
        yield* descriptor.write(piece, at, this.#speaker);
        at += piece.byteLength;
        yield;
      }
      descriptor.sync(this.#speaker);
    } finally {
      descriptor.close(this.#speaker);
    }
  }

  *get(name: string, offset = 0, byteLength?: number): Work<Uint8Array> {
    if (this.#reading?.name !== name) {
      this.close();
      this.#reading = { name, descriptor: this.#open(name, O_RDONLY, 'for reading') };
    }
    const { descriptor } = this.#reading;
    const bytes = new Uint8Array(byteLength ?? Math.max(0, descriptor.byteLength - offset));
    return bytes.subarray(0, yield* descriptor.read(bytes, offset, this.#speaker));
  }

  rename(from: string, to: string): void {
    this.#syncNames();
    this.#try('rename to it', to, () => renameSync(join(this.name, from), join(this.name, to)));
    this.#syncNames();
  }

  list(): string[] {
    return this.#try('list', '', () => readdirSync(this.name));
  }

  remove(name: string): void {
    this.#try('remove', name, () => rmSync(join(this.name, name), { force: true }));
  }

  /** Let go of the object read last. */
  close(): void {
    this.#reading?.descriptor.close(this.#speaker);
    this.#reading = undefined;
  }

  #open(name: string, flags: number, purpose: string): Descriptor {
    return new Descriptor(join(this.name, name), flags, this.#speaker, purpose);
  }

  #syncNames(): void {
    this.#try('bring the folder to the disk', '', () => {
      const fd = openSync(this.name, O_RDONLY | (O_DIRECTORY ?? 0));
      try {
        if (fstatSync(fd).isDirectory()) fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    });
  }

  #try<T>(what: string, name: string, act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw fileError(this.#speaker, `${what} ${join(this.name, name)}`, error);
    }
  }
}
