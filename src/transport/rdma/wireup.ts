/**
 * Wireup: how two ranks come to have one connection, made when the first of them wants to send.
 *
 * The lower world rank dials, once it knows where the other one listens (signals.ts); so there are never two attempts.
 *
 *     idle -> asked -> dialling (address, route, request) -> open -> over
 *                        ^ again, ever more rarely  |
 *                        +--------------------------+
 *
 * A request is checked before a queue pair exists; one that was seen is refused. An accepted connection sends nothing, and
 * believes nothing, before the HELLO (proof.ts). An attempt that fails is made again until the peer has departed; one that had
 * carried frames and is lost is not. There is no deadline on an answer: the peer may be computing.
 */

import { getSystemErrorName } from 'node:util';
import { nowMs } from '../../base/clock.ts';
import { CM_EVENT } from '../../native/rdma.ts';
import { Connection, type ConnectionOwner, Ring } from './connection.ts';
import { describePrepareError } from './locked-memory.ts';
import { type Introduction, makeNonce, type Offer, Proof } from './proof.ts';
import type { Shared } from './shared.ts';
import { addressText, addressWord, SIGNAL, type Signals } from './signals.ts';

/** Requests that were accepted and have not proven that they are no recording. */
const MAX_VISITORS = 16;
/** A peer that has not answered by then is asked again. */
const ASK_MS = 1000;
const FIRST_BACKOFF_MS = 20;
const LAST_BACKOFF_MS = 2000;
/** A receiver that is not ready is tried again for ever where the device does that; credits see to it that it never happens. */
const RNR_RETRIES = 7;
/** Without libraries' word for it: what rdma_cm says with its events. */
const FAILURES: Readonly<Record<number, string>> = {
  [CM_EVENT.addressError]: 'its address cannot be resolved',
  [CM_EVENT.routeError]: 'there is no route',
  [CM_EVENT.connectError]: 'the connection failed',
  [CM_EVENT.unreachable]: 'it does not answer',
  [CM_EVENT.rejected]: 'it refused',
};

export interface WireupOptions {
  readonly worldRank: number;
  /** Ranks of the job. */
  readonly size: number;
  readonly jobId: string;
  readonly key: Uint8Array;
  readonly signals: Signals;
  readonly hasDeparted: (worldRank: number) => boolean;
  /** A peer could not be reached, or was lost (`isFinal`: it is not tried again). For people and for the launcher. */
  readonly onSuspicion: (peer: number, reason: string, isFinal: boolean) => void;
  /** That rank takes no connection. */
  readonly onRefused: (peer: number, reason: string) => void;
  /** What a rank told behind its WRITEs. */
  readonly onNotice?: (peer: number, value: number) => void;
}

interface Attempt {
  readonly number: number;
  readonly ring: Ring;
  readonly nonce: Uint8Array;
}

/** What is between this rank and one peer. */
class Link {
  readonly peer: number;
  where: { readonly host: string; readonly port: number } | undefined = undefined;
  /** When the peer is to be told or asked again. */
  askAt = 0;
  isWanted = false;
  attempt: Attempt | undefined = undefined;
  connection: Connection | undefined = undefined;
  isOver = false;
  isRefused = false;
  retryAt = 0;
  backoffMs: number = FIRST_BACKOFF_MS;
  reason = '';

  constructor(peer: number) {
    this.peer = peer;
  }
}

export class Wireup implements ConnectionOwner {
  readonly #shared: Shared;
  readonly #port: number;
  readonly #host: string;
  readonly #listenPort: number;
  readonly #options: WireupOptions;
  readonly #proof: Proof;
  readonly #onChange: (connection: Connection) => void;
  readonly #links: (Link | undefined)[] = [];
  /** By the addon's number: attempts, and connections that have a queue pair. */
  readonly #attempts = new Map<number, Link>();
  readonly connections: Map<number, Connection> = new Map<number, Connection>();
  readonly #visitors = new Set<Connection>();
  /** `<from> <nonce>` of every request whose proof was right. */
  readonly #seen = new Set<string>();
  readonly #untold: { readonly peer: number; readonly what: number }[] = [];
  /** Connections that are over, whose queue pairs are to go. */
  readonly #doomed = new Set<Connection>();

  /** `onChange`: a connection may be used now, or no more. */
  constructor(
    shared: Shared,
    port: number,
    host: string,
    listenPort: number,
    options: WireupOptions,
    onChange: (connection: Connection) => void,
  ) {
    this.#shared = shared;
    this.#port = port;
    this.#host = host;
    this.#listenPort = listenPort;
    this.#options = options;
    this.#proof = new Proof(options.jobId, options.key);
    this.#onChange = onChange;
  }

