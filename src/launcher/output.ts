/**
 * Output: where the ranks' stdout and stderr go, and how much of it is under way.
 *
 * To the launcher's own streams, line by line; or, with --output-dir, each rank's to `DIR/rank.N.out` and `.err`, as
 * they come. A rank gets credit back when its bytes have left this process (or are held as the start of a line), so a
 * slow reader slows the ranks and memory stays bounded.
 */

import type { WriteStream } from 'node:tty';
import { LineAssembler } from './line-assembler.ts';
import type { OutputFiles } from './output-files.ts';

/** A prompt or progress without an end of line is shown on a terminal after this time. */
const PROMPT_MS = 50;

export interface OutputEvents {
  /** That many bytes of the rank have left. */
  onCredit(rank: number, byteLength: number): void;
  /** Nobody reads our stdout any more. */
  onClosed(): void;
  /** A file of --output-dir cannot be written. */
  onFileError(message: string): void;
}

/** In place of a rank: no rank, and the launcher itself. */
const NOBODY = -1;
const OURS = -2;

/** One of the launcher's own streams, with the lines of all ranks that go there. */
class Terminal {
  readonly #stream: NodeJS.WriteStream;
  readonly #events: OutputEvents;
  readonly #lines = new Map<number, LineAssembler>();
  readonly #tagOutput: boolean;
  /** The rank whose unfinished line was shown. */
  #openLineOf = NOBODY;
  #prompt: NodeJS.Timeout | undefined;
  /** Writes that the stream has not taken, and the credit that becomes due with them, by rank. */
  #pendingWrites = 0;
  readonly #due = new Map<number, number>();
  #onIdle: (() => void) | undefined;
  isClosed = false;

  constructor(stream: NodeJS.WriteStream, tagOutput: boolean, events: OutputEvents, onClosed: () => void) {
    this.#stream = stream;
    this.#tagOutput = tagOutput;
    this.#events = events;
    stream.on('error', () => {
      if (this.isClosed) return;
      this.discardBlocked();
      this.isClosed = true;
      onClosed();
    });
  }

  push(rank: number, bytes: Buffer): void {
    let line = this.#lines.get(rank);
    if (line === undefined) {
      line = new LineAssembler(this.#tagOutput ? `[${rank}] ` : undefined);
      this.#lines.set(rank, line);
    }
    const ready = line.push(bytes);
    this.#write(rank, ready, bytes.byteLength);
    if (line.heldByteLength > 0 && (this.#stream as WriteStream).isTTY) this.#promptLater();
  }

  /** The rank writes no more: show what it left without an end of line, and end the line. */
  finish(rank: number): void {
    const rest = this.#lines.get(rank)?.flush();
    if (rest !== undefined && rest.byteLength > 0) this.#write(rank, rest, 0);
  }

  /** Write a line of the launcher's own. */
  writeLine(line: string): void {
    this.#write(OURS, Buffer.from(`${line}\n`), 0);
  }

  /** Resolve when everything has been handed to the system. */
  async drain(): Promise<void> {
    clearTimeout(this.#prompt);
    if (this.#pendingWrites === 0 || this.isClosed) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Give up what the stream has not taken, if it takes nothing any more. */
  discardBlocked(): void {
    if (this.#pendingWrites === 0) return;
    this.isClosed = true;
    for (const [rank, byteLength] of this.#due) this.#events.onCredit(rank, byteLength);
    this.#onIdle?.();
  }

  /** `taken`: bytes for which credit is due, with the write that takes them, or at once if they are only held. */
  #write(rank: number, ready: Buffer, taken: number): void {
    if (ready.byteLength === 0 || this.isClosed) {
      if (taken > 0) this.#events.onCredit(rank, taken);
      return;
    }
    const isCut = this.#openLineOf !== NOBODY && this.#openLineOf !== rank;
    const bytes = isCut ? Buffer.concat([Buffer.from('\n'), ready]) : ready;
    const last = ready.at(-1);
    this.#openLineOf = last === 0x0a || last === 0x0d ? NOBODY : rank;
    this.#pendingWrites++;
    this.#due.set(rank, (this.#due.get(rank) ?? 0) + taken);
    this.#stream.write(bytes, () => this.#onWritten(rank, taken));
  }

  #onWritten(rank: number, taken: number): void {
    if (this.isClosed) return;
    this.#due.set(rank, this.#due.get(rank)! - taken);
    if (taken > 0) this.#events.onCredit(rank, taken);
    if (--this.#pendingWrites === 0) this.#onIdle?.();
  }

  #promptLater(): void {
    clearTimeout(this.#prompt);
    this.#prompt = setTimeout(() => {
      for (const rank of this.#lines.keys()) this.finish(rank);
    }, PROMPT_MS);
  }
}

export class Output {
  readonly #stdout: Terminal;
  readonly #stderr: Terminal;
  readonly #files: OutputFiles | undefined;
  readonly #events: OutputEvents;

  /** `files`: the ranks' output goes there. */
  constructor(tagOutput: boolean, files: OutputFiles | undefined, events: OutputEvents) {
    this.#events = events;
    this.#stdout = new Terminal(process.stdout, tagOutput, events, () => events.onClosed());
    this.#stderr = new Terminal(process.stderr, tagOutput, events, () => {});
    this.#files = files;
    if (files !== undefined) files.onError = (message) => events.onFileError(message);
  }

  push(rank: number, stream: 1 | 2, bytes: Buffer): void {
    if (this.#files !== undefined) {
      this.#files.write(rank, stream, bytes);
      this.#events.onCredit(rank, bytes.byteLength);
    } else (stream === 1 ? this.#stdout : this.#stderr).push(rank, bytes);
  }

  finish(rank: number): void {
    this.#stdout.finish(rank);
    this.#stderr.finish(rank);
  }

  /** Say something of the launcher's own, on stderr. */
  say(line: string): void {
    this.#stderr.writeLine(line);
  }

  /** Stop waiting for a reader who takes nothing. */
  discardBlocked(): void {
    this.#stdout.discardBlocked();
    this.#stderr.discardBlocked();
  }

  /** Wait until all is written. */
  async close(): Promise<void> {
    this.#files?.close();
    await this.#stdout.drain();
    await this.#stderr.drain();
  }
}
