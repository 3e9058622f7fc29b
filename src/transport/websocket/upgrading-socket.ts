/**
 * UpgradingSocket: a socket on which an upgrade is under way, from either side; it collects the head that comes.
 *
 *     attempt   this rank connects:   connecting -> the request is sent -> the answer is there
 *     visitor   somebody connected:   the request is there -> answered, or held until an attempt of our own is decided
 */

import { getSystemErrorName } from 'node:util';
import { type Addon, INTEREST_READ, INTEREST_WRITE } from '../../native/addon.ts';
import { EAGAIN, EINPROGRESS } from '../../native/errno.ts';
import type { SocketSet, SocketUser } from './socket-set.ts';
import { type Head, MAX_HEAD_BYTES, readHead } from './upgrade.ts';

/** What becomes of an upgrade. */
export interface UpgradeEvents {
  /** An attempt is connected and must send its request. */
  onConnected(socket: UpgradingSocket): void;
  onHead(socket: UpgradingSocket, head: Head): void;
  /** It is of no use any more, and still open. */
  onFailure(socket: UpgradingSocket, reason: string): void;
}

export class UpgradingSocket implements SocketUser {
  readonly fd: number;
  /** When it is given up, of the clock. */
  deadline: number;
  /** Whether TCP has connected. */
  isConnected: boolean;
  readonly #addon: Addon;
  readonly #sockets: SocketSet;
  readonly #events: UpgradeEvents;
  readonly #received = new Uint8Array(MAX_HEAD_BYTES);
  #length = 0;
  #hasHead = false;
  #isOver = false;

  /** Takes the descriptor over. */
  constructor(addon: Addon, sockets: SocketSet, fd: number, isConnected: boolean, deadline: number, events: UpgradeEvents) {
    this.#addon = addon;
    this.#sockets = sockets;
    this.fd = fd;
    this.isConnected = isConnected;
    this.deadline = deadline;
    this.#events = events;
    sockets.watch(fd, isConnected ? INTEREST_READ : INTEREST_WRITE, this);
  }

  /** Bytes that came behind the head. */
  behind(head: Head): Uint8Array {
    return this.#received.slice(head.byteLength, this.#length);
  }

  /** Send a head; it fits into any socket that has sent nothing yet. Return whether it was taken. */
  send(bytes: Uint8Array): boolean {
    return this.#addon.send(this.fd, bytes, 0, bytes.byteLength) === bytes.byteLength;
  }

  /** The descriptor is somebody else's now. */
  leave(): void {
    this.#isOver = true;
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#addon.shutdownSend(this.fd);
    this.#sockets.close(this.fd);
  }

  onReady(): boolean {
    if (this.#isOver) return false;
    if (!this.isConnected) return this.#connect();
    return this.#receive();
  }

  #connect(): boolean {
    const outcome = this.#addon.connectOutcome(this.fd);
    if (outcome === -EINPROGRESS) return false;
    if (outcome < 0) this.#events.onFailure(this, getSystemErrorName(outcome));
    else {
      this.isConnected = true;
      this.#sockets.watch(this.fd, INTEREST_READ, this);
      this.#events.onConnected(this);
    }
    return true;
  }

  #receive(): boolean {
    if (this.#length === MAX_HEAD_BYTES) {
      this.#events.onFailure(this, 'it sent more than an upgrade');
      return true;
    }
    const count = this.#addon.receive(this.fd, this.#received, this.#length, MAX_HEAD_BYTES - this.#length);
    if (count === -EAGAIN) return false;
    if (count <= 0) {
      this.#events.onFailure(this, count === 0 ? 'it closed the connection' : getSystemErrorName(count));
      return true;
    }
    this.#length += count;
    if (this.#hasHead) return true;
    let head: Head | undefined;
    try {
      head = readHead(this.#received.subarray(0, this.#length));
    } catch (error) {
      this.#events.onFailure(this, `it sent ${(error as Error).message}`);
      return true;
    }
    if (head === undefined) return true;
    this.#hasHead = true;
    this.#events.onHead(this, head);
    return true;
  }
}
