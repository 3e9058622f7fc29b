/**
 * OutputFiles: --output-dir, each rank's output in files of its own: `rank.N.out` and `rank.N.err`.
 *
 * The folder is made, the files are there from the start, empty for a rank that writes nothing. Writing is synchronous:
 * it goes to the page cache, and an error (a full disk) belongs to the bytes at hand. Only the first error is told.
 */

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export class OutputFiles {
  readonly #files: { readonly path: string; readonly fd: number }[] = [];
  /** Told once, in words, when a file cannot be written. */
  onError: (message: string) => void = () => {};
  #hasFailed = false;

  /** Throws as mkdir and open do. */
  constructor(folder: string, size: number) {
    mkdirSync(folder, { recursive: true });
    for (let rank = 0; rank < size; rank++) {
      for (const name of [`rank.${rank}.out`, `rank.${rank}.err`]) {
        const path = join(folder, name);
        this.#files.push({ path, fd: openSync(path, 'w') });
      }
    }
  }

  write(rank: number, stream: 1 | 2, bytes: Uint8Array): void {
    if (this.#hasFailed) return;
    const { path, fd } = this.#files[2 * rank + stream - 1]!;
    try {
      for (let offset = 0; offset < bytes.byteLength; ) offset += writeSync(fd, bytes, offset);
    } catch (error) {
      this.#hasFailed = true;
      this.onError(`cannot write ${path}: ${(error as Error).message}`);
    }
  }

  close(): void {
    for (const { fd } of this.#files.splice(0)) closeSync(fd);
  }
}
