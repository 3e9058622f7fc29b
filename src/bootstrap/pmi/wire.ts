/**
 * PmiWire: the launcher's descriptor, read and written synchronously, with a deadline on every answer.
 *
 * PMI-1 speaks in lines, PMI-2 in messages with their length in front, after a first line as in PMI-1. The launcher speaks
 * only when asked, so nothing that was read belongs to anybody but the caller.
 */

import { readSync, writeSync } from 'node:fs';
import { nowMs } from '../../base/clock.ts';
import { MpiError } from '../../base/errors.ts';
import { type Addon, INTEREST_READ } from '../../native/addon.ts';
import type { FenceWatch } from './pmi.ts';

/** The launcher's part of this host answers at once; under load that is seconds. */
const ANSWER_MS = 30_000;
/** How long a rank waits for the others: they are late by the load of their hosts, and by what programs do before the import. */
export const FENCE_MS = 60_000;
/** What the launcher is asked for then. */
export const FENCE_WORDS: string =
  'whether all ranks have come (one has ended before it imported tsmpi, or has not imported it yet; `srun --kill-on-bad-exit` ends the job then)';
/** So often the ranks of the host are looked at meanwhile. */
const LOOK_MS = 250;
/** Longest answer that is believed. */
const MAX_BYTES = 65_536;
const LENGTH_BYTES = 6;

/** Fields of an answer. */
export type Fields = ReadonlyMap<string, string>;

export class PmiWire {
  readonly #addon: Addon;
  readonly #read: number;
  readonly #write: number;
  readonly #epoll: number;
  #bytes: Buffer = Buffer.alloc(0);
  #look: (() => void) | undefined;

  /** Speak over `fd`; a test may write elsewhere. Throws an MpiError where there is no such descriptor. */
  constructor(addon: Addon, fd: number, write: number = fd) {
    this.#addon = addon;
    this.#read = fd;
    this.#write = write;
    this.#epoll = addon.createEpoll(fd);
    if (this.#epoll < 0) {
      const why = `descriptor ${fd} of PMI_FD cannot be used (errno ${-this.#epoll})`;
      throw new MpiError('ERR_MPI_OTHER', `${why}: whatever stands between the launcher and node must hand it on`);
    }
  }

