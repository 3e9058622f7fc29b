/**
 * WebSockets in TLS with one key on both sides and no certificate: listening and dialling.
 *
 * A stranger gets no further than the TLS handshake, and a recorded one is worth nothing. A handshake has five seconds, and
 * no more than 64 are under way at once, so that strangers cost neither memory nor the job; who was turned away dials again.
 */

import { hkdfSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { ClientOptions, WebSocket } from 'ws';

/** Suites with a pre-shared key only. */
export const CIPHERS = 'PSK+AESGCM:PSK+CHACHA20';
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

/** Derive a key of 32 bytes from a secret of the job; `purpose` keeps keys of different uses apart. */
export function deriveKey(secret: Uint8Array, jobId: string, purpose: 'control' | 'relay'): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, jobId, `tsmpi ${purpose}`, 32));
}

/** What both sides tell `ws`: nothing is spent on compressing or checking text, and a message of ours fits. */
function optionsFor(maxPayload: number): { maxPayload: number; perMessageDeflate: false; skipUTF8Validation: true } {
  return { maxPayload, perMessageDeflate: false, skipUTF8Validation: true };
}

/** Listen on a port that the system chooses, at that address; undefined: at all addresses of this host. */
export async function listenWithKey(
  { identity, key }: NamedKey,
  address: string | undefined,
  maxPayload: number,
  onSocket: (socket: WebSocket, request: IncomingMessage) => void,
): Promise<KeyedServer> {
  // Loaded here: a job on one host needs neither, and they take as long as all the rest of a start.
  const [{ createServer }, { WebSocketServer }] = await Promise.all([import('node:https'), import('ws')]);
  const server = createServer({
    ciphers: CIPHERS,
    handshakeTimeout: HANDSHAKE_MS,
    pskCallback: (_socket: TLSSocket, name: string) => (name === identity ? key : null),
  });
  server.headersTimeout = HANDSHAKE_MS;
  boundUnfinished(server);
  new WebSocketServer({ server, ...optionsFor(maxPayload) }).on('connection', onSocket);
  const listen = (host: string): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: 0, host }, resolve);
    });
  await listen(address ?? '::').catch((error: NodeJS.ErrnoException) => {
    // A kernel without IPv6.
    if (address !== undefined || (error.code !== 'EAFNOSUPPORT' && error.code !== 'EADDRNOTAVAIL')) throw error;
    return listen('0.0.0.0');
  });
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** Connect to who listens there with the same key; `path` is told to it. Rejects in words. */
export async function dialWithKey(
  { identity, key }: NamedKey,
  address: string,
  port: number,
  maxPayload: number,
  path = '/',
): Promise<WebSocket> {
  const { WebSocket } = await import('ws');
  const host = address.includes(':') ? `[${address}]` : address;
  // `ws` hands its options to tls.connect(), whose type of the last one is the true one.
  const options: Omit<ClientOptions, 'checkServerIdentity'> & Pick<ConnectionOptions, 'pskCallback' | 'checkServerIdentity'> = {
    ...optionsFor(maxPayload),
    handshakeTimeout: HANDSHAKE_MS,
    // Masks protect proxies from browsers; here is neither, and TLS hides the bytes.
    generateMask: () => {},
    ciphers: CIPHERS,
    pskCallback: () => ({ psk: key, identity }),
    rejectUnauthorized: true,
    // Not called under a pre-shared key: whoever shows a certificate instead is not of this job.
    checkServerIdentity: () => new Error('it shows a certificate, which nobody of this job does'),
  };
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`wss://${host}:${port}${path}`, options as object);
    socket.once('open', () => resolve(socket));
    socket.on('error', reject);
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
