/**
 * Fetching: announced messages of one peer that this rank may read, and the one that it reads.
 *
 * The idea: READs of at most workBytes each, as many in flight as both sides agreed on, from what a grant permits into what a
 * local region holds. While a grant is read the next is asked for. Bytes count once their READ has completed; a grant's
 * checksum is compared when all of it is there.
 */

import type { Addon } from '../../native/addon.ts';
import { EFAULT, EIO, ENOMEM } from '../../native/errno.ts';
import { UNDER_WAY } from '../transport.ts';
import type { Grant } from './exposures.ts';
import type { OneSided } from './one-sided.ts';
import type { Region, RegionCache } from './region-cache.ts';

interface Announced {
  readonly number: number;
  readonly address: number;
  readonly byteLength: number;
  readonly first: Grant;
}

/** A grant that is being read. */
interface Open extends Grant {
  /** Bytes of it that have come. */
  done: number;
}

/** The message that is read. */
interface Fetch {
  readonly announced: Announced;
  /** What was asked for: bytes from .. to of the message, to a place in an array. */
  readonly from: number;
  readonly to: number;
  readonly into: Uint8Array;
  readonly at: number;
  readonly grants: Open[];
  /** Up to where READs are posted, and grants were asked for. */
  posted: number;
  asked: number;
  inFlight: number;
  done: number;
  errno: number;
}

/** The connection, as far as fetching needs it. */
export interface FetchingOwner {
  readonly oneSided: OneSided;
  /** Ask the peer for a grant of its message `number`. */
  askFor(number: number, offset: number): void;
  /** What came is not what the peer had. */
  onCorrupt(reason: string): void;
}

export class Fetching {
  readonly #addon: Addon;
  readonly #regions: RegionCache;
  readonly #workBytes: number;
  readonly #owner: FetchingOwner;
  readonly #byNumber = new Map<number, Announced>();
  readonly #byAddress = new Map<number, Announced>();
  #fetch: Fetch | undefined = undefined;

  constructor(addon: Addon, regions: RegionCache, workBytes: number, owner: FetchingOwner) {
    this.#addon = addon;
    this.#regions = regions;
    this.#workBytes = workBytes;
    this.#owner = owner;
  }

  /** The peer's message `number` may be read. */
  onAnnounced(number: number, address: number, byteLength: number, first: Grant): void {
    const announced: Announced = { number, address, byteLength, first };
    this.#byNumber.set(number, announced);
    this.#byAddress.set(address, announced);
  }