  send(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    try {
      for (let sent = 0; sent < bytes.byteLength; ) sent += writeSync(this.#write, bytes, sent);
    } catch (error) {
      throw lost(`it takes no more (${(error as Error).message})`);
    }
  }

  /** Send a message with its length in front. */
  sendMessage(text: string): void {
    this.send(`${String(text.length).padStart(LENGTH_BYTES)}${text}`);
  }

  /** Return the next line, without its end. `asked`: for what, in words. */
  readLine(asked: string, deadlineMs: number = ANSWER_MS): string {
    const limit = nowMs() + deadlineMs;
    for (;;) {
      const end = this.#bytes.indexOf(10);
      if (end >= 0) return this.#take(end, end + 1);
      this.#fill(asked, limit, deadlineMs);
    }
  }

  /** Return the next message. */
  readMessage(asked: string, deadlineMs: number = ANSWER_MS): string {
    const limit = nowMs() + deadlineMs;
    while (this.#bytes.byteLength < LENGTH_BYTES) this.#fill(asked, limit, deadlineMs);
    const length = this.#bytes.toString('latin1', 0, LENGTH_BYTES);
    const byteLength = Number(length);
    if (!/^ *\d+ *$/.test(length) || byteLength > MAX_BYTES) {
      throw malformed(asked, length, 'the length of a message, in six characters');
    }
    while (this.#bytes.byteLength < LENGTH_BYTES + byteLength) this.#fill(asked, limit, deadlineMs);
    this.#bytes = this.#bytes.subarray(LENGTH_BYTES);
    return this.#take(byteLength, byteLength);
  }

  /** Wait for something, but no longer than those watched are well. */
  watching<T>({ lines = [], look }: FenceWatch, wait: () => T): T {
    for (const line of lines) this.#addon.watchDescriptor(this.#epoll, line, INTEREST_READ);
    this.#look = look;
    try {
      return wait();
    } finally {
      this.#look = undefined;
      for (const line of lines) this.#addon.watchDescriptor(this.#epoll, line, 0);
    }
  }

  close(): void {
    this.#addon.close(this.#epoll);
  }

  #take(end: number, next: number): string {
    const text = this.#bytes.toString('latin1', 0, end);
    this.#bytes = this.#bytes.subarray(next);
    return text;
  }

  /** Wait for more bytes. */
  #fill(asked: string, limit: number, deadlineMs: number): void {
    if (this.#bytes.byteLength > MAX_BYTES) throw malformed(asked, this.#bytes.toString('latin1', 0, 64), 'the end of an answer');
    const leftMs = Math.ceil(limit - nowMs());
    // No doorbell: nothing is read here but what is an answer.
    const sleepMs = this.#look === undefined ? leftMs : Math.min(leftMs, LOOK_MS);
    if (leftMs > 0 && this.#addon.park(this.#epoll, -1, sleepMs) === 0 && sleepMs < leftMs) {
      this.#look?.();
      return;
    }
    if (leftMs <= 0 || this.#addon.park(this.#epoll, -1, 0) === 0) {
      throw new MpiError('ERR_MPI_TIMEOUT', `the launcher has not answered ${asked} within ${deadlineMs / 1000} s`);
    }
    const ready = new Int32Array(128);
    const count = this.#addon.listReady(this.#epoll, ready);
    if (count > 0 && !ready.subarray(0, 2 * count).some((value, at) => at % 2 === 0 && value === this.#read)) {
      throw new MpiError('ERR_MPI_PROC_FAILED', 'another rank of this host has ended while the job came together');
    }
    this.#receive(asked);
  }

  #receive(asked: string): void {
    const chunk = Buffer.allocUnsafe(4096);
    let count = 0;
    try {
      count = readSync(this.#read, chunk);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return;
      throw lost(`reading from it failed (${(error as Error).message})`);
    }
    if (count === 0) throw lost(`it has gone instead of answering ${asked}`);
    this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, count)]);
  }
}

/** Return the fields of `name=value`, between those separators, of an answer that must be that command's, and good. */
export function readAnswer(text: string, separator: string, command: string, asked: string): Fields {
  const fields = new Map<string, string>();
  for (const part of text.split(separator)) {
    const at = part.indexOf('=');
    if (at > 0) fields.set(part.slice(0, at), part.slice(at + 1));
    else if (part !== '') throw malformed(asked, text, 'fields as name=value');
  }
  if (fields.get('cmd') !== command) throw malformed(asked, text, `cmd=${command}`);
  return fields;
}

/** Throw where an answer says that something failed. */
export function requireGood(fields: Fields, asked: string): void {
  const code = fields.get('rc');
  if (code === undefined || code === '0') return;
  const why = fields.get('msg') ?? fields.get('errmsg');
  throw new MpiError('ERR_MPI_OTHER', `the launcher refused ${asked}: rc=${code}${why === undefined ? '' : ` (${why})`}`);
}

/** Return a field that is a whole number. */
export function readNumber(fields: Fields, name: string, asked: string): number {
  const text = fields.get(name);
  if (text === undefined || !/^-?\d{1,9}$/.test(text)) {
    throw malformed(asked, `${name}=${text ?? ''}`, `${name} as a whole number`);
  }
  return Number(text);
}

/** Make the error of an answer that is none. */
export function malformed(asked: string, got: string, expected: string): MpiError {
  const shown = got.length > 64 ? `${got.slice(0, 64)}…` : got;
  return new MpiError('ERR_MPI_OTHER', `the launcher answered ${JSON.stringify(shown)} to ${asked}: expected ${expected}`);
}

function lost(why: string): MpiError {
  return new MpiError('ERR_MPI_OTHER', `the launcher is lost: ${why}`);
}
