/**
 * RelayOffers: carries offers between the relays of hosts, which meet by way of the launcher (agent/relay-meeting.ts).
 */

import type { RelayOffer } from '../agent/protocol.ts';
import type { AgentLink } from './agent-link.ts';

export class RelayOffers {
  readonly #links: readonly AgentLink[];
  readonly #onFirst: (one: AgentLink, other: AgentLink) => void;
  readonly #seen = new Set<string>();

  /** `onFirst`: ranks of these two hosts are about to use it. */
  constructor(links: readonly AgentLink[], onFirst: (one: AgentLink, other: AgentLink) => void) {
    this.#links = links;
    this.#onFirst = onFirst;
  }

  carry(from: AgentLink, offer: RelayOffer): void {
    const to = this.#links[offer.host]!;
    if (to.state === 'over') {
      from.send({ kind: 'relay', offer: { ...offer, port: 0 } });
      return;
    }
    const [one, other] = [from, to].sort((a, b) => a.index - b.index) as [AgentLink, AgentLink];
    const pair = `${one.index} ${other.index}`;
    if (!this.#seen.has(pair)) {
      this.#seen.add(pair);
      this.#onFirst(one, other);
    }
    to.send({ kind: 'relay', offer: { ...offer, host: from.index } });
  }
}
