/**
 * Exposures: announced messages of this rank, whose memory their receivers read, and the grants by which they do.
 *
 * The idea: a grant is permission to read what one region holds of a message, up to regionBytes of it. The first goes with
 * the announcement where regions are plenty; the receiver asks for the others as it comes to them, so a message of any length
 * needs two regions at a time. A grant without bytes says that nothing can be registered: then the payload goes by frames.
 */

import type { Addon } from '../../native/addon.ts';
import type { Region, RegionCache } from './region-cache.ts';
import { CHECKED_MESSAGES } from './wire.ts';

/** Regions of one message that stay pinned: the one being read, and the one asked for ahead. */
const PINNED = 2;

/** Permission to read `byteLength` bytes of a message from `offset` on. */
export interface Grant {
  readonly offset: number;
  /** 0: there is none. */
  readonly byteLength: number;
  readonly address: number;
  readonly key: number;
  readonly crc: number;
  readonly isChecked: boolean;
}

export function noGrant(offset: number): Grant {
  return { offset, byteLength: 0, address: 0, key: 0, crc: 0, isChecked: false };
}

interface Exposure {
  readonly bytes: Uint8Array;
  readonly isChecked: boolean;
  readonly pinned: Region[];
}

export class Exposures {
  readonly #addon: Addon;
  readonly #regions: RegionCache;
  readonly #verifies: boolean;
  readonly #byNumber = new Map<number, Exposure>();
  #count = 0;

  constructor(addon: Addon, regions: RegionCache, verifies: boolean) {
    this.#addon = addon;
    this.#regions = regions;
    this.#verifies = verifies;
  }

  /** Announce message `number`, all of `bytes`. Return its first grant, if regions are plenty. */
  open(number: number, bytes: Uint8Array): Grant {
    const isChecked = this.#verifies || this.#count < CHECKED_MESSAGES;
    this.#count++;
    this.#byNumber.set(number, { bytes, isChecked, pinned: [] });
    return this.#regions.isRoomy ? this.grant(number, 0) : noGrant(0);
  }

  /** Return a grant of message `number` from `offset` on. */
  grant(number: number, offset: number): Grant {
    const exposure = this.#byNumber.get(number);
    // A detached array has no bytes, and its send says so.
    if (exposure === undefined || offset >= exposure.bytes.byteLength) return noGrant(offset);
    const { bytes, pinned, isChecked } = exposure;
    while (pinned.length >= PINNED) this.#regions.release(pinned.shift()!);
    const region = this.#regions.acquire(bytes, offset);
    if (region === undefined) return noGrant(offset);
    pinned.push(region);
    const at = bytes.byteOffset + offset;
    const byteLength = Math.min(region.end - at, bytes.byteLength - offset);
    const crc = isChecked ? this.#addon.crc32c(bytes, offset, byteLength, 0) : 0;
    return { offset, byteLength, address: region.address + at - region.begin, key: region.key, crc, isChecked };
  }

  /** The message was read, is not wanted, or goes another way. */
  close(number: number): void {
    const exposure = this.#byNumber.get(number);
    if (exposure === undefined) return;
    this.#byNumber.delete(number);
    for (const region of exposure.pinned) this.#regions.release(region);
  }

  stop(): void {
    for (const number of [...this.#byNumber.keys()]) this.close(number);
  }
}
