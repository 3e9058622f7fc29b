/**
 * OneSided: READs and WRITEs of one connection that are on their way.
 *
 * The idea: each is one work request of at most workBytes between one local region and one of the peer's, always signalled;
 * its id is a place in a table, where it says who waits for it. READs are bounded by what both sides agreed on.
 *
 * Limits: memory that a peer WRITEs is read only after a SEND that came behind it (wire.ts: NOTIFY); nobody polls memory.
 */

import type { Addon } from '../../native/addon.ts';
import type { Region } from './region-cache.ts';

/** What a rank has of another's memory: bytes from there on may be read and written with the key. */
export interface RemoteMemory {
  readonly address: number;
  readonly key: number;
}

interface Work {
  readonly region: Region;
  readonly isRead: boolean;
  readonly byteLength: number;
  readonly onDone: (byteLength: number) => void;
}

export class OneSided {
  readonly #addon: Addon;
  readonly #connection: number;
  readonly #limit: number;
  readonly #readLimit: number;
  readonly #works: (Work | undefined)[] = [];
  #count = 0;
  #reads = 0;
  /** The connection is over: nothing more is posted. */
  isClosed = false;
  /** errno of a work request that was refused. */
  errno = 0;

  /** `limit`: works at a time; `readLimit`: READs among them. */
  constructor(addon: Addon, connection: number, limit: number, readLimit: number) {
    this.#addon = addon;
    this.#connection = connection;
    this.#limit = limit;
    this.#readLimit = Math.max(1, Math.min(limit, readLimit));
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  canRead(): boolean {
    return !this.isClosed && this.#count < this.#limit && this.#reads < this.#readLimit;
  }

  canWrite(): boolean {
    return !this.isClosed && this.#count < this.#limit;
  }

  /** READ `byteLength` bytes into a region from `offset` of it on. The region is pinned by the caller. Return whether it was posted. */
  read(region: Region, offset: number, byteLength: number, from: RemoteMemory, onDone: (byteLength: number) => void): boolean {
    return this.#post(true, region, offset, byteLength, from, onDone);
  }

  /** WRITE likewise. */
  write(region: Region, offset: number, byteLength: number, to: RemoteMemory, onDone: (byteLength: number) => void): boolean {
    return this.#post(false, region, offset, byteLength, to, onDone);
  }

  onCompletion(id: number): void {
    const work = this.#works[id];
    if (work === undefined) return;
    this.#works[id] = undefined;
    this.#count--;
    if (work.isRead) this.#reads--;
    work.onDone(work.byteLength);
  }

  /** The queue pair is gone: nothing of it comes any more. Tell everybody that nothing was moved. */
  stop(): void {
    for (const [id, work] of this.#works.entries()) {
      this.#works[id] = undefined;
      work?.onDone(-1);
    }
    this.#count = 0;
    this.#reads = 0;
  }

  #post(
    isRead: boolean,
    region: Region,
    offset: number,
    byteLength: number,
    { address, key }: RemoteMemory,
    onDone: (byteLength: number) => void,
  ): boolean {
    let id = 0;
    while (this.#works[id] !== undefined) id++;
    const post = isRead ? this.#addon.rdmaPostRead : this.#addon.rdmaPostWrite;
    const outcome = post(this.#connection, region.number, offset, byteLength, address, key, id);
    if (outcome < 0) {
      this.errno = -outcome;
      return false;
    }
    this.#works[id] = { region, isRead, byteLength, onDone };
    this.#count++;
    if (isRead) this.#reads++;
    return true;
  }
}
