/**
 * Wireup: how two ranks come to have one connection, made when the first of them wants to send.
 *
 * Either side may connect, both at once too. Then the lower world rank's attempt wins while it is under way, that is, from
 * when its request is sent; what the higher one asks for is held meanwhile, and taken if the attempt fails. The higher one
 * drops its own when asked. A listener sends nothing before the connector did, so that a connection which one side gave up
 * has never carried a frame:
 *
 *     connector   request ->              <- 101     CREDIT, frames ...  ->
 *     listener             proof is right                                  confirmed: frames may go back
 *
 * A connection that cannot be made is tried again, ever more rarely, and told as a suspicion; one that had carried frames and
 * is lost is not made again: what was under way on it is unknown, and the job's launcher decides. There is no deadline on an
 * answer: the peer may be computing.
 *
 * Strangers: at most MAX_VISITORS connections are open that have not proven themselves, each with a head of 4 KiB for
 * VISITOR_MS; when one more comes, the oldest goes.
 */

import { getSystemErrorName } from 'node:util';
import { nowMs } from '../../base/clock.ts';
import type { Addon } from '../../native/addon.ts';
import { ETIMEDOUT } from '../../native/errno.ts';
import type { AddressBook } from './address-book.ts';
import { Connection } from './connection.ts';
import { type Bind, Listener } from './listener.ts';
import type { SharedBuffers } from './shared-buffers.ts';
import type { SocketSet } from './socket-set.ts';
import { type Head, makeNonce, Proof, readAnswer, readRequest, writeAnswer, writeRefusal, writeRequest } from './upgrade.ts';
import { type UpgradeEvents, UpgradingSocket } from './upgrading-socket.ts';
import { CLOSE } from './websocket-frame.ts';

const MAX_VISITORS = 16;
const VISITOR_MS = 5000;
/** The kernel of a host that is there answers a SYN at once, whatever its ranks do; of one whose queue is full, later. */
const CONNECT_MS = 3000;
/** A request of the peer is held so long for an attempt of ours that nobody answers. */
const HELD_MS = 1000;
const FIRST_BACKOFF_MS = 20;
const LAST_BACKOFF_MS = 2000;
const NEVER = Number.POSITIVE_INFINITY;

export interface WireupOptions {
  readonly worldRank: number;
  /** Ranks of the job. */
  readonly size: number;
  readonly jobId: string;
  readonly key: Uint8Array;
  readonly book: AddressBook;
  readonly bind: Bind;
  /** Silence after which a connection's peer is probed and given up; undefined: never. Kernels answer, whatever ranks do. */
  readonly silenceMs?: number | undefined;
  /** A peer could not be reached, or was lost (`isFinal`: it is not tried again). For people and for the launcher. */
  readonly onSuspicion: (peer: number, reason: string, isFinal: boolean) => void;
  /** No connection could be made to a peer, and no frame has gone; `isForGood`: it has nothing to be connected by. */
  readonly onUnreachable: (peer: number, reason: string, isForGood: boolean) => void;
}

/** What is between this rank and one peer. */
class Link {
  readonly peer: number;
  attempt: UpgradingSocket | undefined = undefined;
  nonce = '';
  where = '';
  /** A proven request of the peer's that waits for our own attempt, and until when. */
  held: UpgradingSocket | undefined = undefined;
  heldNonce = '';
  connection: Connection | undefined = undefined;
  /** Frames went over a connection that is no more; `reason` says why. */
  isOver = false;
  /** What listens there is not that rank: it is not asked again, but may ask. */
  isRefused = false;
  isWanted = false;
  retryAt = 0;
  backoffMs: number = FIRST_BACKOFF_MS;
  reason = '';

  constructor(peer: number) {
    this.peer = peer;
  }
}

export class Wireup implements UpgradeEvents {
  readonly #addon: Addon;
  readonly #shared: SharedBuffers;
  readonly #sockets: SocketSet;
  readonly #options: WireupOptions;
  readonly #proof: Proof;
  readonly #onChange: (connection: Connection) => void;
  readonly #links: (Link | undefined)[] = [];
  /** When connections are looked at for silence; NEVER: none waited for an answer at the last look. */
  #lookAt = NEVER;
  readonly #listener: Listener;
  readonly #visitors = new Set<UpgradingSocket>();
  /** Whose attempt or held request a socket is. */
  readonly #linkOf = new Map<UpgradingSocket, Link>();
  /** `<from> <nonce>` of every request whose proof was right. */
  readonly #seen = new Set<string>();

