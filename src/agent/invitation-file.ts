/**
 * Invitation files: how an invitation comes to an agent whose starter gives it no standard input (PBS).
 *
 * The launcher makes a folder of the job below $HOME, which such hosts share, and in it a file for each host; only their
 * user can read them, and the path alone stands in a command line. An agent removes the file that it has read. The folder
 * stays until all agents are there or the launcher has given up: an agent that finds it gone need not dial any more.
 * Folders of launchers that were killed are removed by the next one.
 */

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const FOLDER = '.tsmpi';
const PREFIX = 'invitations-';
/** Agents come within half a minute or not at all. */
const STALE_MS = 600_000;

/** The folder of one job, on the launcher's side. */
export class InvitationFolder {
  readonly #path: string;

  /** Make it. Throws where $HOME takes none. */
  constructor(jobId: string) {
    const home = join(homedir(), FOLDER);
    makeFolder(home);
    sweep(home);
    this.#path = join(home, `${PREFIX}${jobId}`);
    mkdirSync(this.#path, { mode: 0o700 });
  }

  /** Where the invitation of that host lies. */
  pathOf(hostIndex: number): string {
    return join(this.#path, String(hostIndex));
  }

  write(hostIndex: number, line: string): void {
    const fd = openSync(this.pathOf(hostIndex), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      writeFileSync(fd, line);
    } finally {
      closeSync(fd);
    }
  }

  /** Remove it with what was not read: no more agents are wanted. */
  remove(): void {
    rmSync(this.#path, { recursive: true, force: true });
    removeEmpty(dirname(this.#path));
  }
}

/** Read an invitation and remove its file. Throws in words. */
export function takeInvitation(path: string): string {
  let fd: number;
  try {
    requirePrivate(lstatSync(dirname(path)), dirname(path));
    fd = openSync(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    throw new Error(`the invitation cannot be read: ${(error as Error).message}; expected a home folder that hosts share`);
  }
  try {
    const stats = fstatSync(fd);
    requirePrivate(stats, path);
    if (!stats.isFile()) throw new Error(`the invitation ${path} is no file`);
    const line = readFileSync(fd, 'utf8');
    unlinkSync(path);
    return line;
  } finally {
    closeSync(fd);
  }
}

/** Whether the launcher wants no more agents. */
export function isWithdrawn(path: string): boolean {
  return lstatSync(dirname(path), { throwIfNoEntry: false }) === undefined;
}

function requirePrivate({ uid, mode }: { uid: number; mode: number }, path: string): void {
  if (uid === process.getuid?.() && (mode & 0o077) === 0) return;
  throw new Error(`${path} is of user ${uid} with mode ${(mode & 0o777).toString(8)}, so others may have written it`);
}

/** Not by `recursive`: Node tries without end where the file system answers that there is no such folder (as automounters do). */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function sweep(home: string): void {
  for (const name of readdirSync(home)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(home, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && Date.now() - stats.mtimeMs > STALE_MS) rmSync(path, { recursive: true, force: true });
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another job's are in it.
  }
}
