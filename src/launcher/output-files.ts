/**
 * OutputFiles: --output-dir, each rank's output in files of its own: `rank.N.out` and `rank.N.err`.
 *
 * The folder is made, the files are there from the start, empty for a rank that writes nothing. Writing is synchronous:
 * it goes to the page cache, and an error (a full disk) belongs to the bytes at hand. Only the first error is told.
 */

import { closeSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export class OutputFiles {
  readonly #files: { readonly path: string; readonly fd: number }[] = [];
  /** Told once, in words, when a file cannot be written. */
  onError: (message: string) => void = () => {};
  #hasFailed = false;

  /** Throws what mkdir and open do, in words that name the option. */
  constructor(folder: string, size: number) {
    try {
      makeFolder(resolve(folder));
      for (let rank = 0; rank < size; rank++) {
        for (const name of [`rank.${rank}.out`, `rank.${rank}.err`]) {
          const path = join(folder, name);
          this.#files.push({ path, fd: openSync(path, 'w') });
        }
      }
    } catch (error) {
      this.close();
      (error as Error).message = `no files for output in ${folder} (--output-dir): ${(error as Error).message}`;
      throw error;
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

/** Make a folder and those above it. Not by mkdir's own `recursive`, which never returns below /proc on Node 20. */
function makeFolder(folder: string): void {
  const there = statSync(folder, { throwIfNoEntry: false });
  if (there?.isDirectory()) return;
  if (there !== undefined) throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${folder}'`), { syscall: 'mkdir' });
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another job may have made it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(folder).isDirectory()) throw error;
  }
}
