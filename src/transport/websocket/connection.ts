/**
 * Connection: one socket that a peer and this rank have proven themselves on, both halves of it.
 *
 * States: unconfirmed (the peer connected, and may have given up meanwhile: nothing is sent before something came), open,
 * over. It is over when the peer closes it in order, when a rule is broken, or when the socket fails; `reason` says which.
 * Credits: `#charged` units of this rank's memory hold payload of the peer that nobody has received yet.
 */

import { getSystemErrorName } from 'node:util';
import { INTEREST_READ, INTEREST_WRITE } from '../../native/addon.ts';
import { RETURN_AT, WINDOW } from '../credit.ts';
import { Incoming, type IncomingOwner } from './incoming.ts';
import { Outgoing, type OutgoingOwner } from './outgoing.ts';
import type { SharedBuffers } from './shared-buffers.ts';
import type { SocketSet, SocketUser } from './socket-set.ts';
import { CLOSE, OPCODE } from './websocket-frame.ts';

/** Reads at the end of a connection whose bytes are thrown away, at most. */
const DRAIN_READS = 64;

/** How a connection came to its end. `ended`: the peer said that it leaves. */
export type ConnectionEnd = 'ended' | 'lost';

export class Connection implements SocketUser, IncomingOwner, OutgoingOwner {
  readonly peer: number;
  readonly fd: number;
  readonly outgoing: Outgoing;
  readonly incoming: Incoming;
  /** Whether frames may be sent. */
  isConfirmed: boolean;
  end: ConnectionEnd | undefined = undefined;
  /** Why it is over. */
  reason = '';
  /** The error that ended it; 0: none did. */
  errno = 0;
  readonly #shared: SharedBuffers;
  readonly #sockets: SocketSet;
  readonly #onChange: (connection: Connection) => void;
  #charged = 0;
  #wantsWrite = false;
  #sendErrno = 0;

  /** Takes the descriptor over. `isClient`: this rank connected. `onChange`: it was confirmed, or it is over. */
  constructor(
    shared: SharedBuffers,
    sockets: SocketSet,
    peer: number,
    fd: number,
    isClient: boolean,
    onChange: (connection: Connection) => void,
  ) {
    this.#shared = shared;
    this.#sockets = sockets;
    this.peer = peer;
    this.fd = fd;
    this.isConfirmed = isClient;
    this.#onChange = onChange;
    this.outgoing = new Outgoing(shared, fd, isClient, this);
    this.incoming = new Incoming(shared, fd, !isClient, this);
    sockets.watch(fd, INTEREST_READ, this);
  }

  /** Send what waits and read once. Return whether anything moved. */
  poll(): boolean {
    if (this.end !== undefined) return false;
    const hasSent = this.outgoing.isBacklogged && this.outgoing.flush();
    if (this.end !== undefined) return true;
    const hasRead = this.incoming.read();
    if (hasRead && !this.isConfirmed) this.#confirm();
    return hasSent || hasRead;
  }

  /** Handle bytes that came behind the upgrade. */
  handle(bytes: Uint8Array): void {
    this.incoming.handle(bytes);
    if (!this.isConfirmed) this.#confirm();
  }

  onReady(_isReadable: boolean, isWritable: boolean): boolean {
    const hasMoved = this.poll();
    if (isWritable && this.end === undefined && !this.outgoing.isBacklogged) this.onBacklog(false);
    return hasMoved;
  }

  /** Payload was matched that cost so many units. */
  giveBack(units: number): void {
    this.#charged -= units;
    this.outgoing.owed += units;
    if (this.outgoing.owed >= RETURN_AT && this.end === undefined && this.isConfirmed) this.outgoing.sendCredit();
  }

  /** Whether the peer's host has everything that was sent. */
  get isFlushed(): boolean {
    if (this.end !== undefined) return true;
    return !this.outgoing.isBacklogged && this.#shared.addon.unacknowledged(this.fd) <= 0;
  }

  /** Close it in order: this rank leaves. */
  close(code: number, reason: string): void {
    if (this.end !== undefined) return;
    this.#sendClose(code);
    this.#finish('ended', reason);
  }

  onCredits(units: number): boolean {
    const credit = this.outgoing.credit + units;
    if (units < 0 || credit > WINDOW) return false;
    this.outgoing.credit = credit;
    return true;
  }

  onCharge(units: number): boolean {
    // What is owed but not yet sent back is no credit of the peer's either.
    this.#charged += units;
    return this.#charged + this.outgoing.owed <= WINDOW;
  }

  onControlFrame(opcode: number, payload: Uint8Array): void {
    if (opcode === OPCODE.ping) this.outgoing.sendWebsocketControl(OPCODE.pong, payload);
    if (opcode !== OPCODE.close) return;
    const code = payload.byteLength < 2 ? 1005 : (payload[0]! << 8) | payload[1]!;
    const isOrderly = code === CLOSE.normal || code === CLOSE.goingAway;
    this.#sendClose(isOrderly ? code : CLOSE.normal);
    const reason = isOrderly
      ? `rank ${this.peer} has ended`
      : `rank ${this.peer} closed the connection with code ${code}${describeText(payload.subarray(2))}`;
    this.#finish(isOrderly ? 'ended' : 'lost', reason);
  }

  onViolation(code: number, reason: string): void {
    this.#sendClose(code, reason);
    this.#finish('lost', `what came from rank ${this.peer} broke the protocol (closed with ${code}): ${reason}`);
  }

  onStreamEnd(errno: number): void {
    const error = errno || this.#sendErrno;
    this.errno = error;
    const how = error === 0 ? 'closed without a word' : `lost: ${getSystemErrorName(-error)}`;
    this.#finish('lost', `the connection with rank ${this.peer} was ${how}`);
  }

  /** What the peer sent before, a close perhaps, is still read; then comes the end of the stream. */
  onSendError(errno: number): void {
    this.#sendErrno = errno;
  }

  onBacklog(isBacklogged: boolean): void {
    if (isBacklogged === this.#wantsWrite || this.end !== undefined) return;
    this.#wantsWrite = isBacklogged;
    this.#sockets.watch(this.fd, isBacklogged ? INTEREST_READ | INTEREST_WRITE : INTEREST_READ, this);
  }

  /** The peer goes on with it. */
  #confirm(): void {
    if (this.end !== undefined) return;
    this.isConfirmed = true;
    this.#onChange(this);
  }

  #sendClose(code: number, text = ''): void {
    const words = new TextEncoder().encode(text).subarray(0, 120);
    this.outgoing.sendWebsocketControl(OPCODE.close, Uint8Array.of(code >> 8, code & 0xff, ...words));
  }

  #finish(end: ConnectionEnd, reason: string): void {
    if (this.end !== undefined) return;
    this.end = end;
    this.reason = reason;
    this.incoming.stop();
    this.outgoing.stop();
    this.#hangUp();
    this.#onChange(this);
  }

  /** Close the socket. Bytes left unread would make the kernel take back what was sent, the close frame among it. */
  #hangUp(): void {
    const { addon, staging } = this.#shared;
    addon.shutdownSend(this.fd);
    for (let k = 0; k < DRAIN_READS; k++) if (addon.receive(this.fd, staging, 0, staging.byteLength) <= 0) break;
    this.#sockets.close(this.fd);
  }
}

function describeText(bytes: Uint8Array): string {
  return bytes.byteLength === 0 ? '' : `: ${new TextDecoder().decode(bytes)}`;
}
