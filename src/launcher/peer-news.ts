/**
 * PeerNews: what ranks of one host must know of those of others: on which port each is reached, and how far each is with
 * its end.
 *
 * Agents tell it as it comes; it goes to all agents once a turn of the event loop, so that many ranks make few messages.
 */

import type { PeerState, RankPort, ToAgent } from '../agent/protocol.ts';

export class PeerNews {
  readonly #broadcast: (message: ToAgent) => void;
  #ports: RankPort[] = [];
  #states: PeerState[] = [];
  #isDue = false;

  constructor(broadcast: (message: ToAgent) => void) {
    this.#broadcast = broadcast;
  }

  addPorts(ports: readonly RankPort[]): void {
    this.#ports.push(...ports);
    this.#tellLater();
  }

  addStates(states: readonly PeerState[]): void {
    this.#states.push(...states);
    this.#tellLater();
  }

  #tellLater(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      const ports = this.#ports;
      const states = this.#states;
      this.#ports = [];
      this.#states = [];
      if (ports.length > 0) this.#broadcast({ kind: 'peers', ports });
      if (states.length > 0) this.#broadcast({ kind: 'peerStates', states });
    });
  }
}
