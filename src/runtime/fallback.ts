/**
 * Fallback: from websocket to the relay, where two ranks turn out not to reach each other.
 *
 * The idea: a rank whose connection fails calls the other one by way of the relay to try from there, since one open direction is
 * enough. When both have failed, both take the relay. Nothing was sent by socket before that, so order is kept; a pair that has
 * a connection stays with it.
 *
 *     A: cannot connect ── CALL ──> B: connects                          -> websocket
 *                                   B: cannot either ── CALL ──> A       -> relay, both
 */

import type { RelayTransport } from '../transport/relay/relay-transport.ts';
import type { WebsocketTransport } from '../transport/websocket/websocket-transport.ts';
import type { Routes } from './routes.ts';

interface Attempt {
  /** Why this rank cannot connect; '': it has not failed. */
  own: string;
  /** The other rank could not. */
  hasOtherFailed: boolean;
  isOver: boolean;
}

export class Fallback {
  readonly #routes: Routes;
  readonly #websocket: WebsocketTransport;
  readonly #relay: RelayTransport;
  readonly #hasDeparted: (worldRank: number) => boolean;
  readonly #onChange: (peer: number) => void;
  readonly #attempts: (Attempt | undefined)[] = [];

  /** `onChange`: that rank is reached by the relay from now on. */
  constructor(
    routes: Routes,
    websocket: WebsocketTransport,
    relay: RelayTransport,
    hasDeparted: (worldRank: number) => boolean,
    onChange: (peer: number) => void,
  ) {
    this.#routes = routes;
    this.#websocket = websocket;
    this.#relay = relay;
    this.#hasDeparted = hasDeparted;
    this.#onChange = onChange;
  }

  /** No connection could be made to that rank; `isForGood`: nor will it make one. */
  onUnreachable(peer: number, reason: string, isForGood: boolean): void {
    // A rank that has ended is not reached in another way.
    if (this.#hasDeparted(peer)) return;
    const attempt = this.#attempt(peer);
    const isFirst = attempt.own === '';
    attempt.own = reason;
    if (isForGood || attempt.hasOtherFailed) this.#change(peer, attempt);
    if (isFirst && !isForGood) this.#relay.call(peer);
  }

  /** That rank could not connect to this one. */
  onCall(peer: number): void {
    const attempt = this.#attempt(peer);
    attempt.hasOtherFailed = true;
    if (attempt.own === '') this.#websocket.connect(peer);
    else this.#change(peer, attempt);
  }

  #attempt(peer: number): Attempt {
    let attempt = this.#attempts[peer];
    if (attempt === undefined) {
      attempt = { own: '', hasOtherFailed: false, isOver: false };
      this.#attempts[peer] = attempt;
    }
    return attempt;
  }

  #change(peer: number, attempt: Attempt): void {
    if (attempt.isOver || this.#websocket.isConnected(peer)) return;
    attempt.isOver = true;
    if (this.#routes.avoid(peer, this.#websocket.name, attempt.own)) this.#onChange(peer);
  }
}
