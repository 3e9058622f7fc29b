/** What tests need to stand for a rank without its transport: frames as bytes, proofs, and a socket of Node's own. */

import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { FrameHandler } from '../../../../src/transport/transport.ts';
import { makeNonce, Proof, writeRequest } from '../../../../src/transport/websocket/upgrade.ts';
import { HEAD, HEAD_BYTES } from '../../../../src/transport/websocket/wire.ts';
import { until } from '../../native/native-addon.ts';
import { type End, KEY } from './ends.ts';

export const proof: Proof = new Proof('job', KEY);

export interface Fields {
  readonly credits?: number;
  readonly kind: number;
  readonly type?: number;
  readonly source?: number;
  readonly tag?: number;
  readonly context?: number;
  readonly byteLength?: number;
  readonly aux?: number;
  readonly payload?: Uint8Array;
}

/** A frame as it lies in a message. */
export function encodeFrame(fields: Fields): Uint8Array {
  const { credits = 0, kind, type = 0, source = 0, tag = 0, context = 0, byteLength = 0, aux = 0, payload } = fields;
  const bytes = new Uint8Array(HEAD_BYTES + (payload?.byteLength ?? 0));
  const view = new DataView(bytes.buffer);
  view.setInt32(HEAD.credits, credits, true);
  view.setInt32(HEAD.kindType, kind | (type << 8), true);
  view.setInt32(HEAD.source, source, true);
  view.setInt32(HEAD.tag, tag, true);
  view.setInt32(HEAD.context, context, true);
  view.setInt32(HEAD.lengthLow, byteLength, true);
  view.setInt32(HEAD.lengthHigh, Math.floor(byteLength / 2 ** 32), true);
  view.setInt32(HEAD.aux, aux, true);
  if (payload !== undefined) bytes.set(payload, HEAD_BYTES);
  return bytes;
}

/** A message of a client, masked with that key. */
export function encodeMessage(payload: Uint8Array, opcode = 2, key: readonly number[] = [0, 0, 0, 0]): Uint8Array {
  const length = payload.byteLength;
  const head = length < 126 ? [128 + length] : length < 65536 ? [128 + 126, length >> 8, length & 255] : undefined;
  if (head === undefined) throw new Error('too long for this helper');
  return Uint8Array.of(128 + opcode, ...head, ...key, ...payload.map((byte, k) => byte ^ key[k & 3]!));
}

/** A socket that connected to a listener, and what came back. */
export class RawPeer {
  readonly socket: Socket;
  received: Buffer = Buffer.alloc(0);
  isClosed = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  /** Status line of the answer to an upgrade. */
  get status(): string {
    return this.received.toString('latin1').split('\r\n')[0]!;
  }

  /** Bytes behind the answer to an upgrade. */
  get frames(): Buffer {
    return this.received.subarray(this.received.indexOf('\r\n\r\n') + 4);
  }

  /** Code of the close frame behind everything else. */
  get closeCode(): number {
    const { frames } = this;
    const at = frames.indexOf(0x88);
    return at < 0 ? 0 : frames.readUInt16BE(at + 2);
  }
}

/** A request of rank `from` to rank `to`, whole and proven; a nonce of its own unless given. */
export function request(from: number, to: number, nonce: string = makeNonce()): Uint8Array {
  return writeRequest(proof, '127.0.0.1', 1, from, to, nonce);
}

/** Poll the transports, and turn the event loop, until the condition holds. */
export function drive(
  ends: readonly End[],
  handlers: readonly FrameHandler[],
  condition: () => boolean,
  what: string,
): Promise<void> {
  return until(() => {
    for (const [k, { transport }] of ends.entries()) transport.poll(handlers[k]!);
    return condition();
  }, what);
}
