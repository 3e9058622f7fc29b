/**
 * OutputPipe: one stream (stdout or stderr) of one rank, from a real pipe to the launcher.
 *
 * A real pipe, since Node's own is a socket, on which `echo > /dev/stdout` fails. Reading stops while the rank's window
 * is used up; the rank then blocks in its write. After the rank's end the pipe is read to its end, but no longer than a
 * second of waiting: a grandchild in a session of its own may hold the other end for ever.
 */

import type { Socket } from 'node:net';
import { OUTPUT_WINDOW_BYTES } from './protocol.ts';

/** How long to wait for the end of a pipe whose rank has ended. */
const DRAIN_MS = 1000;
/** What is kept of a stream's end, to recognize why a rank died. */
const TAIL_BYTES = 4096;

/** What a rank may still have on its way to the launcher, both streams together. */
export class OutputWindow {
  #inFlight = 0;
  readonly #pipes: OutputPipe[] = [];

  get isOpen(): boolean {
    return this.#inFlight < OUTPUT_WINDOW_BYTES;
  }

  add(pipe: OutputPipe): void {
    this.#pipes.push(pipe);
  }

  take(byteLength: number): void {
    this.#inFlight += byteLength;
    if (!this.isOpen) for (const pipe of this.#pipes) pipe.pause();
  }

  giveBack(byteLength: number): void {
    const wasOpen = this.isOpen;
    this.#inFlight -= byteLength;
    if (!wasOpen && this.isOpen) for (const pipe of this.#pipes) pipe.resume();
  }
}

export class OutputPipe {
  readonly #socket: Socket;
  readonly #window: OutputWindow;
  readonly #onClosed: () => void;
  #tail: Buffer = Buffer.alloc(0);
  #drain: NodeJS.Timeout | undefined;
  #lastReadMs = 0;
  #isClosed = false;

  /** Read that pipe, which becomes ours, from now on. */
  constructor(socket: Socket, window: OutputWindow, onData: (bytes: Buffer) => void, onClosed: () => void) {
    this.#socket = socket;
    this.#window = window;
    this.#onClosed = onClosed;
    window.add(this);
    this.#socket.on('data', (bytes: Buffer) => {
      this.#lastReadMs = performance.now();
      this.#keepTail(bytes);
      onData(bytes);
      window.take(bytes.byteLength);
    });
    this.#socket.on('error', () => this.#close());
    this.#socket.on('close', () => this.#close());
    this.#socket.resume();
  }

  /** The last bytes that came, as text. */
  get tail(): string {
    return this.#tail.toString('utf8');
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** The rank has ended: read what is left, then close. */
  finish(): void {
    if (this.#isClosed || this.#drain !== undefined) return;
    this.#lastReadMs = performance.now();
    this.#drain = setInterval(() => {
      // Time in which the launcher does not take bytes is not time in which nothing comes.
      if (!this.#window.isOpen) this.#lastReadMs = performance.now();
      else if (performance.now() - this.#lastReadMs >= DRAIN_MS) this.#socket.destroy();
    }, DRAIN_MS / 10);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#drain);
    this.#onClosed();
  }

  #keepTail(bytes: Buffer): void {
    if (bytes.byteLength >= TAIL_BYTES) this.#tail = Buffer.from(bytes.subarray(-TAIL_BYTES));
    else this.#tail = Buffer.concat([this.#tail, bytes]).subarray(-TAIL_BYTES);
  }
}
