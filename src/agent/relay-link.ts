/**
 * RelayLink: one connection between the relays of two hosts: a WebSocket in TLS with a key of the job.
 *
 * Each binary message holds whole frames. A frame is the cell it came as, with its payload behind it and its length in place of
 * the mark; one kind is the link's own, ROOM, by which the other side learns what got into inboxes:
 *
 *     byte  0                4 ..              64 ..
 *           payload length   words of a cell   payload        ROOM: to = whose inbox, byteLength = bytes of frames that did
 *
 * Limits: BATCHES messages of BATCH_BYTES are under way at most; beyond them canTake() says no, and onWritable() follows. What
 * comes is checked before it is used; the bound on what comes is the hub's windows. A link that is silent for the
 * heartbeat is lost.
 */

import type { WebSocket } from 'ws';
import { LARGE_BYTES } from '../segment/layout.ts';
import { FRAME } from '../transport/frame.ts';

/** A frame's words; payload follows. */
export const HEAD_BYTES = 64;
/** Two frames of the longest payload. */
export const BATCH_BYTES: number = 2 * (HEAD_BYTES + LARGE_BYTES);
const BATCHES = 4;
const BEAT_MS = 1000;
/** The kind of a frame that is the link's own. */
const ROOM = 32;
/** Close code of a relay whose ranks have all ended. */
const NORMAL = 1000;

export interface LinkEvents {
  /** A frame lies at `at` of those bytes, with so much payload behind its head. False: it is none that can be. */
  onFrame(bytes: Buffer, at: number, payloadLength: number): boolean;
  /** Bytes of frames for that rank got into its inbox. */
  onRoom(rank: number, byteLength: number): void;
  /** All frames of a message were told. */
  onBatch(): void;
  onWritable(): void;
  /** Nothing more comes; undefined: the other relay's ranks have all ended. */
  onEnd(reason: string | undefined): void;
}

export class RelayLink {
  readonly #socket: WebSocket;
  readonly #heartbeatMs: number;
  readonly #events: LinkEvents;
  readonly #beat: NodeJS.Timeout;
  readonly #free: Buffer[] = [];
  #made = 0;
  #batch: Buffer | undefined = undefined;
  #used = 0;
  #heardMs = performance.now();
  #lookedMs: number = performance.now();
  #isOver = false;
  #reason = '';

  constructor(socket: WebSocket, heartbeatMs: number, events: LinkEvents) {
    this.#socket = socket;
    this.#heartbeatMs = heartbeatMs;
    this.#events = events;
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data) => this.#onMessage(data as Buffer));
    for (const sign of ['ping', 'pong'] as const) {
      socket.on(sign, () => {
        this.#heardMs = performance.now();
      });
    }
    socket.on('error', (error) => {
      this.#reason ||= error.message;
    });
    socket.on('close', (code) => this.#end(code === NORMAL ? undefined : this.#reason || 'the connection was closed'));
    this.#beat = setInterval(() => this.#onBeat(), BEAT_MS);
    this.#beat.unref();
  }

  /** Whether a frame with so much payload finds room. */
  canTake(payloadLength: number): boolean {
    if (this.#isOver) return false;
    const byteLength = HEAD_BYTES + payloadLength;
    if (this.#batch !== undefined && this.#used + byteLength > BATCH_BYTES) this.flush();
    return this.#batch !== undefined || this.#free.length > 0 || this.#made < BATCHES;
  }

  /** Take room for a frame for which canTake() said yes: fill in 64 + payloadLength bytes from the offset that is returned. */
  reserve(payloadLength: number): { readonly bytes: Buffer; readonly at: number } {
    if (this.#batch === undefined) {
      this.#batch = this.#free.pop();
      if (this.#batch === undefined) {
        this.#batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
        this.#made++;
      }
    }
    const at = this.#used;
    this.#batch.writeInt32LE(payloadLength, at);
    this.#used += HEAD_BYTES + payloadLength;
    return { bytes: this.#batch, at };
  }

  /** Give back what reserve() gave last. */
  unreserve(payloadLength: number): void {
    this.#used -= HEAD_BYTES + payloadLength;
  }

  /** Tell what got into a rank's inbox. Return false if there is no room to. */
  sendRoom(rank: number, byteLength: number): boolean {
    if (!this.canTake(0)) return false;
    const { bytes, at } = this.reserve(0);
    bytes.fill(0, at + 4, at + HEAD_BYTES);
    bytes.writeInt32LE(ROOM, at + (FRAME.kindType << 2));
    bytes.writeInt32LE(byteLength, at + (FRAME.lengthLow << 2));
    bytes.writeInt32LE(rank, at + (FRAME.to << 2));
    return true;
  }

  /** Send what was taken. */
  flush(): void {
    const batch = this.#batch;
    if (batch === undefined || this.#used === 0) return;
    this.#batch = undefined;
    const byteLength = this.#used;
    this.#used = 0;
    this.#socket.send(batch.subarray(0, byteLength), { binary: true }, () => {
      // The bytes are the kernel's.
      this.#free.push(batch);
      if (!this.#isOver) this.#events.onWritable();
    });
  }

  /** This relay's ranks have ended. */
  close(): void {
    this.flush();
    this.#stop();
    this.#socket.close(NORMAL);
  }

  #onMessage(data: Buffer): void {
    if (this.#isOver) return;
    this.#heardMs = performance.now();
    for (let at = 0; at < data.byteLength; ) {
      const payloadLength = at + HEAD_BYTES <= data.byteLength ? data.readInt32LE(at) : -1;
      const end = at + HEAD_BYTES + payloadLength;
      const isWhole = payloadLength >= 0 && payloadLength <= LARGE_BYTES && end <= data.byteLength;
      if (!isWhole || !this.#takeFrame(data, at, payloadLength)) {
        this.#lose('what came was no frame');
        return;
      }
      at = end;
    }
    this.#events.onBatch();
  }

  #takeFrame(data: Buffer, at: number, payloadLength: number): boolean {
    if (data.readInt32LE(at + (FRAME.kindType << 2)) !== ROOM) return this.#events.onFrame(data, at, payloadLength);
    this.#events.onRoom(data.readInt32LE(at + (FRAME.to << 2)), data.readInt32LE(at + (FRAME.lengthLow << 2)));
    return true;
  }

  #onBeat(): void {
    const nowMs = performance.now();
    // This process stood still: what came meanwhile is not read yet.
    this.#heardMs += Math.max(0, nowMs - this.#lookedMs - 2 * BEAT_MS);
    this.#lookedMs = nowMs;
    if (nowMs - this.#heardMs >= this.#heartbeatMs) this.#lose(`it was silent for ${this.#heartbeatMs / 1000} s`);
    else this.#socket.ping();
  }

  #lose(reason: string): void {
    this.#reason ||= reason;
    this.#socket.terminate();
    this.#end(this.#reason);
  }

  #end(reason: string | undefined): void {
    if (this.#isOver) return;
    this.#stop();
    this.#events.onEnd(reason);
  }

  #stop(): void {
    this.#isOver = true;
    clearInterval(this.#beat);
  }
}
