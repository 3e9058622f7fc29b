/**
 * Connection: the control connection between the launcher and one agent, as both see it.
 *
 * On one host it is an inherited socket pair, between hosts a WebSocket (websocket-connection.ts); its end, for whatever
 * reason, means that the other side is gone. Messages arrive in the order sent. Nothing is lost on send(): what the socket does not take at once is kept, and who sends
 * without bound has a window of its own (see protocol.ts).
 */

import { type Duplex, finished } from 'node:stream';
import { encodeHeader, type FromAgent, MessageDecoder, type ToAgent } from './protocol.ts';

/** One end of a control connection that sends `Out` and receives `In`. */
export interface Connection<Out extends ToAgent | FromAgent, In extends ToAgent | FromAgent> {
  /** Called for each message in order. */
  onMessage: (message: In, body: Uint8Array) => void;
  /** Called once, when the other side is gone. */
  onEnd: () => void;
  send(message: Out, body?: Uint8Array): void;
  /** Deliver what was sent and say that no more comes; the other side closes too once it has read all: then onEnd. */
  close(): void;
  /** End it at once, whatever is under way. */
  drop(): void;
}

/** A connection over a byte stream. */
export class StreamConnection<Out extends ToAgent | FromAgent, In extends ToAgent | FromAgent> implements Connection<Out, In> {
  onMessage: (message: In, body: Uint8Array) => void = () => {};
  onEnd: () => void = () => {};
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    this.#stream = stream;
    const decoder = new MessageDecoder<In>((message, body) => this.onMessage(message, body));
    stream.on('data', (chunk: Buffer) => decoder.push(chunk));
    // A reset is an end like any other: finished() turns both into one call.
    finished(stream, { writable: false }, () => this.onEnd());
    stream.on('error', () => {});
  }

  send(message: Out, body?: Uint8Array): void {
    if (!this.#stream.writable) return;
    if (body === undefined || body.byteLength === 0) {
      this.#stream.write(encodeHeader(message, 0));
      return;
    }
    this.#stream.cork();
    this.#stream.write(encodeHeader(message, body.byteLength));
    this.#stream.write(body);
    this.#stream.uncork();
  }

  close(): void {
    this.#stream.end();
  }

  drop(): void {
    this.#stream.destroy();
  }
}
