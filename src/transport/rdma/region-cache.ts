/**
 * RegionCache: memory that is registered with a port's device, kept so for the next message from or into it.
 *
 * The idea: registering costs as much as moving 64 KiB, so regions stay until room is needed, the longest unused first. A
 * region is found by its ArrayBuffer, never by an address: the collector gives an address to the next array, while the region
 * still pins the old pages. So the cache holds each ArrayBuffer, and looks whether it still has its memory (detached, moved by
 * WebAssembly). Regions begin at multiples of regionBytes of their buffer. Registration that fails gives unused regions back,
 * then halves what it asks for; below SMALLEST there is no region, and payload goes through buffers.
 *
 * Limits: buffers that can change their length are not registered. An array that is given away while a message moves into
 * it (structuredClone) is the program's fault: the device writes where it was told to.
 */

import type { RdmaAddon } from '../../native/rdma.ts';

const SMALLEST = 65536;

export interface Region {
  readonly number: number;
  readonly buffer: ArrayBufferLike;
  /** Of its first byte, and of the buffer's. */
  readonly address: number;
  readonly bufferAddress: number;
  readonly key: number;
  /** Bytes of the buffer that it holds. */
  readonly begin: number;
  readonly end: number;
  readonly bufferByteLength: number;
  /** Users; a region with none may be given back. */
  pins: number;
  isStale: boolean;
}

export interface RegionBounds {
  readonly regionBytes: number;
  readonly regionCount: number;
  readonly cacheBytes: number;
}

type AddressOf = { addressOf(data: ArrayBufferView): number };

export class RegionCache {
  readonly #addon: RdmaAddon & AddressOf;
  readonly #port: number;
  readonly #bounds: RegionBounds;
  readonly #byBuffer = new Map<ArrayBufferLike, Region[]>();
  /** All regions, the longest unused first. */
  readonly #regions = new Set<Region>();
  #byteLength = 0;

  constructor(addon: RdmaAddon & AddressOf, port: number, bounds: RegionBounds) {
    this.#addon = addon;
    this.#port = port;
    this.#bounds = bounds;
  }

  get count(): number {
    return this.#regions.size;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** Whether a quarter of the regions or less are in use: then some may be held for what comes later. */
  get isRoomy(): boolean {
    return (
      4 * this.#regions.size <= this.#bounds.regionCount ||
      [...this.#regions].filter(({ pins }) => pins > 0).length * 4 <= this.#bounds.regionCount
    );
  }

  /** Return a region that holds the byte at `offset` of `bytes`, pinned; undefined: none can be registered. */
  acquire(bytes: Uint8Array, offset: number): Region | undefined {
    const { buffer, byteOffset } = bytes;
    const at = byteOffset + offset;
    const bufferAddress = this.#addon.addressOf(bytes) - byteOffset;
    const known = this.#byBuffer.get(buffer);
    if (known !== undefined) {
      for (const region of known) {
        if (region.bufferByteLength !== buffer.byteLength || region.bufferAddress !== bufferAddress) region.isStale = true;
        else if (region.begin <= at && at < region.end) return this.#use(region);
      }
      for (const region of [...known]) if (region.isStale && region.pins === 0) this.#drop(region);
    }
    if (buffer.byteLength === 0 || isResizable(buffer)) return undefined;
    const region = this.#register(bytes, at, bufferAddress);
    return region === undefined ? undefined : this.#use(region);
  }

  release(region: Region): void {
    if (--region.pins === 0 && (region.isStale || this.#byteLength > this.#bounds.cacheBytes)) this.#drop(region);
  }

  /** Give all back: no device uses them any more. */
  stop(): void {
    for (const region of [...this.#regions]) this.#drop(region);
  }

  #use(region: Region): Region {
    region.pins++;
    this.#regions.delete(region);
    this.#regions.add(region);
    return region;
  }

  #register(bytes: Uint8Array, at: number, bufferAddress: number): Region | undefined {
    const { buffer } = bytes;
    const { regionBytes, regionCount, cacheBytes } = this.#bounds;
    for (let size = regionBytes; size >= SMALLEST; size >>= 1) {
      const begin = at - (at % size);
      const end = Math.min(begin + size, buffer.byteLength);
      while (this.#regions.size >= regionCount || this.#byteLength + end - begin > cacheBytes) if (!this.#evict()) break;
      while (this.#regions.size < regionCount) {
        const made = this.#addon.rdmaRegister(this.#port, bufferView(buffer), begin, end - begin);
        if (typeof made !== 'number') return this.#add(made, buffer, bufferAddress, begin, end);
        if (!this.#evict()) break;
      }
    }
    return undefined;
  }

  #add(
    [number, address, key]: [number, number, number],
    buffer: ArrayBufferLike,
    bufferAddress: number,
    begin: number,
    end: number,
  ): Region {
    const bufferByteLength = buffer.byteLength;
    const region: Region = {
      ...{ number, buffer, address, bufferAddress, key, begin, end, bufferByteLength, pins: 0, isStale: false },
    };
    const known = this.#byBuffer.get(buffer);
    if (known === undefined) this.#byBuffer.set(buffer, [region]);
    else known.push(region);
    this.#regions.add(region);
    this.#byteLength += end - begin;
    return region;
  }

  /** Give the longest unused region back. Return whether there was one. */
  #evict(): boolean {
    for (const region of this.#regions) {
      if (region.pins > 0) continue;
      this.#drop(region);
      return true;
    }
    return false;
  }

  #drop(region: Region): void {
    this.#addon.rdmaDeregister(region.number);
    this.#regions.delete(region);
    this.#byteLength -= region.end - region.begin;
    const known = this.#byBuffer.get(region.buffer)!;
    known.splice(known.indexOf(region), 1);
    if (known.length === 0) this.#byBuffer.delete(region.buffer);
  }
}

/** A view is the cheap argument of the addon, a bare SharedArrayBuffer is not. */
const bufferView = (buffer: ArrayBufferLike): Uint8Array => new Uint8Array(buffer);

function isResizable(buffer: ArrayBufferLike): boolean {
  const { resizable, growable } = buffer as { resizable?: boolean; growable?: boolean };
  return resizable === true || growable === true;
}
