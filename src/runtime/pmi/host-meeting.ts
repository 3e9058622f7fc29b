/**
 * Where the hosts of a job without agents meet: the lowest rank of each connects to world rank 0, and keeps the connection as
 * the line by which hosts know of each other's end (native/src/mates.c).
 *
 *     visitor    <host> <nonce> HMAC('host-connect', job, host, nonce)
 *     rank 0     HMAC('host-accept', job, host, nonce, addresses) <addresses as JSON>        once all have come
 *
 * So every host learns by which addresses hosts are reached: those that were in use here. Rank 0 tells all addresses that it
 * has; a visitor tries them at once, since some may lead elsewhere (the same 172.17.0.1 on each host), and believes the
 * one that proves itself. The HMAC is under the job's key, as for connections of ranks (transport/websocket/upgrade.ts).
 */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { nowMs } from '../../base/clock.ts';
import { MpiError } from '../../base/errors.ts';
import type { Addon } from '../../native/addon.ts';
import { EAGAIN, EINPROGRESS } from '../../native/errno.ts';

/** Address and port. */
export type Door = readonly [host: string, port: number];

interface HostAddress {
  readonly family: string;
  readonly address: string;
}

/** What the job's ranks know of it in secret. */
export interface Secret {
  readonly id: string;
  readonly key: string;
}

/** A connected socket for each other host that this rank keeps a line to, and the addresses of all hosts. */
export interface Meeting {
  readonly sockets: readonly { readonly fd: number; readonly host: number }[];
  readonly addresses: readonly string[];
}

/** Lowest ranks come here right after a fence. */
const MEET_MS = 30_000;
const PAUSE_MS = 1;
/** Visitors that have not proven themselves, and how long what they say may be. */
const MAX_VISITORS = 64;
const MAX_HELLO_BYTES = 256;
const MAX_ANSWER_BYTES = 1 << 20;
/** More than so many addresses do not fit a value of the launcher's store. */
const MAX_DOORS = 12;

/** The listener of world rank 0. */
export class HostDoor {
  readonly doors: readonly Door[];
  readonly #addon: Addon;
  readonly #listeners: readonly number[];

  /** Listen on every address of this host, and tell those. */
  constructor(addon: Addon, addresses: readonly HostAddress[] = ownAddresses()) {
    this.#addon = addon;
    const listeners: number[] = [];
    const doors: Door[] = [];
    for (const [family, any] of [
      ['IPv4', '0.0.0.0'],
      ['IPv6', '::'],
    ] as const) {
      const own = addresses.filter((entry) => entry.family === family);
      const fd = own.length === 0 ? -1 : addon.listenTcp(any, 0);
      if (fd < 0) continue;
      listeners.push(fd);
      const place = addon.socketAddress(fd, false);
      if (typeof place !== 'number') doors.push(...own.map(({ address }): Door => [address, place[1]]));
    }
    this.#listeners = listeners;
    this.doors = doors.slice(0, MAX_DOORS);
  }

