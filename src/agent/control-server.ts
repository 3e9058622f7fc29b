/**
 * ControlServer: where the other side of a control connection dials in: agents of other hosts at their launcher, a launcher
 * at an agent that waits.
 *
 * A stranger gets no further than the TLS handshake: both sides need the key. A handshake has five seconds, and no more than
 * 64 are under way at once, so that strangers cost neither memory nor the job; whoever was turned away dials again.
 */

import type { Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import type { FromAgent, ToAgent } from './protocol.ts';
import { CIPHERS, HANDSHAKE_MS, WEBSOCKET_OPTIONS, WebSocketConnection } from './websocket-connection.ts';

const MAX_UNFINISHED = 64;

type Message = ToAgent | FromAgent;

/** Somebody who has proven the secret but not said who he is. */
export interface Caller<Out extends Message, In extends Message> {
  readonly connection: WebSocketConnection<Out, In>;
  /** The other side's address, and ours. */
  readonly remoteAddress: string;
  readonly localAddress: string;
}

export interface ControlServer {
  readonly port: number;
  /** Take no more callers; connections stay. */
  close(): void;
}

export interface ControlServerPlan {
  /** The name of the key that callers give. */
  readonly identity: string;
  readonly key: Buffer;
  /** First and last port to try; undefined: any. */
  readonly ports: readonly [first: number, last: number] | undefined;
}

/** Listen on all addresses of this host. Throws in words where none of the ports can be had. */
export async function listenForCallers<Out extends Message, In extends Message>(
  { identity, key, ports }: ControlServerPlan,
  onCaller: (caller: Caller<Out, In>) => void,
): Promise<ControlServer> {
  // Loaded here: a job on one host needs neither, and they take as long as all the rest of a start.
  const [{ createServer }, { WebSocketServer }] = await Promise.all([import('node:https'), import('ws')]);
  const server = createServer({
    ciphers: CIPHERS,
    handshakeTimeout: HANDSHAKE_MS,
    pskCallback: (_socket: TLSSocket, name: string) => (name === identity ? key : null),
  });
  server.headersTimeout = HANDSHAKE_MS;
  boundUnfinished(server);
  const [first, last] = ports ?? [0, 0];
  let port = first;
  while (!(await tryPort(server, port))) {
    if (++port <= last) continue;
    const tried =
      first === last
        ? `port ${first} is in use on this host`
        : `the ports ${first} to ${last} are all in use on this host (--ports)`;
    throw new Error(`${tried}: expected one to listen on`);
  }
  // Not before it listens: it would take errors of a port that is in use for its own.
  const upgrades = new WebSocketServer({ server, ...WEBSOCKET_OPTIONS });
  upgrades.on('connection', (socket: WebSocket, { socket: stream }) => {
    const connection = new WebSocketConnection<Out, In>(socket);
    const { remoteAddress, localAddress } = stream;
    onCaller({ connection, remoteAddress: plain(remoteAddress), localAddress: plain(localAddress) });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
    },
  };
}

/** Listen on that port; return whether it was free. */
async function tryPort(server: Server, port: number): Promise<boolean> {
  for (const host of ['::', '0.0.0.0']) {
    try {
      await listen(server, port, host);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE') return false;
      // A kernel without IPv6.
      if (host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) continue;
      throw new Error(`cannot listen on port ${port}: ${(error as Error).message}`);
    }
  }
  return false;
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Turn callers away while too many have not finished their handshake. */
function boundUnfinished(server: Server): void {
  const unfinished = new Set<string>();
  const name = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
  server.on('connection', (socket: Socket) => {
    if (unfinished.size >= MAX_UNFINISHED) {
      socket.destroy();
      return;
    }
    const caller = name(socket);
    unfinished.add(caller);
    socket.once('close', () => unfinished.delete(caller));
  });
  server.on('secureConnection', (socket: TLSSocket) => unfinished.delete(name(socket)));
  // A handshake that failed is its caller's affair.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
}

/** An IPv4 address that came over an IPv6 socket, as IPv4. */
export function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/i, '');
}