  /** This rank has done with the peer's message `number`. */
  close(number: number): void {
    const announced = this.#byNumber.get(number);
    if (announced === undefined) return;
    this.#byNumber.delete(number);
    if (this.#byAddress.get(announced.address) === announced) this.#byAddress.delete(announced.address);
  }

  /** As the transport's. */
  fetch(address: number, into: Uint8Array, at: number, byteLength: number): number {
    const fetch = this.#fetch ?? this.#begin(address, into, at, byteLength);
    if (typeof fetch === 'number') return fetch;
    if (fetch.errno === 0 && fetch.done < fetch.to - fetch.from) this.advance();
    if (fetch.inFlight > 0 || (fetch.errno === 0 && fetch.done < fetch.to - fetch.from)) return UNDER_WAY;
    this.#fetch = undefined;
    return fetch.errno === 0 ? byteLength : -fetch.errno;
  }

  onGrant(number: number, grant: Grant): void {
    const fetch = this.#fetch;
    if (fetch === undefined || fetch.announced.number !== number || fetch.errno !== 0) return;
    if (grant.byteLength === 0) fetch.errno = ENOMEM;
    else this.#take(fetch, grant);
    this.advance();
  }

  /** Post what can be posted. */
  advance(): void {
    const fetch = this.#fetch;
    if (fetch === undefined || fetch.errno !== 0) return;
    const { oneSided } = this.#owner;
    while (fetch.posted < fetch.to && oneSided.canRead()) {
      const grant = fetch.grants.find(({ offset, byteLength }) => offset <= fetch.posted && fetch.posted < offset + byteLength);
      if (grant === undefined) break;
      const at = fetch.at + fetch.posted - fetch.from;
      const region = this.#regions.acquire(fetch.into, at);
      if (region === undefined) {
        fetch.errno = ENOMEM;
        return;
      }
      const place = fetch.into.byteOffset + at;
      const end = Math.min(fetch.to, grant.offset + grant.byteLength);
      const byteLength = Math.min(this.#workBytes, end - fetch.posted, region.end - place);
      const remote = { address: grant.address + fetch.posted - grant.offset, key: grant.key };
      const onDone = (moved: number): void => this.#onRead(fetch, grant, region, moved);
      if (!oneSided.read(region, place - region.begin, byteLength, remote, onDone)) {
        this.#regions.release(region);
        fetch.errno = oneSided.errno;
        return;
      }
      fetch.inFlight++;
      fetch.posted += byteLength;
    }
    // One region ahead of the one that is read.
    const [grant] = fetch.grants;
    const isLastGranted = fetch.grants.length < 2 && (grant === undefined || grant.offset + grant.byteLength === fetch.asked);
    if (isLastGranted && fetch.asked < fetch.to) this.#ask(fetch);
  }

  stop(): void {
    if (this.#fetch !== undefined) this.#fetch.errno ||= EIO;
    this.#byNumber.clear();
    this.#byAddress.clear();
  }

  #begin(address: number, into: Uint8Array, at: number, byteLength: number): Fetch | number {
    const announced = this.#find(address, byteLength);
    if (announced === undefined) return -EFAULT;
    const from = address - announced.address;
    const to = from + byteLength;
    const fetch: Fetch = { announced, from, to, into, at, grants: [], posted: from, asked: from, inFlight: 0, done: 0, errno: 0 };
    this.#fetch = fetch;
    const { first } = announced;
    if (first.byteLength > from) this.#take(fetch, first);
    else this.#ask(fetch);
    return fetch;
  }

  #find(address: number, byteLength: number): Announced | undefined {
    const holds = ({ address: begin, byteLength: length }: Announced): boolean =>
      begin <= address && address + byteLength <= begin + length;
    const exact = this.#byAddress.get(address);
    if (exact !== undefined && holds(exact)) return exact;
    for (const announced of this.#byNumber.values()) if (holds(announced)) return announced;
    return undefined;
  }

  #ask(fetch: Fetch): void {
    const { asked } = fetch;
    fetch.asked = Number.POSITIVE_INFINITY; // one question at a time
    this.#owner.askFor(fetch.announced.number, asked);
  }

  #take(fetch: Fetch, grant: Grant): void {
    fetch.grants.push({ ...grant, done: 0 });
    fetch.asked = grant.offset + grant.byteLength;
  }

  #onRead(fetch: Fetch, grant: Open, region: Region, moved: number): void {
    this.#regions.release(region);
    fetch.inFlight--;
    if (moved < 0) {
      fetch.errno ||= EIO;
      return;
    }
    fetch.done += moved;
    grant.done += moved;
    const isAll = grant.done === grant.byteLength;
    if (isAll || grant.offset + grant.byteLength <= fetch.posted) this.#check(fetch, grant);
    this.advance();
  }

  /** All of a grant that is wanted is there. */
  #check(fetch: Fetch, grant: Open): void {
    const begin = Math.max(grant.offset, fetch.from);
    const end = Math.min(grant.offset + grant.byteLength, fetch.to);
    if (grant.done < end - begin) return;
    fetch.grants.splice(fetch.grants.indexOf(grant), 1);
    if (!grant.isChecked || grant.done < grant.byteLength) return;
    const crc = this.#addon.crc32c(fetch.into, fetch.at + begin - fetch.from, grant.byteLength, 0);
    if (crc === grant.crc) return;
    fetch.errno ||= EIO;
    this.#owner.onCorrupt(`bytes ${begin} to ${end} of a message that was read`);
  }
}
