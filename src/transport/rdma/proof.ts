/**
 * Proof: what two ranks tell each other while they connect, in 56 bytes of private data, and how each proves its part.
 *
 *     byte  0       4         5      6        8     16     20   24      32         34             36        40 .. 55
 *           magic   version   kind   length   job   from   to   nonce   receives   buffer / 16    reads in  HMAC
 *
 *     connector   REQUEST, nonce a, HMAC                    ->
 *     listener    checks it before it makes a queue pair    <-   ANSWER, nonce b, HMAC over a too
 *     connector   checks it                                 ->   HELLO: HMAC over a and b, in the first SEND
 *
 * Nothing that came is believed before the HELLO, so a recorded request is of no use. HMAC-SHA-256 under the job's key, cut
 * to 16 bytes. Private data arrives padded with zeros, and drivers do not say how long it was: it says so itself.
 */

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { PROOF_BYTES } from './wire.ts';

const MAGIC = 0x74737264;
const VERSION = 1;
const REQUEST = 1;
const ANSWER = 2;
const LENGTH = 56;
const HMAC_AT = 40;
const NONCE_BYTES = 8;

/** What a side takes: receives it has posted, bytes of each, READs that it answers at a time. */
export interface Offer {
  readonly receiveCount: number;
  readonly bufferBytes: number;
  readonly readsIn: number;
}

export interface Introduction extends Offer {
  readonly from: number;
  readonly to: number;
  readonly nonce: Uint8Array;
}

export const makeNonce = (): Uint8Array => Uint8Array.from(randomBytes(NONCE_BYTES));

/** Makes and checks the proofs of one job. */
export class Proof {
  readonly #job: Uint8Array;
  readonly #key: Uint8Array;

  constructor(jobId: string, key: Uint8Array) {
    this.#job = createHash('sha256').update(jobId).digest().subarray(0, 8);
    this.#key = key;
  }

  writeRequest(introduction: Introduction): Uint8Array {
    return this.#write(REQUEST, introduction, 'rank-connect');
  }

  /** Read a request; a string says what is wrong with it. */
  readRequest(data: Uint8Array | undefined): Introduction | string {
    return this.#read(REQUEST, data, 'rank-connect');
  }

  writeAnswer(introduction: Introduction, request: Uint8Array): Uint8Array {
    return this.#write(ANSWER, introduction, 'rank-accept', request);
  }

  /** Read the answer to a request with that nonce. */
  readAnswer(data: Uint8Array | undefined, request: Uint8Array): Introduction | string {
    return this.#read(ANSWER, data, 'rank-accept', request);
  }

  /** The payload of a HELLO. */
  confirm(from: number, to: number, request: Uint8Array, answer: Uint8Array): Uint8Array {
    return this.#hmac('rank-confirm', Uint32Array.of(from, to), request, answer);
  }

  #write(
    kind: number,
    { from, to, nonce, receiveCount, bufferBytes, readsIn }: Introduction,
    purpose: string,
    ...nonces: Uint8Array[]
  ): Uint8Array {
    const data = Buffer.alloc(LENGTH);
    data.writeUInt32LE(MAGIC, 0);
    data.writeUInt8(VERSION, 4);
    data.writeUInt8(kind, 5);
    data.writeUInt16LE(LENGTH, 6);
    data.set(this.#job, 8);
    data.writeUInt32LE(from, 16);
    data.writeUInt32LE(to, 20);
    data.set(nonce, 24);
    data.writeUInt16LE(receiveCount, 32);
    data.writeUInt16LE(bufferBytes >> 4, 34);
    data.writeUInt16LE(readsIn, 36);
    data.set(this.#hmac(purpose, data.subarray(0, HMAC_AT), ...nonces), HMAC_AT);
    return data;
  }

  #read(kind: number, bytes: Uint8Array | undefined, purpose: string, ...nonces: Uint8Array[]): Introduction | string {
    if (bytes === undefined || bytes.byteLength < LENGTH) return 'no introduction of a rank';
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, LENGTH);
    if (data.readUInt32LE(0) !== MAGIC) return 'no introduction of a rank';
    const version = data.readUInt8(4);
    if (version !== VERSION) return `version ${version} of the protocol, expected ${VERSION}`;
    if (data.readUInt8(5) !== kind || data.readUInt16LE(6) !== LENGTH) return 'no introduction of a rank';
    const right = this.#hmac(purpose, data.subarray(0, HMAC_AT), ...nonces);
    if (!timingSafeEqual(right, data.subarray(HMAC_AT, LENGTH))) return 'wrong proof';
    if (!data.subarray(8, 16).equals(this.#job)) return 'another job';
    return {
      from: data.readUInt32LE(16),
      to: data.readUInt32LE(20),
      nonce: Uint8Array.from(data.subarray(24, 24 + NONCE_BYTES)),
      receiveCount: data.readUInt16LE(32),
      bufferBytes: data.readUInt16LE(34) << 4,
      readsIn: data.readUInt16LE(36),
    };
  }

  #hmac(purpose: string, ...parts: readonly (Uint8Array | Uint32Array)[]): Uint8Array {
    const hmac = createHmac('sha256', this.#key).update(`${purpose}\n`);
    for (const part of parts) hmac.update(part);
    return hmac.digest().subarray(0, PROOF_BYTES);
  }
}
