/**
 * JobAddressBook: where the ranks of a job over several hosts listen, through the segment.
 *
 * A rank writes its port into its control block and rings its agent; agents and launcher carry ports to all hosts, where
 * each agent writes them among the peers and rings its ranks. The host's part of an address stands in the job's
 * description: it is that by which the launcher reached the host, so names and other interfaces play no part.
 */

import { constants } from 'node:fs';
import type { JobDescription } from '../bootstrap/job.ts';
import type { Addon } from '../native/addon.ts';
import { CONTROL, HEADER, PEER, RANK_STATE } from '../segment/layout.ts';
import type { Segment } from '../segment/segment.ts';
import type { Address, AddressBook } from '../transport/websocket/address-book.ts';

export class JobAddressBook implements AddressBook {
  readonly #addon: Addon;
  readonly #segment: Segment;
  readonly #localRank: number;
  readonly #description: JobDescription;

  /** For a rank that is a process of a job over several hosts. */
  constructor(addon: Addon, segment: Segment, localRank: number, description: JobDescription) {
    this.#addon = addon;
    this.#segment = segment;
    this.#localRank = localRank;
    this.#description = description;
  }

  /** This rank listens on that port, at its host's address. */
  publish(port: number): void {
    const { i32 } = this.#segment;
    // Pairs with the agent's load once it is rung.
    Atomics.store(i32, this.#segment.control(this.#localRank, CONTROL.port), port);
    const path = `/proc/${this.#description.agentPid}/fd/${i32[HEADER.agentBell]}`;
    const bell = this.#addon.open(path, constants.O_WRONLY | constants.O_NONBLOCK);
    // Without its agent the lifeline ends this rank at once.
    if (bell < 0) return;
    this.#addon.ring(bell);
    this.#addon.close(bell);
  }

  /** Return a rank's address; undefined: it is not known yet, and whoever writes it rings this rank. */
  addressOf(worldRank: number): Address | undefined {
    const { i32 } = this.#segment;
    const port = Atomics.load(i32, this.#segment.peer(worldRank, PEER.port)); // pairs with the agent's store
    if (port > 0) {
      const { addresses, hostOfRank } = this.#description;
      return { host: addresses[hostOfRank[worldRank]!]!, port };
    }
    if (port < 0) return { refused: `rank ${worldRank} is a thread, which has no socket` };
    const hasDeparted = this.#segment.peerState(worldRank) === RANK_STATE.departed;
    return hasDeparted ? { refused: `rank ${worldRank} has ended`, hasDeparted: true } : undefined;
  }
}
