/**
 * SegmentAddressBook: the ports of ranks of one host, which lie in their segment.
 *
 * Only for jobs that are told to leave shared memory alone: they all listen on the loopback address. A rank that publishes
 * rings the others, since one of them may sleep until it can send.
 */

import { CONTROL } from '../segment/layout.ts';
import type { Parking } from '../segment/parking.ts';
import type { Segment } from '../segment/segment.ts';
import type { Address, AddressBook } from '../transport/websocket/address-book.ts';

export const LOOPBACK = '127.0.0.1';

export class SegmentAddressBook implements AddressBook {
  readonly #segment: Segment;
  readonly #localRank: number;
  /** Local rank of each world rank, -1 elsewhere. */
  readonly #localOf: Int32Array;
  readonly #parking: Parking;

  constructor(segment: Segment, localRank: number, localOf: Int32Array, parking: Parking) {
    this.#segment = segment;
    this.#localRank = localRank;
    this.#localOf = localOf;
    this.#parking = parking;
  }

  publish(port: number): void {
    const { i32, layout } = this.#segment;
    // Pairs with the load below: whoever found nothing and then raised its flag is rung.
    Atomics.store(i32, this.#segment.control(this.#localRank, CONTROL.port), port);
    for (let local = 0; local < layout.localSize; local++) if (local !== this.#localRank) this.#parking.ring(local);
  }

  addressOf(worldRank: number): Address | undefined {
    const local = this.#localOf[worldRank]!;
    if (local < 0) return { refused: `rank ${worldRank} is on another host, whose addresses are not known here` };
    const port = Atomics.load(this.#segment.i32, this.#segment.control(local, CONTROL.port));
    return port === 0 ? undefined : { host: LOOPBACK, port };
  }
}
