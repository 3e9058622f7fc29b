/**
 * PeerNews: what ranks of one host must know of those of others: on which port each is reached, and which have ended.
 *
 * Agents tell it as it comes; it goes to all agents once a turn of the event loop, so that many ranks make few messages.
 */

import type { RankPort, ToAgent } from '../agent/protocol.ts';

export class PeerNews {
  readonly #broadcast: (message: ToAgent) => void;
  #ports: RankPort[] = [];
  #departed: number[] = [];
  #isDue = false;

  constructor(broadcast: (message: ToAgent) => void) {
    this.#broadcast = broadcast;
  }

  addPorts(ports: readonly RankPort[]): void {
    this.#ports.push(...ports);
    this.#tellLater();
  }

  addDeparted(rank: number): void {
    this.#departed.push(rank);
    this.#tellLater();
  }

  #tellLater(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      const ports = this.#ports;
      const ranks = this.#departed;
      this.#ports = [];
      this.#departed = [];
      if (ports.length > 0) this.#broadcast({ kind: 'peers', ports });
      if (ranks.length > 0) this.#broadcast({ kind: 'departed', ranks });
    });
  }
}