  /** Whether there is anything that may move by itself. */
  get isBusy(): boolean {
    return this.connections.size !== 0 || this.#attempts.size !== 0 || this.#untold.length !== 0;
  }

  /** Whether a connection is being made: events are near. */
  get isConnecting(): boolean {
    return this.#attempts.size !== 0 || this.#visitors.size !== 0 || this.#untold.length !== 0;
  }

  /** When the next attempt is due, of the clock. */
  get nextRetry(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const link of this.#links) if (link !== undefined && this.#mayDial(link)) next = Math.min(next, link.retryAt);
    return next;
  }

  /** A frame for that peer waits for a connection: see that there will be one. */
  want(peer: number): void {
    const link = this.#link(peer);
    link.isWanted = true;
    if (link.isOver || link.isRefused || link.connection !== undefined || link.attempt !== undefined) return;
    if (link.where !== undefined && peer > this.#options.worldRank) {
      if (link.retryAt <= nowMs()) this.#dial(link);
    } else if (nowMs() >= link.askAt) {
      // An answer that finds no room is not given.
      link.askAt = nowMs() + ASK_MS;
      this.#tell(peer, peer > this.#options.worldRank ? SIGNAL.ask : SIGNAL.here);
    }
  }

  onSignal(peer: number, what: number, address: number, port: number): void {
    const link = this.#link(peer);
    if (what === SIGNAL.ask) this.#tell(peer, SIGNAL.here);
    else if (what === SIGNAL.refused) this.#onRefused(link, `rank ${peer} takes no RDMA connection`);
    else {
      link.where = { host: addressText(address), port };
      link.askAt = Number.POSITIVE_INFINITY;
      this.want(peer);
    }
  }

  /** Say how it stands with a peer. */
  describe(peer: number): string {
    const link = this.#links[peer];
    if (link === undefined) return 'not connected, nothing was sent yet';
    if (link.isOver || link.isRefused) return link.reason;
    const before = link.reason === '' ? '' : ` (before: ${link.reason})`;
    const place = link.where === undefined ? '' : ` at ${link.where.host}:${link.where.port}`;
    if (link.connection?.isConfirmed) return `connected with ${this.#host} by RDMA`;
    if (link.connection !== undefined || link.attempt !== undefined)
      return `connects to rank ${peer}${place}: it computes, or is not there${before}`;
    if (link.reason !== '') return link.reason;
    return peer > this.#options.worldRank ? `rank ${peer} has not said yet where it listens` : `rank ${peer} has not dialled yet`;
  }

  /** Say why frames for a peer wait; '': they do not. */
  describeTrouble(peer: number): string {
    const link = this.#links[peer];
    return link === undefined || !(link.isWanted || link.isOver) ? '' : this.describe(peer);
  }

  /** Look at events of rdma_cm, if there are any, and at what is due. Return whether anything happened. */
  poll(hasEvent: boolean): boolean {
    let hasMoved = this.#tellAll();
    while (hasEvent) {
      const event = this.#shared.addon.rdmaNextEvent(this.#port);
      if (event === undefined) break;
      hasMoved = true;
      const [kind, number, status, data] = event;
      if (kind === CM_EVENT.request) this.#onRequest(number, data);
      else if (kind === CM_EVENT.deviceRemoval) this.loseAll('the RDMA device is gone');
      else if (this.#attempts.has(number)) this.#onAttemptEvent(this.#attempts.get(number)!, kind, status, data);
      else if (kind === CM_EVENT.disconnected) this.#onDisconnected(number);
    }
    const now = nowMs();
    for (const link of this.#links) {
      if (link !== undefined && link.retryAt > 0 && link.retryAt <= now && this.#mayDial(link)) this.#dial(link);
    }
    this.#bury();
    return hasMoved;
  }

  /** Every connection is lost for that reason. */
  loseAll(reason: string): void {
    for (const connection of [...this.connections.values()]) connection.lose(reason);
  }

  onConfirmed(connection: Connection): void {
    this.#visitors.delete(connection);
    const link = this.#link(connection.peer);
    link.isWanted = false;
    this.#onChange(connection);
  }

  onEnd(connection: Connection): void {
    const link = this.#link(connection.peer);
    const isVisitor = this.#visitors.delete(connection);
    // Its last word may still be on its way where it ended in order: then the other side hangs up.
    if (connection.end === 'lost') this.#doomed.add(connection);
    if (link.connection !== connection) return;
    link.connection = undefined;
    link.reason = connection.reason;
    if (isVisitor) return;
    link.isOver = true;
    this.#onChange(connection);
    if (connection.end === 'lost') this.#options.onSuspicion(link.peer, link.reason, true);
  }

  onNotice(peer: number, value: number): void {
    this.#options.onNotice?.(peer, value);
  }

  /** Hang up and give back whatever there is. */
  stop(): void {
    for (const number of this.#attempts.keys()) this.#shared.addon.rdmaDestroy(number);
    this.#attempts.clear();
    for (const connection of this.connections.values()) this.#destroy(connection);
    this.connections.clear();
  }

  /** Give back the queue pairs of connections that are over. */
  #bury(): void {
    for (const connection of this.#doomed) {
      this.connections.delete(connection.number);
      this.#destroy(connection);
    }
    this.#doomed.clear();
  }

  #destroy(connection: Connection): void {
    this.#shared.addon.rdmaHangUp(connection.number);
    this.#shared.addon.rdmaDestroy(connection.number);
    connection.stop();
  }

  #link(peer: number): Link {
    let link = this.#links[peer];
    if (link === undefined) {
      link = new Link(peer);
      this.#links[peer] = link;
    }
    return link;
  }

