/**
 * The upgrade by which two ranks become a connection: HTTP as RFC 6455 wants it, and a proof from each side.
 *
 *     connector   GET /tsmpi · Sec-WebSocket-Key: nonce · Tsmpi-From, Tsmpi-To · Tsmpi-Proof: HMAC('rank-connect', job, from, to, nonce)
 *     listener    101 · Sec-WebSocket-Accept · Tsmpi-Proof: HMAC('rank-accept', job, from, to, nonce)
 *     or          403 wrong proof, 409 not now, 400 anything else · Tsmpi-Reason: why
 *
 * The HMAC is SHA-256 under the job's key, so who answers or asks without it is a stranger, and neither proof serves for the
 * other side. A listener takes each (from, nonce) once: a recorded upgrade is of no use.
 */

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Longest head of a request or an answer. */
export const MAX_HEAD_BYTES = 4096;
const PATH = '/tsmpi';
const PROTOCOL = 'tsmpi';
/** RFC 6455, 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const REASONS: Record<number, string> = { 400: 'Bad Request', 403: 'Forbidden', 409: 'Conflict' };

/** Makes and checks the proofs of one job. */
export class Proof {
  readonly #jobId: string;
  readonly #key: Uint8Array;

  constructor(jobId: string, key: Uint8Array) {
    this.#jobId = jobId;
    this.#key = key;
  }

  make(purpose: 'rank-connect' | 'rank-accept', from: number, to: number, nonce: string): string {
    const text = [purpose, this.#jobId, from, to, nonce].join('\n');
    return createHmac('sha256', this.#key).update(text).digest('base64');
  }

  isRight(proof: string, purpose: 'rank-connect' | 'rank-accept', from: number, to: number, nonce: string): boolean {
    const given = Buffer.from(proof);
    const right = Buffer.from(this.make(purpose, from, to, nonce));
    return given.byteLength === right.byteLength && timingSafeEqual(given, right);
  }
}

/** The head of a request or an answer: its first line and its fields, whose names are in lower case. */
export interface Head {
  readonly line: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly byteLength: number;
}

/** Read a head off the bytes received so far. undefined: it is not all there. Throws an Error that says what is wrong. */
export function readHead(bytes: Uint8Array): Head | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, MAX_HEAD_BYTES)).toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) {
    if (bytes.byteLength >= MAX_HEAD_BYTES) throw new Error(`a head of more than ${MAX_HEAD_BYTES} bytes`);
    return undefined;
  }
  const [line, ...rest] = text.slice(0, end).split('\r\n');
  const fields = new Map<string, string>();
  for (const field of rest) {
    const colon = field.indexOf(':');
    if (colon <= 0) throw new Error('a field without a colon');
    fields.set(field.slice(0, colon).trim().toLowerCase(), field.slice(colon + 1).trim());
  }
  return { line: line!, fields, byteLength: end + 4 };
}

/** Make a nonce, which is the Sec-WebSocket-Key. */
export function makeNonce(): string {
  return randomBytes(16).toString('base64');
}

export function writeRequest(proof: Proof, host: string, port: number, from: number, to: number, nonce: string): Uint8Array {
  return encode(
    `GET ${PATH} HTTP/1.1`,
    `Host: ${host.includes(':') ? `[${host}]` : host}:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${nonce}`,
    `Sec-WebSocket-Protocol: ${PROTOCOL}`,
    `Tsmpi-From: ${from}`,
    `Tsmpi-To: ${to}`,
    `Tsmpi-Proof: ${proof.make('rank-connect', from, to, nonce)}`,
  );
}

/** Who asks for a connection, with a proof of it. */
export interface Request {
  readonly from: number;
  readonly nonce: string;
}

/** Why a request is refused. */
export interface Refusal {
  readonly status: 400 | 403 | 409;
  readonly reason: string;
}

/** Read a request to rank `to` of a job of `size` ranks, and check its proof. */
export function readRequest({ line, fields }: Head, proof: Proof, to: number, size: number): Request | Refusal {
  const nonce = fields.get('sec-websocket-key') ?? '';
  const isUpgrade =
    line === `GET ${PATH} HTTP/1.1` &&
    fields.get('upgrade')?.toLowerCase() === 'websocket' &&
    (fields.get('connection') ?? '')
      .toLowerCase()
      .split(/\s*,\s*/)
      .includes('upgrade') &&
    fields.get('sec-websocket-version') === '13' &&
    /^[A-Za-z0-9+/]{22}==$/.test(nonce);
  if (!isUpgrade) return { status: 400, reason: 'expected the upgrade of a rank of this job' };
  const [from, asked] = [readRank(fields.get('tsmpi-from'), size), readRank(fields.get('tsmpi-to'), size)];
  if (from === undefined || asked === undefined || from === to) return { status: 400, reason: 'expected the ranks from and to' };
  if (!proof.isRight(fields.get('tsmpi-proof') ?? '', 'rank-connect', from, asked, nonce)) {
    return { status: 403, reason: 'wrong proof' };
  }
  // Only who belongs to the job is told whom it found instead.
  if (asked !== to) return { status: 403, reason: `this is rank ${to}` };
  return { from, nonce };
}

export function writeAnswer(proof: Proof, from: number, to: number, nonce: string): Uint8Array {
  return encode(
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptOf(nonce)}`,
    `Sec-WebSocket-Protocol: ${PROTOCOL}`,
    `Tsmpi-Proof: ${proof.make('rank-accept', from, to, nonce)}`,
  );
}

export function writeRefusal({ status, reason }: Refusal): Uint8Array {
  return encode(`HTTP/1.1 ${status} ${REASONS[status]}`, 'Connection: close', 'Content-Length: 0', `Tsmpi-Reason: ${reason}`);
}

/** What came of a request. `later`: the peer is connecting itself; `never`: it is not who was asked for. */
export type Outcome = { readonly kind: 'accepted' } | { readonly kind: 'later' | 'never' | 'failed'; readonly reason: string };

/** Read the answer to a request of ours. */
export function readAnswer({ line, fields }: Head, proof: Proof, from: number, to: number, nonce: string): Outcome {
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(line)?.[1];
  const reason = fields.get('tsmpi-reason');
  if (status === '409') return { kind: 'later', reason: reason ?? 'not now' };
  if (status === '403') return { kind: 'never', reason: `the listener there refused: ${reason ?? 'forbidden'}` };
  if (status !== '101') return { kind: 'failed', reason: `what listens there answered ${JSON.stringify(line.slice(0, 60))}` };
  if (!proof.isRight(fields.get('tsmpi-proof') ?? '', 'rank-accept', from, to, nonce)) {
    return { kind: 'never', reason: `what listens there did not prove that it is rank ${to}` };
  }
  if (fields.get('sec-websocket-accept') !== acceptOf(nonce)) return { kind: 'failed', reason: 'a wrong Sec-WebSocket-Accept' };
  return { kind: 'accepted' };
}

function acceptOf(nonce: string): string {
  return createHash('sha1')
    .update(nonce + ACCEPT_SUFFIX)
    .digest('base64');
}

function readRank(text: string | undefined, size: number): number | undefined {
  const rank = /^\d{1,9}$/.test(text ?? '') ? Number(text) : -1;
  return rank >= 0 && rank < size ? rank : undefined;
}

function encode(...lines: string[]): Uint8Array {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
