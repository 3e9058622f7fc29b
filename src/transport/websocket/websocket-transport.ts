/**
 * Rank to rank over WebSocket (RFC 6455), on sockets that the rank itself polls.
 *
 * Reach: ranks whose address the book knows. Ordering: one connection a pair, frames in the order taken. Limits: 32 bytes in
 * a frame at no more cost, 64 KiB at once, longer messages announced, then in pieces of 256 KiB that go from the sender's
 * array to the socket and from the socket to the receiver's array; memory is not read from afar. Progress: by calls of either
 * side, and by the kernels as far as their buffers go. Backpressure: BUSY while the socket and a bounded queue are full,
 * while there is no connection yet, or in a burst of small frames, which leaves in one go at the next poll; NO_CREDIT beyond
 * WINDOW units of payload that the receiver has not matched. Failure: a connection that cannot be made is tried again, one
 * that is lost is not: frames for its peer stay BUSY, describe() says why, and `onSuspicion` is told; whether the job goes
 * on is for its launcher to say.
 *
 *     upgrade.ts, upgrading-socket.ts, listener.ts, wireup.ts     how a connection comes about
 *     connection.ts = incoming.ts + outgoing.ts                   what goes over it: wire.ts in websocket-frame.ts
 *     socket-set.ts                                               what is ready, and what ends a sleep
 */

import type { TypedArray } from '../../datatype/element-type.ts';
import type { Addon } from '../../native/addon.ts';
import { unitsOf } from '../credit.ts';
import { BUSY, type Capabilities, type FrameHandler, type SendAnswer, type Transport } from '../transport.ts';
import type { Connection } from './connection.ts';
import { SharedBuffers } from './shared-buffers.ts';
import { SocketSet } from './socket-set.ts';
import { CLOSE } from './websocket-frame.ts';
import { EAGER_BYTES, PIECE_BYTES, SHORT_BYTES } from './wire.ts';
import { Wireup, type WireupOptions } from './wireup.ts';

/** Up to so many connections are read one by one, which saves the look at what is ready (tsmpi bench latency). */
const DIRECT_LIMIT = 2;
/** Then that look is taken once in so many polls, for listeners and timers. */
const LOOK_INTERVAL = 16;
/** A rank that also polls memory looks at its sockets once in so many polls while nothing comes from them. */
const QUIET_INTERVAL = 8;
/** A system call takes so many times what a look at an inbox takes. */
const POLL_COST = 16;
/** So many polls after something came it looks each time. */
const LIVELY_POLLS = 64;

export interface WebsocketOptions extends WireupOptions {
  readonly addon: Addon;
  /** Let that descriptor end the rank's sleep. */
  readonly watch: (fd: number) => void;
  /** Whether the rank polls shared memory too: then quiet sockets are looked at more rarely. */
  readonly isBesideMemory: boolean;
}

export class WebsocketTransport implements Transport {
  readonly name = 'websocket';
  readonly capabilities: Capabilities;
  readonly #options: WebsocketOptions;
  readonly #shared: SharedBuffers;
  readonly #sockets: SocketSet;
  readonly #wireup: Wireup;
  /** By world rank: connections on which frames may be sent, and those that were. */
  readonly #open: (Connection | undefined)[] = [];
  readonly #over: (Connection | undefined)[] = [];
  readonly #connections: Connection[] = [];
  #sinceLook = LOOK_INTERVAL;
  #lively = 0;
  #quiet = 0;

