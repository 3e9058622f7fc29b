/**
 * ControlServer: where agents of other hosts dial in.
 *
 * A stranger gets no further than the TLS handshake: the key is the job's. A handshake has five seconds, and no more than
 * 64 are under way at once, so that strangers cost neither memory nor the job; an agent that was turned away dials again.
 */

import type { Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import type { FromAgent, ToAgent } from '../agent/protocol.ts';
import { CIPHERS, HANDSHAKE_MS, WEBSOCKET_OPTIONS, WebSocketConnection } from '../agent/websocket-connection.ts';

const MAX_UNFINISHED = 64;

/** An agent that has proven the secret but not said who it is. */
export interface Caller {
  readonly connection: WebSocketConnection<ToAgent, FromAgent>;
  /** The agent's address, and ours, by which it reached us. */
  readonly remoteAddress: string;
  readonly localAddress: string;
}

export interface ControlServer {
  readonly port: number;
  /** Take no more callers; connections stay. */
  close(): void;
}

/** Listen on all addresses of this host. */
export async function listenForAgents(jobId: string, key: Buffer, onCaller: (caller: Caller) => void): Promise<ControlServer> {
  // Loaded here: a job on one host needs neither, and they take as long as all the rest of a start.
  const [{ createServer }, { WebSocketServer }] = await Promise.all([import('node:https'), import('ws')]);
  const server = createServer({
    ciphers: CIPHERS,
    handshakeTimeout: HANDSHAKE_MS,
    pskCallback: (_socket: TLSSocket, identity: string) => (identity === jobId ? key : null),
  });
  server.headersTimeout = HANDSHAKE_MS;
  boundUnfinished(server);
  const upgrades = new WebSocketServer({ server, ...WEBSOCKET_OPTIONS });
  upgrades.on('connection', (socket: WebSocket, { socket: stream }) => {
    const connection = new WebSocketConnection<ToAgent, FromAgent>(socket);
    const { remoteAddress, localAddress } = stream;
    onCaller({ connection, remoteAddress: plain(remoteAddress), localAddress: plain(localAddress) });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: 0, host: '::' }, resolve);
  }).catch(async (error: NodeJS.ErrnoException) => {
    // A kernel without IPv6.
    if (error.code !== 'EAFNOSUPPORT' && error.code !== 'EADDRNOTAVAIL') throw error;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: 0, host: '0.0.0.0' }, resolve);
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
    },
  };
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
function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/i, '');
}
