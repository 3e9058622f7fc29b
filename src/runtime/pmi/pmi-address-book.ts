/**
 * PmiAddressBook: where the ranks of a job without agents listen, through the launcher's key-value store.
 *
 * Each rank puts its port there, then all fence once; a peer's is read when it is first wanted.
 */

import type { Pmi } from '../../bootstrap/pmi/pmi.ts';
import { RANK_STATE } from '../../segment/layout.ts';
import type { Segment } from '../../segment/segment.ts';
import type { Address, AddressBook } from '../../transport/websocket/address-book.ts';

export class PmiAddressBook implements AddressBook {
  readonly #pmi: Pmi;
  readonly #segment: Segment;
  readonly #addresses: readonly string[];
  readonly #hostOfRank: readonly number[];
  readonly #ports: number[] = [];
  #isComplete = false;

  constructor(pmi: Pmi, segment: Segment, addresses: readonly string[], hostOfRank: readonly number[]) {
    this.#pmi = pmi;
    this.#segment = segment;
    this.#addresses = addresses;
    this.#hostOfRank = hostOfRank;
  }

  publish(port: number): void {
    this.#pmi.put(portKey(this.#pmi.rank), String(port));
  }

  /** All ranks have published: call it once, on all ranks. */
  complete(): void {
    this.#pmi.fence();
    this.#isComplete = true;
  }

  addressOf(worldRank: number): Address | undefined {
    if (!this.#isComplete) return undefined;
    const hasDeparted = this.#segment.peerState(worldRank) === RANK_STATE.departed;
    if (hasDeparted) return { refused: `rank ${worldRank} has ended` };
    this.#ports[worldRank] ??= Number(this.#pmi.get(portKey(worldRank)) ?? 0);
    const port = this.#ports[worldRank];
    if (!(port > 0)) return { refused: `the launcher does not know where rank ${worldRank} listens` };
    return { host: this.#addresses[this.#hostOfRank[worldRank]!]!, port };
  }
}

function portKey(rank: number): string {
  return `tsmpi-port-${rank}`;
}
