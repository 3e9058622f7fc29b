/**
 * Store: where checkpoints lie: objects with names, which is all that is asked of it, so that what lies in a folder today
 * can be staged elsewhere.
 *
 * Contract: an object that `put` has returned from, and a name that `rename` has returned from, are there after a crash.
 */

import type { Work } from '../file/piecework.ts';

export interface Store {
  /** What it is, for messages: a folder's path. */
  readonly name: string;
  /** Write an object whole, in the place of one of that name. */
  put(name: string, pieces: Iterable<Uint8Array>): Work<void>;
  /** Return an object, or so many of its bytes: fewer where it ends. */
  get(name: string, offset?: number, byteLength?: number): Work<Uint8Array>;
  /** Give an object another name, in one moment: at no time is there neither, or half of it. All objects put before it are there. */
  rename(from: string, to: string): void;
  /** Names of all objects. */
  list(): string[];
  /** Remove an object; one that is not there is no error. */
  remove(name: string): void;
}