  #mayDial(link: Link): boolean {
    const { worldRank } = this.#options;
    const isIdle = link.attempt === undefined && link.connection === undefined;
    return link.isWanted && isIdle && !link.isOver && !link.isRefused && link.peer > worldRank && link.where !== undefined;
  }

  #tell(peer: number, what: number): void {
    this.#untold.push({ peer, what });
    this.#tellAll();
  }

  #tellAll(): boolean {
    const { signals } = this.#options;
    let hasTold = false;
    for (let k = 0; k < this.#untold.length; ) {
      const { peer, what } = this.#untold[k]!;
      if (signals.tell(peer, what, addressWord(this.#host), this.#listenPort)) {
        this.#untold.splice(k, 1);
        hasTold = true;
      } else k++;
    }
    return hasTold;
  }

  get #offer(): Offer {
    const { receiveCount, bufferBytes, readsIn } = this.#shared.limits;
    return { receiveCount, bufferBytes, readsIn };
  }

  // ---- the side that dials -----------------------------------------------------------------

  #dial(link: Link): void {
    const { host, port } = link.where!;
    link.retryAt = 0;
    const number = this.#shared.addon.rdmaDial(this.#port, host, port);
    if (number < 0) {
      this.#retryLater(link, this.#failure(link, getSystemErrorName(number)));
      return;
    }
    link.attempt = { number, ring: new Ring(this.#shared), nonce: makeNonce() };
    this.#attempts.set(number, link);
  }

  #onAttemptEvent(link: Link, kind: number, status: number, data: Uint8Array | undefined): void {
    const { addon } = this.#shared;
    const { number } = link.attempt!;
    if (kind === CM_EVENT.addressResolved) {
      const outcome = addon.rdmaFindRoute(number);
      if (outcome < 0) this.#failAttempt(link, getSystemErrorName(outcome));
    } else if (kind === CM_EVENT.routeResolved) this.#request(link);
    else if (kind === CM_EVENT.established) this.#onAnswer(link, data);
    else if (FAILURES[kind] !== undefined) {
      const why = status < 0 ? ` (${getSystemErrorName(status)})` : status > 0 ? ` (status ${status})` : '';
      this.#failAttempt(link, FAILURES[kind] + why);
    }
  }

  #request(link: Link): void {
    const { number, ring, nonce } = link.attempt!;
    const { limits, addon } = this.#shared;
    const problem = this.#prepare(number, ring);
    if (problem !== undefined) {
      this.#failAttempt(link, problem);
      return;
    }
    const data = this.#proof.writeRequest({ ...this.#offer, from: this.#options.worldRank, to: link.peer, nonce });
    const outcome = addon.rdmaRequest(number, data, limits.readsOut, limits.readsIn, RNR_RETRIES);
    if (outcome < 0) this.#failAttempt(link, `the request failed: ${getSystemErrorName(outcome)}`);
  }

  #onAnswer(link: Link, data: Uint8Array | undefined): void {
    const { number, ring, nonce } = link.attempt!;
    const { worldRank } = this.#options;
    const answer = this.#proof.readAnswer(data, nonce);
    if (typeof answer === 'string' || answer.from !== link.peer || answer.to !== worldRank) {
      const problem = typeof answer === 'string' ? answer : 'it is another rank';
      this.#failAttempt(link, `what listens there did not prove that it is rank ${link.peer}: ${problem}`, true);
      return;
    }
    this.#attempts.delete(number);
    link.attempt = undefined;
    const connection = new Connection(this.#shared, link.peer, number, ring, answer, undefined, this);
    this.connections.set(number, connection);
    link.connection = connection;
    link.isWanted = false;
    connection.sendHello(this.#proof.confirm(worldRank, link.peer, nonce, answer.nonce));
    if (connection.end === undefined) this.#onChange(connection);
  }

  #failAttempt(link: Link, reason: string, isFinal = false): void {
    const { number } = link.attempt!;
    this.#attempts.delete(number);
    link.attempt = undefined;
    this.#shared.addon.rdmaDestroy(number);
    if (isFinal) {
      link.isRefused = true;
      link.reason = this.#failure(link, reason);
      this.#options.onSuspicion(link.peer, link.reason, true);
    } else this.#retryLater(link, this.#failure(link, reason));
  }

  #failure({ peer, where }: Link, reason: string): string {
    return `cannot connect to rank ${peer} at ${where!.host}:${where!.port} by RDMA: ${reason}`;
  }

  #retryLater(link: Link, reason: string): void {
    if (this.#options.hasDeparted(link.peer)) {
      link.isOver = true;
      link.reason = `rank ${link.peer} has ended`;
      return;
    }
    link.retryAt = nowMs() + link.backoffMs;
    link.backoffMs = Math.min(2 * link.backoffMs, LAST_BACKOFF_MS);
    const isNew = reason !== link.reason;
    link.reason = reason;
    if (isNew) this.#options.onSuspicion(link.peer, reason, false);
  }

  #onRefused(link: Link, reason: string): void {
    if (link.isRefused || link.isOver) return;
    link.isRefused = true;
    link.reason = reason;
    this.#options.onRefused(link.peer, reason);
  }

  // ---- the side that listens ---------------------------------------------------------------

  #onRequest(number: number, data: Uint8Array | undefined): void {
    const { worldRank, size } = this.#options;
    const { addon, limits } = this.#shared;
    const request = this.#proof.readRequest(data);
    if (typeof request === 'string' || !this.#isWelcome(request, worldRank, size)) {
      addon.rdmaRefuse(number);
      addon.rdmaDestroy(number);
      return;
    }
    const { from, nonce } = request;
    const link = this.#link(from);
    const before = link.connection;
    // One that was never confirmed was given up by its connector.
    if (before !== undefined) {
      link.connection = undefined;
      before.lose('another came');
    }
    const ring = new Ring(this.#shared);
    const problem = this.#prepare(number, ring);
    if (problem !== undefined) {
      link.reason = `rank ${from} cannot connect: ${problem}`;
      this.#options.onSuspicion(from, link.reason, false);
      addon.rdmaRefuse(number);
      addon.rdmaDestroy(number);
      return;
    }
    const own = { ...this.#offer, from: worldRank, to: from, nonce: makeNonce() };
    const hello = this.#proof.confirm(from, worldRank, nonce, own.nonce);
    const connection = new Connection(this.#shared, from, number, ring, request, hello, this);
    const [oldest] = this.#visitors;
    if (this.#visitors.size === MAX_VISITORS) oldest!.lose('one too many');
    this.connections.set(number, connection);
    this.#visitors.add(connection);
    link.connection = connection;
    const outcome = addon.rdmaAccept(number, this.#proof.writeAnswer(own, nonce), limits.readsOut, limits.readsIn, RNR_RETRIES);
    if (outcome < 0) connection.lose(`the request could not be accepted: ${getSystemErrorName(outcome)}`);
  }

  #isWelcome({ from, to, nonce, receiveCount, bufferBytes }: Introduction, worldRank: number, size: number): boolean {
    if (to !== worldRank || from >= worldRank || from >= size || receiveCount < 3) return false;
    if (bufferBytes !== this.#shared.limits.bufferBytes) return false;
    const mark = `${from} ${Buffer.from(nonce).toString('hex')}`;
    if (this.#seen.has(mark)) return false;
    this.#seen.add(mark);
    const link = this.#links[from];
    return link === undefined || (!link.isOver && link.connection?.isConfirmed !== true);
  }

  #onDisconnected(number: number): void {
    const connection = this.connections.get(number);
    if (connection === undefined) return;
    if (connection.end === undefined) connection.lose('it was closed without a word');
    this.#doomed.add(connection);
  }

  /** Make the queue pair with its receives. Return why it cannot be. */
  #prepare(number: number, ring: Ring): string | undefined {
    const { addon, limits } = this.#shared;
    const { receiveCount, bufferBytes, sendCount, oneSidedCount } = limits;
    const outcome = addon.rdmaPrepare(number, ring.views.u8, bufferBytes, receiveCount, sendCount + oneSidedCount);
    return outcome === 0 ? undefined : describePrepareError(outcome);
  }
}
