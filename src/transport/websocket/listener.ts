/**
 * Listener: the sockets on which a rank's peers connect, one for each address, all with one port.
 */

import { getSystemErrorName } from 'node:util';
import { nowMs } from '../../base/clock.ts';
import { MpiError } from '../../base/errors.ts';
import { type Addon, INTEREST_READ } from '../../native/addon.ts';
import { EADDRINUSE, EAGAIN, ECONNABORTED } from '../../native/errno.ts';
import type { SocketSet } from './socket-set.ts';

/** Connections taken in one look, so that a storm of them does not starve the caller. */
const ACCEPT_LIMIT = 16;
/** Without descriptors nobody is accepted for so long: looking again at once would only burn a core. */
const PAUSE_MS = 1000;
/** Ports that are tried where any will do: another address may have it in use. */
const ANY_PORT_TRIES = 20;

/** Where to listen. */
export interface Bind {
  /** Numbers, IPv4 or IPv6; one port serves all. */
  readonly addresses: readonly string[];
  /** First and last port to try; undefined: any. */
  readonly portRange?: readonly [first: number, last: number] | undefined;
}

export class Listener {
  readonly #addon: Addon;
  readonly #sockets: SocketSet;
  readonly #onVisitor: (fd: number) => void;
  readonly #fds: number[] = [];
  port = 0;
  /** When it goes on after a pause, of the clock. */
  pausedUntil: number = Number.POSITIVE_INFINITY;

  /** `onVisitor` gets the descriptor of everybody who connects. */
  constructor(addon: Addon, sockets: SocketSet, onVisitor: (fd: number) => void) {
    this.#addon = addon;
    this.#sockets = sockets;
    this.#onVisitor = onVisitor;
  }

  /** Begin to listen. Throws an MpiError where no port is free. */
  start({ addresses, portRange }: Bind): void {
    const [first, last] = portRange ?? [0, ANY_PORT_TRIES - 1];
    for (let tried = first; tried <= last; tried++) {
      if (!this.#tryPort(addresses, portRange === undefined ? 0 : tried)) continue;
      this.#watch();
      return;
    }
    const ports = portRange === undefined ? 'no port' : `none of the ports ${first} to ${last}`;
    throw new MpiError('ERR_MPI_OTHER', `${ports} is free on ${addresses.join(', ')}: expected one to listen on`);
  }

  /** The pause is over, if there was one. */
  resume(now: number): void {
    if (this.pausedUntil > now) return;
    this.pausedUntil = Number.POSITIVE_INFINITY;
    this.#watch();
  }

  stop(): void {
    for (const fd of this.#fds) this.#sockets.close(fd);
    this.#fds.length = 0;
  }

  #watch(): void {
    for (const fd of this.#fds) this.#sockets.watch(fd, INTEREST_READ, { onReady: () => this.#accept(fd) });
  }

  /** Listen at all addresses with one port; 0: whichever the first gets. Return whether it was free. */
  #tryPort(addresses: readonly string[], wanted: number): boolean {
    let port = wanted;
    for (const address of addresses) {
      const fd = this.#addon.listenTcp(address, port);
      if (fd < 0) {
        for (const other of this.#fds) this.#addon.close(other);
        this.#fds.length = 0;
        if (fd === -EADDRINUSE) return false;
        throw new MpiError('ERR_MPI_OTHER', `cannot listen on ${address}, port ${port}: ${getSystemErrorName(fd)}`);
      }
      this.#fds.push(fd);
      const own = this.#addon.socketAddress(fd, false);
      if (port === 0 && typeof own !== 'number') port = own[1];
    }
    this.port = port;
    return true;
  }

  #accept(listener: number): boolean {
    for (let accepted = 0; accepted < ACCEPT_LIMIT; accepted++) {
      const fd = this.#addon.acceptTcp(listener);
      if (fd === -EAGAIN) return accepted !== 0;
      if (fd === -ECONNABORTED) continue;
      if (fd < 0) {
        for (const other of this.#fds) this.#addon.watchDescriptor(this.#sockets.epoll, other, 0);
        this.pausedUntil = nowMs() + PAUSE_MS;
        return true;
      }
      this.#onVisitor(fd);
    }
    return true;
  }
}
