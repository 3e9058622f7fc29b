/**
 * Transfers: puts and gets of one connection, for memory that a peer has exposed.
 *
 * The idea: each is cut into work requests of at most workBytes, by the regions of the local array; they are posted in order,
 * as there is room. A notice that is sent behind them comes behind what was written, which may be read only then.
 */

import type { OneSided, RemoteMemory } from './one-sided.ts';
import type { Region, RegionCache } from './region-cache.ts';

/** Transfers that may wait. */
const WAITING = 64;

/** Bytes of `local` from `from` on, and where they go to or come from. `onDone`: false where they could not be moved. */
export interface Transfer {
  readonly isGet: boolean;
  readonly local: Uint8Array;
  readonly from: number;
  readonly byteLength: number;
  readonly remote: RemoteMemory;
  readonly onDone: (isDone: boolean) => void;
}

interface Moving extends Transfer {
  posted: number;
  done: number;
  inFlight: number;
  hasFailed: boolean;
}

export class Transfers {
  readonly #regions: RegionCache;
  readonly #oneSided: OneSided;
  readonly #workBytes: number;
  /** Those whose work requests are not all posted, in order. */
  readonly #waiting: Moving[] = [];

  constructor(regions: RegionCache, oneSided: OneSided, workBytes: number) {
    this.#regions = regions;
    this.#oneSided = oneSided;
    this.#workBytes = workBytes;
  }

  /** Whether all that was asked for is posted: a notice that is sent now comes behind it. */
  get isPosted(): boolean {
    return this.#waiting.length === 0;
  }

  /** Begin a transfer. Return false where too many wait. */
  add(transfer: Transfer): boolean {
    if (this.#waiting.length >= WAITING) return false;
    this.#waiting.push({ ...transfer, posted: 0, done: 0, inFlight: 0, hasFailed: false });
    this.advance();
    return true;
  }

  /** Post what can be posted. Return whether anything was. */
  advance(): boolean {
    let hasMoved = false;
    while (this.#waiting.length > 0) {
      const first = this.#waiting[0]!;
      while (first.posted < first.byteLength && !first.hasFailed && this.#hasRoom(first)) {
        this.#post(first);
        hasMoved = true;
      }
      if (first.posted < first.byteLength && !first.hasFailed) break;
      this.#waiting.shift();
      this.#settle(first);
    }
    return hasMoved;
  }

  stop(): void {
    for (const moving of this.#waiting.splice(0)) {
      moving.hasFailed = true;
      this.#settle(moving);
    }
  }

  #hasRoom({ isGet }: Moving): boolean {
    return isGet ? this.#oneSided.canRead() : this.#oneSided.canWrite();
  }

  #post(moving: Moving): void {
    const { isGet, local, from, byteLength, remote, posted } = moving;
    const at = from + posted;
    const region = this.#regions.acquire(local, at);
    if (region === undefined) {
      moving.hasFailed = true;
      return;
    }
    const place = local.byteOffset + at;
    const length = Math.min(this.#workBytes, byteLength - posted, region.end - place);
    const there = { address: remote.address + posted, key: remote.key };
    const onDone = (moved: number): void => this.#onMoved(moving, region, moved);
    const isPosted = isGet
      ? this.#oneSided.read(region, place - region.begin, length, there, onDone)
      : this.#oneSided.write(region, place - region.begin, length, there, onDone);
    if (!isPosted) {
      this.#regions.release(region);
      moving.hasFailed = true;
      return;
    }
    moving.posted += length;
    moving.inFlight++;
  }

  #onMoved(moving: Moving, region: Region, moved: number): void {
    this.#regions.release(region);
    moving.inFlight--;
    if (moved < 0) moving.hasFailed = true;
    else moving.done += moved;
    this.#settle(moving);
  }

  /** Tell whoever waits, once nothing of it is under way. */
  #settle(moving: Moving): void {
    if (moving.inFlight > 0) return;
    if (moving.hasFailed) moving.onDone(false);
    else if (moving.done === moving.byteLength) moving.onDone(true);
  }
}
