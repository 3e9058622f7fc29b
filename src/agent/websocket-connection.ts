/**
 * The control connection between hosts: a WebSocket in TLS with the job's key on both sides (keyed-websocket.ts). Each
 * message is one binary message of the WebSocket, encoded as on the socket pair of one host.
 */

import type { WebSocket } from 'ws';
import type { Connection } from './connection.ts';
import { encodeHeader, type FromAgent, MessageDecoder, type ToAgent } from './protocol.ts';

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
