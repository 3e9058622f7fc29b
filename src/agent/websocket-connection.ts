/**
 * The control connection between hosts: a WebSocket in TLS with the job's key on both sides, no certificate.
 *
 * The key is made from the job's secret, so a stranger does not get beyond the handshake, and a recorded one is worth
 * nothing. Each message is one binary message of the WebSocket, encoded as on the socket pair of one host.
 */

import { hkdfSync } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { WebSocket } from 'ws';
import type { Connection } from './connection.ts';
import { encodeHeader, type FromAgent, MAX_HEADER_BYTES, MessageDecoder, type ToAgent } from './protocol.ts';

/** Suites with a pre-shared key only. */
export const CIPHERS: NonNullable<SecureContextOptions['ciphers']> = 'PSK+AESGCM:PSK+CHACHA20';
/** How long a TLS handshake, and then the other side's hello, may take. */
export const HANDSHAKE_MS = 5000;
/** What both sides tell `ws`: a message of ours fits, and nothing is spent on compressing or checking text. */
export const WEBSOCKET_OPTIONS: { maxPayload: number; perMessageDeflate: false; skipUTF8Validation: true } = {
  maxPayload: MAX_HEADER_BYTES,
  perMessageDeflate: false,
  skipUTF8Validation: true,
};

/** Derive a key of 32 bytes from the job's secret; `purpose` keeps keys of different uses apart. */
export function deriveKey(secret: Uint8Array, jobId: string, purpose: 'control' | 'ranks'): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, jobId, `tsmpi ${purpose}`, 32));
}

/** A connection over a WebSocket. */
export class WebSocketConnection<Out extends ToAgent | FromAgent, In extends ToAgent | FromAgent> implements Connection<Out, In> {
  onMessage: (message: In, body: Uint8Array) => void = () => {};
  onEnd: () => void = () => {};
  readonly #socket: WebSocket;

  /** Take over a socket that is open. */
  constructor(socket: WebSocket) {
    this.#socket = socket;
    const decoder = new MessageDecoder<In>((message, body) => this.onMessage(message, body));
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data) => decoder.push(data as Buffer));
    // An error is followed by the close.
    socket.on('error', () => {});
    socket.on('close', () => this.onEnd());
  }

  send(message: Out, body?: Uint8Array): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const hasBody = body !== undefined && body.byteLength > 0;
    const header = encodeHeader(message, hasBody ? body.byteLength : 0);
    this.#socket.send(hasBody ? Buffer.concat([header, body]) : header, { binary: true });
  }

  close(): void {
    this.#socket.close(1000);
  }

  drop(): void {
    this.#socket.terminate();
  }
}
