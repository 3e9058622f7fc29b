/**
 * LostConnections: connections between ranks of different hosts that broke while both went on.
 *
 * The idea: a lost connection is a suspicion. If the rank at its other end has died, or its host is cut off, that is the
 * cause and shows within the heartbeat. What has not shown a second later will not: then the connection itself is the cause,
 * for the ranks would wait for ever. One with a rank that has ended in order is nobody's loss.
 */

import type { LostPair } from '../agent/protocol.ts';

const LATER_MS = 1000;

export class LostConnections {
  readonly #waitMs: number;
  readonly #onCause: (pair: LostPair) => void;
  readonly #departed: Set<number> = new Set();

  /** `onCause`: nothing else was found out. */
  constructor(heartbeatMs: number, onCause: (pair: LostPair) => void) {
    this.#waitMs = heartbeatMs + LATER_MS;
    this.#onCause = onCause;
  }

  add(pairs: readonly LostPair[]): void {
    setTimeout(() => {
      const left = pairs.find(({ rank, peer }) => !this.#departed.has(rank) && !this.#departed.has(peer));
      if (left !== undefined) this.#onCause(left);
    }, this.#waitMs).unref();
  }

  /** That rank has ended in order. */
  onDeparted(rank: number): void {
    this.#departed.add(rank);
  }
}
