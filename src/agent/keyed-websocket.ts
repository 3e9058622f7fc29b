/**
 * WebSockets in TLS with one key on both sides and no certificate: listening and dialling.
 *
 * A stranger gets no further than the TLS handshake, and a recorded one is worth nothing. A handshake has five seconds, and
 * no more than 64 are under way at once, so that strangers cost neither memory nor the job; who was turned away dials again.
 */

import { hkdfSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { ClientOptions, WebSocket } from 'ws';

/** Suites with a pre-shared key only. */
export const CIPHERS = 'PSK+AESGCM:PSK+CHACHA20';
/** Nobody who signs certificates is known here. Left out, Node would read its own list of them: 45 ms of each start. */
const ONLY_KEYS: { ciphers: string; ca: string[] } = { ciphers: CIPHERS, ca: [] };
/** How long a TLS handshake, and then the first message, may take. */
export const HANDSHAKE_MS = 5000;
const MAX_UNFINISHED = 64;

/** A key, and the name by which both sides know which it is. */
export interface NamedKey {
  readonly identity: string;
  readonly key: Buffer;
}

export interface KeyedServer {
  readonly port: number;
  /** Take no more callers; connections stay. */
  close(): void;
}

/** One that has been dialled. */
export interface KeyedSocket {
  readonly socket: WebSocket;
  /** What it came over. */
  readonly stream: Socket;
}

/** Derive a key of 32 bytes from a secret of the job; `purpose` keeps keys of different uses apart. */
export function deriveKey(secret: Uint8Array, jobId: string, purpose: 'control' | 'relay'): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, jobId, `tsmpi ${purpose}`, 32));
}

/**
 * Load `ws` and what it needs of Node, which a job on one host does not, and which take as long as all the rest of a start.
 * As CommonJS, which it is: import() first reads each of its files for names that it might export, 25 ms.
 */
function loadWs(): typeof import('ws') {
  return createRequire(import.meta.url)('ws');
}

/** What both sides tell `ws`: nothing is spent on compressing or checking text, and a message of ours fits. */
function optionsFor(maxPayload: number): { maxPayload: number; perMessageDeflate: false; skipUTF8Validation: true } {
  return { maxPayload, perMessageDeflate: false, skipUTF8Validation: true };
}

/** Where to listen. */
export interface ListenPlace {
  /** undefined: at all addresses of this host. */
  readonly address: string | undefined;
  /** First and last port to try; undefined: any. */
  readonly ports: readonly [first: number, last: number] | undefined;
}

/** Listen there. Throws in words where none of the ports can be had. */
export async function listenWithKey(
  { identity, key }: NamedKey,
  { address, ports }: ListenPlace,
  maxPayload: number,
  onSocket: (socket: WebSocket, request: IncomingMessage) => void,
): Promise<KeyedServer> {
  const { WebSocketServer } = loadWs();
  const server = createServer({
    ...ONLY_KEYS,
    handshakeTimeout: HANDSHAKE_MS,
    pskCallback: (_socket: TLSSocket, name: string) => (name === identity ? key : null),
  });
  server.headersTimeout = HANDSHAKE_MS;
  boundUnfinished(server);
  const [first, last] = ports ?? [0, 0];
  let port = first;
  while (!(await tryPort(server, port, address))) {
    if (++port <= last) continue;
    const tried =
      first === last
        ? `port ${first} is in use on this host`
        : `the ports ${first} to ${last} are all in use on this host (--ports)`;
    throw new Error(`${tried}: expected one to listen on`);
  }
  // Not before it listens: it would take errors of a port that is in use for its own.
  new WebSocketServer({ server, ...optionsFor(maxPayload) }).on('connection', onSocket);
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** Connect to who listens there with the same key; `path` is told to it. Rejects in words. */
export async function dialWithKey(
  { identity, key }: NamedKey,
  address: string,
  port: number,
  maxPayload: number,
  path = '/',
): Promise<KeyedSocket> {
  const { WebSocket } = loadWs();
  const host = address.includes(':') ? `[${address}]` : address;
  // `ws` hands its options to tls.connect(), whose type of the last one is the true one.
  const options: Omit<ClientOptions, 'checkServerIdentity'> & Pick<ConnectionOptions, 'pskCallback' | 'checkServerIdentity'> = {
    ...optionsFor(maxPayload),
    handshakeTimeout: HANDSHAKE_MS,
    // Masks protect proxies from browsers; here is neither, and TLS hides the bytes.
    generateMask: () => {},
    ...ONLY_KEYS,
    pskCallback: () => ({ psk: key, identity }),
    rejectUnauthorized: true,
    // Not called under a pre-shared key: whoever shows a certificate instead is not who was meant.
    checkServerIdentity: () => new Error('it shows a certificate, which no part of tsmpi does'),
  };
  return new Promise((resolve, reject) => {
    const socket: WebSocket = new WebSocket(`wss://${host}:${port}${path}`, options as object);
    socket.once('upgrade', ({ socket: stream }) => socket.once('open', () => resolve({ socket, stream })));
    socket.on('error', reject);
  });
}

/** Listen on that port; return whether it was free. */
async function tryPort(server: Server, port: number, address: string | undefined): Promise<boolean> {
  for (const host of address === undefined ? ['::', '0.0.0.0'] : [address]) {
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