  constructor(options: WebsocketOptions) {
    const { addon, watch } = options;
    this.#options = options;
    this.capabilities = {
      shortBytes: SHORT_BYTES,
      eagerBytes: EAGER_BYTES,
      pieceBytes: PIECE_BYTES,
      canFetch: false,
      fetchesAlone: false,
      pollCost: options.isBesideMemory ? POLL_COST / QUIET_INTERVAL : POLL_COST,
    };
    this.#shared = new SharedBuffers(addon, this);
    this.#sockets = new SocketSet(addon, () => this.#wireup.onTime());
    this.#wireup = new Wireup(this.#shared, this.#sockets, options, (connection) => this.#onChange(connection));
    this.#wireup.listen();
    watch(this.#sockets.epoll);
  }

  canReach(peer: number): string | undefined {
    const { worldRank, book } = this.#options;
    if (peer === worldRank) return `rank ${peer} is this rank`;
    const address = book.addressOf(peer);
    return address !== undefined && 'refused' in address && address.hasDeparted !== true ? address.refused : undefined;
  }

  /** Connect to a peer, though no frame waits. */
  connect(peer: number): void {
    if (!this.isConnected(peer)) this.#wireup.want(peer);
  }

  /** Whether frames go to that peer, or went before its connection was lost. */
  isConnected(peer: number): boolean {
    return this.#connectionOf(peer) !== undefined;
  }

  /** The error by which the connection with a peer was lost; 0: it was not, or not by one. */
  lossOf(peer: number): number {
    return this.#over[peer]?.errno ?? 0;
  }

  /** Say how it stands with a peer, for --explain and for reports of a wait. */
  describe(peer: number): string {
    return this.#wireup.describe(peer);
  }

  /** Say why frames for a peer do not leave; '': they do, or there are none. */
  describeTrouble(peer: number): string {
    return this.#wireup.describeTrouble(peer);
  }

  sendShort(
    peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer {
    const connection = this.#open[peer];
    if (connection === undefined) return this.#connect(peer);
    return connection.outgoing.sendShort(type, source, tag, context, data, count, byteLength);
  }

  sendEager(
    peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer {
    const connection = this.#open[peer];
    if (connection === undefined) return this.#connect(peer);
    return connection.outgoing.sendEager(type, source, tag, context, data, count, byteLength);
  }

  sendAnnounce(
    peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    byteLength: number,
    number: number,
    _data: TypedArray | undefined,
  ): SendAnswer {
    const connection = this.#open[peer];
    if (connection === undefined) return this.#connect(peer);
    return connection.outgoing.sendAnnounce(type, source, tag, context, byteLength, number);
  }

  sendControl(peer: number, kind: number, number: number, peerNumber: number): SendAnswer {
    const connection = this.#open[peer];
    if (connection === undefined) return this.#connect(peer);
    return connection.outgoing.sendControl(kind, number, peerNumber);
  }

  sendPiece(peer: number, peerNumber: number, data: Uint8Array, from: number, offset: number, byteLength: number): SendAnswer {
    const connection = this.#open[peer];
    if (connection === undefined) return this.#connect(peer);
    return connection.outgoing.sendPiece(peerNumber, data, from, offset, byteLength);
  }

  gather(peer: number, isGathering: boolean): void {
    this.#open[peer]?.outgoing.gather(isGathering);
  }

  canFetch(): string {
    return 'memory of another host cannot be read';
  }

  fetch(): number {
    return -1;
  }

  returnCredit(peer: number): void {
    this.#connectionOf(peer)?.giveBack(1);
  }

  copyPayload(payloadOffset: number, into: Uint8Array, at: number, byteLength: number): void {
    into.set(this.#shared.piece!.subarray(payloadOffset, payloadOffset + byteLength), at);
  }

  release(peer: number, aux: number): void {
    if (aux < 0) return; // a piece
    const { pool } = this.#shared;
    const units = unitsOf(pool.classOf(aux));
    pool.release(aux);
    this.#connectionOf(peer)?.giveBack(units);
  }

  poll(handler: FrameHandler): boolean {
    this.#shared.polls++;
    if (this.#options.isBesideMemory && this.#lively === 0 && ++this.#quiet < QUIET_INTERVAL) return false;
    this.#quiet = 0;
    this.#shared.handler = handler;
    const hasMoved = this.#pollSockets();
    if (hasMoved) this.#lively = LIVELY_POLLS;
    else if (this.#lively > 0) this.#lively--;
    return hasMoved;
  }

  /** Write interest is there already while bytes wait. The next poll is the last look: it must see everything. */
  prepareSleep(): boolean {
    this.#sinceLook = LOOK_INTERVAL;
    this.#lively = LIVELY_POLLS;
    this.#wireup.prepareSleep();
    return false;
  }

  isFlushed(): boolean {
    return this.#connections.every((connection) => connection.isFlushed);
  }

  /** Bytes exchanged with a peer: taken by the socket, received, and refused frames that wait in this process. */
  traffic(peer: number): { readonly sent: number; readonly received: number; readonly queued: number } {
    const connection = this.#connectionOf(peer);
    if (connection === undefined) return { sent: 0, received: 0, queued: 0 };
    const { outgoing, incoming } = connection;
    return { sent: outgoing.sentBytes, received: incoming.receivedBytes, queued: outgoing.queuedBytes };
  }

  /** The rank leaves: tell all peers, close everything. */
  stop(): void {
    for (const connection of [...this.#connections]) connection.close(CLOSE.goingAway, 'this rank has ended');
    this.#wireup.stop();
    this.#sockets.stop();
  }

  #pollSockets(): boolean {
    const connections = this.#connections;
    const isDirect = connections.length <= DIRECT_LIMIT && !this.#wireup.isBusy && ++this.#sinceLook <= LOOK_INTERVAL;
    if (!isDirect) {
      this.#sinceLook = 0;
      return this.#sockets.poll();
    }
    let hasMoved = false;
    // One that ends is taken off the list meanwhile; the others are found at the next poll.
    for (let k = 0; k < connections.length; k++) if (connections[k]!.poll()) hasMoved = true;
    return hasMoved;
  }

  #connect(peer: number): SendAnswer {
    this.#wireup.want(peer);
    return BUSY;
  }

  #connectionOf(peer: number): Connection | undefined {
    return this.#open[peer] ?? this.#over[peer];
  }

  #onChange(connection: Connection): void {
    const { peer } = connection;
    if (connection.end === undefined) {
      this.#open[peer] = connection;
      this.#connections.push(connection);
    } else {
      this.#open[peer] = undefined;
      this.#over[peer] = connection;
      const at = this.#connections.indexOf(connection);
      if (at >= 0) this.#connections.splice(at, 1);
    }
  }
}
