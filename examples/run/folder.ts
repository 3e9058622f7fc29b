/**
 * Folder: where an example's results go and how they come into being.
 *
 * All files are written to temporary names first and renamed when all are complete, so a reader never sees half a file and
 * a failed run leaves the last one's files as they were.
 */

import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Create the folder that `flag` names and return why nothing can be written there, or undefined. */
export function whyNotFolder(folder: string, flag = '--out'): string | undefined {
  const probe = join(folder, `.probe.${process.pid}.tmp`);
  try {
    createFolder(folder);
    writeFileSync(probe, '');
    rmSync(probe);
    return undefined;
  } catch (error) {
    return `cannot write to ${flag} ${folder}: ${(error as Error).message}`;
  }
}

/** Node's own recursive mkdir never returns where the kernel answers "no such file" for good, as in /proc. */
function createFolder(folder: string): void {
  if (existsSync(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) createFolder(parent);
  mkdirSync(folder);
}

/** Write all files of a run, or none. */
export function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  const moves = Object.entries(files).map(([name, content]) => ({
    content,
    target: join(folder, name),
    temporary: join(folder, `.${name}.${process.pid}.tmp`),
  }));
  try {
    for (const { temporary, content } of moves) writeFileSync(temporary, content);
    for (const { temporary, target } of moves) renameSync(temporary, target);
  } finally {
    for (const { temporary } of moves) rmSync(temporary, { force: true });
  }
}
