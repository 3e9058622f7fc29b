/**
 * InputReaders: the hosts whose ranks get the input that the launcher forwards; the slowest sets the pace.
 */

import type { ToAgent } from '../agent/protocol.ts';
import type { AgentLink } from './agent-link.ts';

export class InputReaders {
  /** Bytes that have reached the ranks of each host that still reads. */
  readonly #taken = new Map<AgentLink, number>();
  #given = 0;

  constructor(links: Iterable<AgentLink>) {
    for (const link of links) this.#taken.set(link, 0);
  }

  get areGone(): boolean {
    return this.#taken.size === 0;
  }

  send(message: ToAgent, body?: Uint8Array): void {
    for (const link of this.#taken.keys()) link.send(message, body);
  }

  /** That host's ranks have taken so much more. Return how much more all have taken. */
  take(link: AgentLink, byteLength: number): number {
    const before = this.#taken.get(link);
    if (before === undefined) return 0;
    this.#taken.set(link, before + byteLength);
    return this.#progress();
  }

  /** That host's ranks read no more. Return how much more all others have taken. */
  remove(link: AgentLink): number {
    return this.#taken.delete(link) && !this.areGone ? this.#progress() : 0;
  }

  #progress(): number {
    const least = Math.min(...this.#taken.values());
    const fresh = least - this.#given;
    this.#given = least;
    return fresh;
  }
}
