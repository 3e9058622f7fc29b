/** Websocket transports in one process, over real sockets: their address book is a table. */

import { onTestFinished } from 'vitest';
import type { Addon } from '../../../../src/native/addon.ts';
import type { Address, AddressBook } from '../../../../src/transport/websocket/address-book.ts';
import { type WebsocketOptions, WebsocketTransport } from '../../../../src/transport/websocket/websocket-transport.ts';

/** Addresses by world rank. */
export class Table {
  readonly addresses = new Map<number, Address>();

  /** The book as one rank sees it. */
  of(worldRank: number): AddressBook {
    return {
      publish: (port, [host]) => this.addresses.set(worldRank, { host: host!, port }),
      addressOf: (peer) => this.addresses.get(peer),
    };
  }
}

export const KEY: Uint8Array = Uint8Array.from({ length: 32 }, (_, k) => 3 * k);

export interface Suspicion {
  readonly peer: number;
  readonly reason: string;
  readonly isFinal: boolean;
}

/** One rank's transport, what it suspected, and an epoll descriptor that it would sleep on. */
export interface End {
  readonly transport: WebsocketTransport;
  readonly suspicions: Suspicion[];
  readonly epoll: number;
}

/** Make the transport of a rank; it is stopped when the test is over. */
export function openEnd(addon: Addon, table: Table, worldRank: number, change: Partial<WebsocketOptions> = {}): End {
  const suspicions: Suspicion[] = [];
  const epoll = addon.createEpoll(-1);
  const transport = new WebsocketTransport({
    addon,
    worldRank,
    size: 16,
    jobId: 'job',
    key: KEY,
    book: table.of(worldRank),
    bind: { addresses: ['127.0.0.1'] },
    isBesideMemory: false,
    watch: (fd) => addon.watchDescriptor(epoll, fd, 1),
    onUnreachable: () => {},
    onSuspicion: (peer, reason, isFinal) => suspicions.push({ peer, reason, isFinal }),
    ...change,
  });
  onTestFinished(() => {
    transport.stop();
    addon.close(epoll);
  });
  return { transport, suspicions, epoll };
}
