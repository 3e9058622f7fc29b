/** RDMA transports in one process, over a real device: what ranks tell each other before they are connected goes by a table. */

import { onTestFinished } from 'vitest';
import { findDevice } from '../../../../src/transport/rdma/find-device.ts';
import { type RdmaOptions, RdmaTransport } from '../../../../src/transport/rdma/rdma-transport.ts';
import { type FrameHandler, UNDER_WAY } from '../../../../src/transport/transport.ts';
import { Arrivals } from '../../../conformance/arrivals.ts';
import { addon, missing as noAddon } from '../../native/native-addon.ts';

const DEADLINE_MS = 30_000;

const found = noAddon ?? findDevice(addon, process.env);
/** Undefined where there is a device, else why the tests that need one are skipped. */
export const missing: string | undefined = typeof found === 'string' ? found : undefined;
export const named = (title: string): string => (missing === undefined ? title : `${title} (not here: ${missing})`);

export const KEY: Uint8Array = Uint8Array.from({ length: 32 }, (_, k) => 5 * k);

/** What was told and has not been heard, by world rank. */
export class Table {
  readonly mail = new Map<number, (readonly [from: number, what: number, address: number, port: number])[]>();

  tell(to: number, letter: readonly [from: number, what: number, address: number, port: number]): boolean {
    const letters = this.mail.get(to);
    if (letters === undefined) this.mail.set(to, [letter]);
    else letters.push(letter);
    return true;
  }
}

interface Suspicion {
  readonly peer: number;
  readonly reason: string;
  readonly isFinal: boolean;
}

/** A rank's transport, which reads its mail when it polls. */
export class End extends RdmaTransport {
  readonly suspicions: Suspicion[];
  readonly epoll: number;
  readonly #table: Table;
  readonly #worldRank: number;

  static open(table: Table, worldRank: number, change: Partial<RdmaOptions> = {}): End {
    const suspicions: Suspicion[] = [];
    const epoll = addon.createEpoll(-1);
    const options: RdmaOptions = {
      ...(found as Exclude<typeof found, string>),
      ...{ addon, worldRank, size: 16, jobId: 'job', key: KEY, hasHugePages: false, environment: process.env },
      signals: { tell: (to, what, address, port) => table.tell(to, [worldRank, what, address, port]) },
      hasDeparted: () => false,
      whyNot: (rank) => (rank === 9 ? 'rank 9 is on a host that has no device' : undefined),
      watch: (fd) => addon.watchDescriptor(epoll, fd, 1),
      onSuspicion: (peer, reason, isFinal) => suspicions.push({ peer, reason, isFinal }),
      onRefused: () => {},
      ...change,
    };
    const end = new End(options, table, suspicions, epoll);
    onTestFinished(() => {
      if (!end.isStopped) end.stop();
      addon.close(epoll);
    });
    return end;
  }

  private constructor(options: RdmaOptions, table: Table, suspicions: Suspicion[], epoll: number) {
    super(options);
    this.#table = table;
    this.#worldRank = options.worldRank;
    this.suspicions = suspicions;
    this.epoll = epoll;
  }

  isStopped = false;

  override stop(): void {
    this.isStopped = true;
    super.stop();
  }

  override poll(handler: FrameHandler): boolean {
    const letters = this.#table.mail.get(this.#worldRank);
    for (const letter of letters?.splice(0) ?? []) this.onSignal(...letter);
    return super.poll(handler);
  }

  /** The suite reads at once. */
  override fetch(peer: number, ...where: [address: number, into: Uint8Array, offset: number, byteLength: number]): number {
    const deadline = performance.now() + DEADLINE_MS;
    for (;;) {
      const read = super.fetch(peer, ...where);
      if (read !== UNDER_WAY) return read;
      if (performance.now() > deadline) throw new Error('a fetch does not end');
      this.poll(new Arrivals(peer));
      this.onFetch();
    }
  }

  /** The other side goes on meanwhile. */
  onFetch: () => void = () => {};
}

/** Poll both until the condition holds. */
export function pollUntil(ends: readonly (readonly [End, FrameHandler])[], condition: () => boolean, what: string): void {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS} ms until ${what}`);
    for (const [end, handler] of ends) end.poll(handler);
  }
}

/** Two ranks that are connected. */
export function connectedPair(from: number, to: number, change: Partial<RdmaOptions> = {}): [End, End] {
  const table = new Table();
  const [one, other] = [End.open(table, from, change), End.open(table, to, change)];
  one.connect(to);
  const nobody = new Arrivals(from);
  pollUntil(
    [
      [one, nobody],
      [other, nobody],
    ],
    () => one.isConnected(to) && other.isConnected(from),
    `${one.describe(to)}; ${other.describe(from)}`,
  );
  return [one, other];
}
