/**
 * RelayMeeting: how the relays of two hosts come to have a link, when the first frame wants to cross.
 *
 * Whoever wants a link listens and has the launcher tell the other where: an offer. The other dials; where that fails it
 * makes an offer of its own, so that one open direction is enough. When both want at once, the offer of the lower host counts.
 *
 *     A: wants, listens ── offer ──> B: dials A ── met                           or: cannot
 *                                    B: listens ── offer, and why ──> A: dials B ── met      or: cannot: told as impossible
 *
 * Both sides have the job's key, which the launcher gave to each in private; who dials says in the path which host it is.
 */

import type { WebSocket } from 'ws';
import type { JobDescription } from '../bootstrap/job.ts';
import { deriveKey, dialWithKey, type KeyedServer, listenWithKey, type NamedKey } from './keyed-websocket.ts';
import type { RelayOffer } from './protocol.ts';
import { BATCH_BYTES } from './relay-link.ts';

/** How long the other side may take to come, or to say why it cannot. */
const MEET_MS = 30_000;

export interface MeetingEvents {
  /** Have the launcher carry it to that host's relay. */
  onOffer(offer: RelayOffer): void;
  onMet(host: number, socket: WebSocket): void;
  /** All ranks of that host have ended. */
  onGone(host: number): void;
  /** There is no way to that host, in words. */
  onImpossible(host: number, why: string): void;
}

export class RelayMeeting {
  readonly #description: JobDescription;
  readonly #key: NamedKey;
  readonly #events: MeetingEvents;
  readonly #state: ('none' | 'offered' | 'dialing' | 'met')[];
  readonly #deadlines = new Map<number, NodeJS.Timeout>();
  #server: Promise<KeyedServer> | undefined;
  #isStopped = false;

  constructor(description: JobDescription, events: MeetingEvents) {
    const { id, key, hosts } = description;
    this.#description = description;
    this.#key = { identity: id, key: deriveKey(Buffer.from(key, 'base64'), id, 'relay') };
    this.#events = events;
    this.#state = hosts.map(() => 'none');
  }

  /** A frame for that host waits. */
  want(host: number): void {
    if (this.#state[host] !== 'none') return;
    this.#deadlines.set(
      host,
      setTimeout(() => this.#fail(host, `no answer within ${MEET_MS / 1000} s`), MEET_MS),
    );
    void this.#offer(host, '');
  }

  /** The launcher brought an offer of that host; port 0: its ranks have ended. */
  onOffer({ host, port, failure }: RelayOffer): void {
    const state = this.#state[host];
    if (state === 'met' || state === 'dialing' || this.#isStopped) return;
    if (port === 0) {
      this.#settle(host);
      this.#events.onGone(host);
    } else if (state === 'none' || failure !== '' || host < this.#description.hostIndex) void this.#dial(host, port, failure);
  }

  stop(): void {
    this.#isStopped = true;
    for (const deadline of this.#deadlines.values()) clearTimeout(deadline);
    void this.#server?.then(
      (server) => server.close(),
      () => {},
    );
  }

  async #offer(host: number, failure: string): Promise<void> {
    const { addresses, hostIndex, ports } = this.#description;
    this.#state[host] = 'offered';
    const place = { address: addresses[hostIndex], ports };
    this.#server ??= listenWithKey(this.#key, place, BATCH_BYTES, (socket, { url }) => this.#onCaller(socket, url));
    try {
      const { port } = await this.#server;
      if (!this.#isStopped) this.#events.onOffer({ host, port, failure });
    } catch (error) {
      this.#fail(host, `cannot listen: ${(error as Error).message}`);
    }
  }

  #onCaller(socket: WebSocket, url: string | undefined): void {
    const host = Number(url?.slice(1));
    if (this.#state[host] === undefined || this.#isOver(host)) socket.terminate();
    else this.#meet(host, socket);
  }

  async #dial(host: number, port: number, failure: string): Promise<void> {
    const { addresses, hostIndex } = this.#description;
    this.#state[host] = 'dialing';
    try {
      const { socket } = await dialWithKey(this.#key, addresses[host]!, port, BATCH_BYTES, `/${hostIndex}`);
      if (this.#isOver(host)) socket.terminate();
      else this.#meet(host, socket);
    } catch (error) {
      const why = `${this.#name(hostIndex)} to ${this.#name(host)}, ${addresses[host]} port ${port}: ${(error as Error).message}`;
      if (this.#isOver(host)) return;
      if (failure === '') void this.#offer(host, why);
      else this.#fail(host, `${failure}; ${why}`);
    }
  }

  #meet(host: number, socket: WebSocket): void {
    this.#settle(host);
    this.#events.onMet(host, socket);
  }

  #settle(host: number): void {
    this.#state[host] = 'met';
    clearTimeout(this.#deadlines.get(host));
  }

  #fail(host: number, why: string): void {
    if (this.#isOver(host)) return;
    this.#settle(host);
    const { hostIndex } = this.#description;
    const names = [hostIndex, host].map((index) => this.#name(index)).join(' and ');
    this.#events.onImpossible(host, `the agents on ${names} cannot reach each other, so their ranks have no relay (${why})`);
  }

  /** Nothing is to be done about that host any more. */
  #isOver(host: number): boolean {
    return this.#isStopped || this.#state[host] === 'met';
  }

  #name(host: number): string {
    return this.#description.hosts[host]!.name;
  }
}
