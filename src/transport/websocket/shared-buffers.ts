/**
 * SharedBuffers: what all connections of a rank share, so that a connection without a backlog has no buffers of its own.
 *
 * One frame is built, and one read's worth of bytes looked at, at a time: nothing in them outlives the call that filled
 * them. Payload that must, lies in the pool, and bytes that a socket refused in a queue that is lent while they wait.
 */

import { ElementViews } from '../../datatype/element-views.ts';
import type { Addon } from '../../native/addon.ts';
import { EagerPool } from '../eager-pool.ts';
import type { FrameHandler, Transport } from '../transport.ts';
import { MAX_HEADER_BYTES } from './websocket-frame.ts';
import { EAGER_BYTES, HEAD_BYTES, PIECE_BYTES } from './wire.ts';

/** Where a frame's head and payload lie in `build`; the websocket header ends where the head begins. */
export const BUILD_HEAD = 16;
export const BUILD_PAYLOAD: number = BUILD_HEAD + HEAD_BYTES;
/** Bytes asked of a socket when it is not known what comes: payload beyond them is read straight to its place. */
export const STAGE_BYTES = 16384;
/** Bytes that may lie before those of a read: what is left of the one before, or what came with an upgrade. */
export const REST_BYTES = 4096;
/** Bytes that wait for a socket: a piece whose head was cut, and frames behind it. */
export const QUEUE_BYTES: number = PIECE_BYTES + EAGER_BYTES + 4 * (HEAD_BYTES + MAX_HEADER_BYTES);

export class SharedBuffers {
  readonly addon: Addon;
  readonly transport: Transport;
  /** Polls so far: frames sent since the last one are a burst. */
  polls = 0;
  /** Whom frames go to, during poll(). */
  handler: FrameHandler | undefined = undefined;
  readonly build: ElementViews = new ElementViews(new ArrayBuffer(BUILD_PAYLOAD + EAGER_BYTES));
  readonly staging: Uint8Array = new Uint8Array(REST_BYTES + STAGE_BYTES);
  readonly stagingView: DataView = new DataView(this.staging.buffer);
  /** The payload words of an announcement: no address. */
  readonly nothing: ElementViews = new ElementViews(new ArrayBuffer(64));
  readonly pool: EagerPool = new EagerPool();
  /** The piece that a handler is being told of, where it was not read to its place. */
  piece: Uint8Array | undefined = undefined;
  readonly #queues: Uint8Array[] = [];

  constructor(addon: Addon, transport: Transport) {
    this.addon = addon;
    this.transport = transport;
  }

  /** Lend a queue of QUEUE_BYTES. */
  acquireQueue(): Uint8Array {
    return this.#queues.pop() ?? new Uint8Array(QUEUE_BYTES);
  }

  releaseQueue(queue: Uint8Array): void {
    this.#queues.push(queue);
  }
}