  /** Wait for the lowest ranks of all other hosts. */
  gather(secret: Secret, hostCount: number): Meeting {
    const visitors = new Set<{ fd: number; text: string }>();
    const guests = new Map<number, { fd: number; nonce: string }>();
    const limit = nowMs() + MEET_MS;
    while (guests.size < hostCount - 1) {
      if (nowMs() > limit) throw absent(hostCount, guests);
      let hasMoved = false;
      for (const listener of this.#listeners) {
        const fd = visitors.size < MAX_VISITORS ? this.#addon.acceptTcp(listener) : -EAGAIN;
        if (fd < 0) continue;
        visitors.add({ fd, text: '' });
        hasMoved = true;
      }
      for (const visitor of visitors) {
        const state = readMore(this.#addon, visitor, MAX_HELLO_BYTES);
        if (state === 'waiting') continue;
        hasMoved = true;
        visitors.delete(visitor);
        const host = state === 'line' ? readHello(secret, visitor.text, hostCount) : undefined;
        if (host === undefined || guests.has(host)) this.#addon.close(visitor.fd);
        else guests.set(host, { fd: visitor.fd, nonce: visitor.text.split(' ')[1]! });
      }
      if (!hasMoved) pause();
    }
    for (const { fd } of visitors) this.#addon.close(fd);
    return this.#answer(secret, guests);
  }

  close(): void {
    for (const fd of this.#listeners) this.#addon.close(fd);
  }

  #answer(secret: Secret, guests: ReadonlyMap<number, { fd: number; nonce: string }>): Meeting {
    const addresses: string[] = [];
    for (const [host, { fd }] of guests) {
      const [own, peer] = [this.#addon.socketAddress(fd, false), this.#addon.socketAddress(fd, true)];
      if (typeof own === 'number' || typeof peer === 'number')
        throw new MpiError('ERR_MPI_OTHER', `lost the host number ${host}`);
      addresses[0] ??= own[0];
      addresses[host] = peer[0];
    }
    const json = JSON.stringify(addresses);
    for (const [host, { fd, nonce }] of guests) {
      sendAll(this.#addon, fd, `${prove(secret, 'host-accept', host, nonce, json)} ${json}\n`);
    }
    return { sockets: [...guests].map(([host, { fd }]) => ({ fd, host })), addresses };
  }
}

/** Connect to world rank 0, as the lowest rank of that host. */
export function visitFirstHost(addon: Addon, secret: Secret, doors: readonly Door[], host: number): Meeting {
  const nonce = randomBytes(16).toString('base64url');
  const hello = `${host} ${nonce} ${prove(secret, 'host-connect', host, nonce)}\n`;
  const limit = nowMs() + MEET_MS;
  const tries = doors.map(([address, port]) => ({
    fd: addon.connectTcp(address, port),
    text: '',
    isConnected: false,
    where: `${address}:${port}`,
  }));
  const giveUp = (attempt: (typeof tries)[number]): void => {
    if (attempt.fd >= 0) addon.close(attempt.fd);
    attempt.fd = -1;
  };
  while (tries.some(({ fd }) => fd >= 0) && nowMs() < limit) {
    for (const attempt of tries) {
      if (attempt.fd < 0) continue;
      if (!attempt.isConnected) {
        const outcome = addon.connectOutcome(attempt.fd);
        if (outcome === 0) {
          attempt.isConnected = true;
          sendAll(addon, attempt.fd, hello);
        } else if (outcome !== -EINPROGRESS) giveUp(attempt);
        continue;
      }
      const state = readMore(addon, attempt, MAX_ANSWER_BYTES);
      if (state === 'waiting') continue;
      const addresses = state === 'line' ? readAnswer(secret, attempt.text, host, nonce) : undefined;
      if (addresses === undefined) giveUp(attempt);
      else {
        for (const other of tries) if (other !== attempt) giveUp(other);
        return { sockets: [{ fd: attempt.fd, host: 0 }], addresses };
      }
    }
    pause();
  }
  for (const attempt of tries) giveUp(attempt);
  const places = tries.map(({ where }) => where).join(', ') || 'no address';
  throw new MpiError(
    'ERR_MPI_OTHER',
    `the host of rank 0 cannot be reached from here at ${places}: hosts must take connections of each other`,
  );
}

/** Return the addresses by which other hosts may reach this one: link-local ones have names of this host's in them. */
function ownAddresses(): HostAddress[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
}

/** Read what has come; 'end': it is gone, or says too much. */
function readMore(addon: Addon, from: { readonly fd: number; text: string }, capacity: number): 'line' | 'waiting' | 'end' {
  const bytes = Buffer.allocUnsafe(4096);
  for (;;) {
    const count = addon.receive(from.fd, bytes, 0, bytes.byteLength);
    if (count === -EAGAIN) return 'waiting';
    if (count <= 0) return 'end';
    from.text += bytes.toString('latin1', 0, count);
    if (from.text.endsWith('\n')) {
      from.text = from.text.slice(0, -1);
      return 'line';
    }
    if (from.text.length > capacity) return 'end';
  }
}

/** So little that the socket's buffer takes it. */
function sendAll(addon: Addon, fd: number, text: string): void {
  const bytes = Buffer.from(text, 'latin1');
  for (let sent = 0; sent < bytes.byteLength; ) {
    const count = addon.send(fd, bytes, sent, bytes.byteLength - sent);
    if (count === -EAGAIN) pause();
    // The other side's silence is found out by whoever waits for its answer.
    else if (count < 0) return;
    else sent += count;
  }
}

/** Return the host that a hello is from; undefined: it is a stranger's. */
function readHello(secret: Secret, text: string, hostCount: number): number | undefined {
  const [, host, nonce, proof] = /^(\d{1,7}) ([\w-]{22}) ([\w-]{43})$/.exec(text) ?? [];
  if (host === undefined || Number(host) === 0 || Number(host) >= hostCount) return undefined;
  return isEqual(proof!, prove(secret, 'host-connect', Number(host), nonce!)) ? Number(host) : undefined;
}

function readAnswer(secret: Secret, text: string, host: number, nonce: string): string[] | undefined {
  const at = text.indexOf(' ');
  const json = text.slice(at + 1);
  return isEqual(text.slice(0, Math.max(at, 0)), prove(secret, 'host-accept', host, nonce, json))
    ? (JSON.parse(json) as string[])
    : undefined;
}

function prove(
  { id, key }: Secret,
  purpose: 'host-connect' | 'host-accept',
  host: number,
  nonce: string,
  addresses = '',
): string {
  const text = [purpose, id, host, nonce, addresses].join('\n');
  return createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64url');
}

function isEqual(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

function absent(hostCount: number, guests: ReadonlyMap<number, unknown>): MpiError {
  const missing = Array.from({ length: hostCount - 1 }, (_, index) => index + 1).filter((host) => !guests.has(host));
  const message = `hosts number ${missing.join(', ')} have not reached rank 0 within ${MEET_MS / 1000} s: hosts must take connections of each other`;
  return new MpiError('ERR_MPI_OTHER', message);
}

const NOTHING = new Int32Array(new SharedArrayBuffer(4));

function pause(): void {
  Atomics.wait(NOTHING, 0, 0, PAUSE_MS);
}