  /** `onChange`: a connection may be used now, or no more. */
  constructor(shared: SharedBuffers, sockets: SocketSet, options: WireupOptions, onChange: (connection: Connection) => void) {
    this.#addon = shared.addon;
    this.#shared = shared;
    this.#sockets = sockets;
    this.#options = options;
    this.#proof = new Proof(options.jobId, options.key);
    this.#onChange = onChange;
    this.#listener = new Listener(this.#addon, sockets, (fd) => this.#onVisitor(fd));
  }

  /** Whether sockets are open besides those of connections. */
  get isBusy(): boolean {
    return this.#visitors.size !== 0 || this.#linkOf.size !== 0;
  }

  /** Listen, and publish where. Throws an MpiError where no port is free. */
  listen(): void {
    const { bind, book } = this.#options;
    this.#listener.start(bind);
    book.publish(this.#listener.port, bind.addresses);
  }

  /** A frame for that peer waits for a connection: see that there will be one. */
  want(peer: number): void {
    const link = this.#link(peer);
    link.isWanted = true;
    if (link.isOver || link.isRefused || link.connection !== undefined || link.attempt !== undefined || link.held !== undefined)
      return;
    if (link.retryAt > nowMs()) return;
    const address = this.#options.book.addressOf(peer);
    if (address === undefined) return;
    if ('refused' in address) {
      link.reason = address.refused;
      this.#options.onUnreachable(peer, address.refused, true);
      return;
    }
    this.#connect(link, address.host, address.port);
  }

  /** Say how it stands with a peer. */
  describe(peer: number): string {
    const link = this.#links[peer];
    if (link === undefined) return 'not connected, nothing was sent yet';
    const { attempt, connection } = link;
    if (link.isOver) return link.reason;
    if (connection?.isConfirmed) return `connected with ${link.where}`;
    const before = link.reason === '' ? '' : `; before: ${link.reason}`;
    if (connection !== undefined) return `connected by rank ${peer}, which has not gone on yet${before}`;
    if (attempt?.isConnected) return `waits for an answer at ${link.where}: rank ${peer} computes, or is not there${before}`;
    if (attempt !== undefined) return `connects to ${link.where}${before}`;
    if (link.reason !== '') return link.reason;
    return `rank ${peer} has not said yet where it listens`;
  }

  /** Say why frames for a peer wait; '': they do not. */
  describeTrouble(peer: number): string {
    const link = this.#links[peer];
    return link === undefined || !(link.isWanted || link.isOver) ? '' : this.describe(peer);
  }

  /** Give up what is too late, and see what is next. */
  onTime(): void {
    const now = nowMs();
    for (const visitor of [...this.#visitors]) {
      if (visitor.deadline <= now) this.onFailure(visitor, 'too slow');
    }
    for (const [socket, link] of [...this.#linkOf]) {
      if (socket.deadline > now || !this.#linkOf.has(socket)) continue;
      // Held too long: our own attempt goes instead, and this request is taken.
      if (socket === link.attempt) this.onFailure(socket, 'no answer to a connection attempt');
      else if (link.attempt !== undefined) this.#failAttempt(link, 'no answer to an upgrade');
    }
    // What is due need not be woken for again: whoever wants to send comes by.
    for (const link of this.#links) if (link !== undefined && link.retryAt <= now) link.retryAt = 0;
    this.#listener.resume(now);
    if (this.#lookAt <= now) this.#lookForSilent(now);
    this.#schedule();
  }

  /** The rank goes to sleep: a peer's host that falls silent meanwhile is to be found out. */
  prepareSleep(): void {
    const { silenceMs } = this.#options;
    if (silenceMs === undefined || this.#lookAt !== NEVER) return;
    this.#lookAt = nowMs() + silenceMs;
    this.#schedule();
  }

  /** Give connections up whose peer's kernel has not answered for too long; look again if any still waits for an answer. */
  #lookForSilent(now: number): void {
    const silenceMs = this.#options.silenceMs!;
    let longest = 0;
    for (const link of this.#links) {
      if (link?.connection === undefined) continue;
      const silentMs = this.#addon.unansweredMs(link.connection.fd);
      if (silentMs >= silenceMs) link.connection.onStreamEnd(ETIMEDOUT);
      else longest = Math.max(longest, silentMs);
    }
    this.#lookAt = longest > 0 ? now + silenceMs - longest : NEVER;
  }

  onConnected(socket: UpgradingSocket): void {
    const link = this.#linkOf.get(socket)!;
    const { worldRank } = this.#options;
    const [host, port] = splitPlace(link.where);
    socket.deadline = NEVER;
    this.#schedule();
    if (!socket.send(writeRequest(this.#proof, host, port, worldRank, link.peer, link.nonce))) {
      this.onFailure(socket, 'the socket took no request');
    }
  }

  onHead(socket: UpgradingSocket, head: Head): void {
    const link = this.#linkOf.get(socket);
    if (link === undefined) this.#onRequest(socket, head);
    else this.#onAnswer(link, socket, head);
  }

  onFailure(socket: UpgradingSocket, reason: string): void {
    const link = this.#linkOf.get(socket);
    if (link?.attempt === socket) {
      this.#failAttempt(link, `cannot connect to rank ${link.peer} at ${link.where}: ${reason}`);
      return;
    }
    if (link !== undefined) {
      link.held = undefined;
      this.#linkOf.delete(socket);
    }
    this.#visitors.delete(socket);
    socket.close();
    this.#schedule();
  }

  /** Close all that is not a connection. */
  stop(): void {
    for (const socket of [...this.#visitors, ...this.#linkOf.keys()]) socket.close();
    this.#visitors.clear();
    this.#linkOf.clear();
    this.#listener.stop();
  }

  #link(peer: number): Link {
    let link = this.#links[peer];
    if (link === undefined) {
      link = new Link(peer);
      this.#links[peer] = link;
    }
    return link;
  }

  #onVisitor(fd: number): void {
    const [oldest] = this.#visitors;
    if (this.#visitors.size === MAX_VISITORS) this.onFailure(oldest!, 'one too many');
    const visitor = new UpgradingSocket(this.#addon, this.#sockets, fd, true, nowMs() + VISITOR_MS, this);
    this.#visitors.add(visitor);
    // A rank's request is here with its connection: it need not fear to be the oldest.
    visitor.onReady();
    this.#schedule();
  }

  #onRequest(visitor: UpgradingSocket, head: Head): void {
    const { worldRank, size } = this.#options;
    const request = readRequest(head, this.#proof, worldRank, size);
    if ('status' in request) {
      this.#refuse(visitor, request.status, request.reason);
      return;
    }
    const { from, nonce } = request;
    const mark = `${from} ${nonce}`;
    if (this.#seen.has(mark)) {
      this.#refuse(visitor, 403, 'this upgrade was made before');
      return;
    }
    this.#seen.add(mark);
    const link = this.#link(from);
    if (link.isOver || link.connection?.isConfirmed) {
      this.#refuse(visitor, 409, link.isOver ? `not again: ${link.reason}` : 'connected already');
      return;
    }
    if (link.held !== undefined) this.#refuse(link.held, 409, 'another came');
    if (link.attempt?.isConnected && worldRank < from) {
      this.#visitors.delete(visitor);
      this.#linkOf.set(visitor, link);
      visitor.deadline = nowMs() + HELD_MS;
      link.held = visitor;
      link.heldNonce = nonce;
      this.#schedule();
      return;
    }
    if (link.attempt !== undefined) this.#dropAttempt(link);
    this.#take(link, visitor, nonce, visitor.behind(head));
  }

  #onAnswer(link: Link, socket: UpgradingSocket, head: Head): void {
    const { worldRank } = this.#options;
    const outcome = readAnswer(head, this.#proof, worldRank, link.peer, link.nonce);
    if (outcome.kind === 'accepted') {
      this.#linkOf.delete(socket);
      link.attempt = undefined;
      if (link.held !== undefined) this.#refuse(link.held, 409, 'connected already');
      this.#adopt(link, socket, true, socket.behind(head));
      return;
    }
    if (outcome.kind === 'never') {
      link.isRefused = true;
      this.#failAttempt(link, `cannot connect to rank ${link.peer} at ${link.where}: ${outcome.reason}`);
    } else if (outcome.kind === 'later') {
      // Its own attempt is on the way.
      this.#dropAttempt(link);
      link.retryAt = nowMs() + HELD_MS;
    } else this.onFailure(socket, outcome.reason);
    this.#schedule();
  }

  /** Say yes to a request. */
  #take(link: Link, visitor: UpgradingSocket, nonce: string, behind: Uint8Array): void {
    this.#visitors.delete(visitor);
    this.#linkOf.delete(visitor);
    if (link.held === visitor) link.held = undefined;
    // One that was never confirmed was given up by its connector.
    const before = link.connection;
    link.connection = undefined;
    before?.close(CLOSE.goingAway, 'another came');
    if (!visitor.send(writeAnswer(this.#proof, link.peer, this.#options.worldRank, nonce))) {
      visitor.close();
      return;
    }
    const place = this.#addon.socketAddress(visitor.fd, true);
    link.where = typeof place === 'number' ? 'its rank' : joinPlace(place[0], place[1]);
    this.#adopt(link, visitor, false, behind);
  }

  /** The socket is a connection now. */
  #adopt(link: Link, socket: UpgradingSocket, isClient: boolean, behind: Uint8Array): void {
    socket.leave();
    const { silenceMs } = this.#options;
    if (silenceMs !== undefined) this.#addon.keepAlive(socket.fd, silenceMs);
    link.connection = new Connection(this.#shared, this.#sockets, link.peer, socket.fd, isClient, (changed) =>
      this.#onConnectionChange(link, changed),
    );
    const { connection } = link;
    if (isClient) {
      connection.outgoing.sendCredit(); // tells the listener that it was heard
      this.#onConnectionChange(link, connection);
    }
    if (behind.byteLength > 0) connection.handle(behind);
    this.#schedule();
  }

  #onConnectionChange(link: Link, connection: Connection): void {
    if (link.connection !== connection) return;
    if (connection.end === undefined) {
      link.isWanted = false;
      this.#onChange(connection);
      return;
    }
    link.connection = undefined;
    link.reason = connection.reason;
    if (connection.incoming.receivedBytes === 0 && !connection.isConfirmed) {
      link.retryAt = nowMs() + link.backoffMs;
      this.#schedule();
      return;
    }
    link.isOver = true;
    this.#onChange(connection);
    if (connection.end === 'lost') this.#options.onSuspicion(link.peer, link.reason, true);
  }

  #connect(link: Link, host: string, port: number): void {
    link.where = joinPlace(host, port);
    link.nonce = makeNonce();
    const fd = this.#addon.connectTcp(host, port);
    if (fd < 0) {
      this.#retryLater(link, `cannot connect to rank ${link.peer} at ${link.where}: ${getSystemErrorName(fd)}`);
      return;
    }
    const attempt = new UpgradingSocket(this.#addon, this.#sockets, fd, false, nowMs() + CONNECT_MS, this);
    link.attempt = attempt;
    this.#linkOf.set(attempt, link);
    this.#schedule();
  }

  #dropAttempt(link: Link): void {
    this.#linkOf.delete(link.attempt!);
    link.attempt!.close();
    link.attempt = undefined;
  }

  /** An attempt of ours came to nothing: what the peer asked for is taken, or it is tried again. */
  #failAttempt(link: Link, reason: string): void {
    this.#dropAttempt(link);
    if (link.held !== undefined) this.#take(link, link.held, link.heldNonce, new Uint8Array(0));
    else this.#retryLater(link, reason);
  }

  #retryLater(link: Link, reason: string): void {
    link.retryAt = nowMs() + link.backoffMs;
    link.backoffMs = Math.min(2 * link.backoffMs, LAST_BACKOFF_MS);
    const isNew = reason !== link.reason;
    link.reason = reason;
    this.#schedule();
    if (isNew) this.#options.onSuspicion(link.peer, reason, link.isRefused);
    this.#options.onUnreachable(link.peer, reason, false);
  }

  #refuse(visitor: UpgradingSocket, status: 400 | 403 | 409, reason: string): void {
    visitor.send(writeRefusal({ status, reason }));
    this.onFailure(visitor, reason);
  }

  /** Be woken when the next of all that has a time is due. */
  #schedule(): void {
    let next = Math.min(this.#listener.pausedUntil, this.#lookAt);
    for (const { deadline } of this.#visitors) next = Math.min(next, deadline);
    for (const { deadline } of this.#linkOf.keys()) next = Math.min(next, deadline);
    for (const link of this.#links) {
      if (link?.isWanted && link.retryAt > 0 && !link.isOver && !link.isRefused && link.attempt === undefined) {
        next = Math.min(next, link.retryAt);
      }
    }
    this.#sockets.wakeAt(next);
  }
}

function joinPlace(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function splitPlace(place: string): [host: string, port: number] {
  const colon = place.lastIndexOf(':');
  return [place.slice(0, colon).replace(/^\[|\]$/g, ''), Number(place.slice(colon + 1))];
}
