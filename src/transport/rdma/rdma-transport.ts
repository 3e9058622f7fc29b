/**
 * Rank to rank over RDMA: reliable-connected queue pairs by rdma_cm, that the rank itself polls.
 *
 * Reach: ranks that have a device too and listen on it. Ordering: one queue pair a pair of ranks, frames in the order taken.
 * Limits: 32 bytes in a frame at no more cost, bufferBytes less a head at once, longer messages announced, then read straight
 * from the sender's array into the receiver's by READs; what has a layout or cannot be registered goes in pieces by frames.
 * Progress: by polling; a READ goes on while both ranks compute, the next one is posted by a poll. The descriptor of completions
 * is a hint, so no sleep with connections is longer than SLEEP_MS. Backpressure: BUSY without a credit or a send buffer,
 * while there is no connection yet; NO_CREDIT beyond WINDOW units of payload that the receiver has not matched. Failure: a
 * connection that cannot be made is tried again, one that is lost is not: frames for its peer stay BUSY, describe() says why
 * and `onSuspicion` is told; whether the job goes on is for its launcher to say.
 *
 *     limits.ts, signals.ts, proof.ts, wireup.ts                     what is used of a device; how a connection comes about
 *     connection.ts, credit-window.ts, wire.ts                       frames
 *     region-cache.ts, exposures.ts, fetching.ts, one-sided.ts, transfers.ts     memory that is read and written from afar
 *
 * Threads: everything here belongs to the main thread of a process; ranks that are threads have no RDMA.
 */

import { nowMs } from '../../base/clock.ts';
import { MpiError } from '../../base/errors.ts';
import { bytesOf, type TypedArray } from '../../datatype/element-type.ts';
import { type Addon, INTEREST_READ } from '../../native/addon.ts';
import { EIO } from '../../native/errno.ts';
import { ASYNC_EVENT, type RdmaDevice, RESULT_WORDS, WORK } from '../../native/rdma.ts';
import { unitsOf } from '../credit.ts';
import { BUSY, type Capabilities, type FrameHandler, type SendAnswer, TAKEN, type Transport } from '../transport.ts';
import type { Connection } from './connection.ts';
import { type Limits, limitsOf } from './limits.ts';
import { describeRegisterError } from './locked-memory.ts';
import type { RemoteMemory } from './one-sided.ts';
import { type Region, RegionCache } from './region-cache.ts';
import { Shared } from './shared.ts';
import type { Transfer } from './transfers.ts';
import { HEAD_BYTES, SHORT_BYTES } from './wire.ts';
import { Wireup, type WireupOptions } from './wireup.ts';

/** A poll of completions takes about so many times what a look at an inbox takes. */
const POLL_COST = 2;
/** Completions handled in one poll. */
const RESULT_LIMIT = 64;
/** Events and timers are looked at once in so many polls; while connections are being made, in so many. */
const LOOK_INTERVAL = 64;
const BUSY_LOOK_INTERVAL = 4;
/** Longest sleep with connections, in milliseconds: a driver may never tell of a completion. */
const SLEEP_MS = 2;
/** Longest sleep until a connection is tried again. */
const MOST_SLEEP_MS = 1000;
/** Descriptors that are looked at: events, asynchronous events, completions, the timer. */
const READY_LIMIT = 4;
/** So long the end of a rank waits for its peers to have heard its goodbye. */
const GOODBYE_MS = 1000;

export interface RdmaOptions extends WireupOptions {
  readonly addon: Addon;
  /** IPv4 address of this host that belongs to the device. */
  readonly host: string;
  readonly device: RdmaDevice;
  readonly portRange?: readonly [first: number, last: number] | undefined;
  /** Ordinary arrays may lie in huge pages. */
  readonly hasHugePages: boolean;
  readonly environment: NodeJS.ProcessEnv;
  /** Let that descriptor end the rank's sleep. */
  readonly watch: (fd: number) => void;
  /** Why a rank cannot be reached by RDMA, as far as this one knows. */
  readonly whyNot: (worldRank: number) => string | undefined;
}

/** Memory that peers may read and write, in parts of one region each. */
export interface ExposedMemory {
  readonly parts: readonly (RemoteMemory & { readonly byteLength: number })[];
  readonly regions: readonly Region[];
}

interface Traffic {
  readonly sent: number;
  readonly received: number;
  readonly underWay: number;
  readonly hasRoom: boolean;
}

export class RdmaTransport implements Transport {
  readonly name = 'rdma';
  readonly capabilities: Capabilities;
  readonly #options: RdmaOptions;
  readonly #addon: Addon;
  readonly #shared: Shared;
  readonly #port: number;
  readonly #results = new Int32Array(RESULT_LIMIT * RESULT_WORDS);
  readonly #wireup: Wireup;
  readonly #epoll: number;
  readonly #timer: number;
  readonly #ready = new Int32Array(2 * READY_LIMIT);
  readonly #eventsFd: number;
  readonly #asyncFd: number;
  /** The timer ends the next sleep; the next completion makes its descriptor readable. */
  #isTimerSet = false;
  #isArmed = false;
  /** By world rank: connections on which frames may be sent, and those that were. */
  readonly #open: (Connection | undefined)[] = [];
  readonly #over: (Connection | undefined)[] = [];
  #openList: Connection[] = [];
  #sinceLook = 0;

  /** Open the device. Throws an MpiError where it cannot be. */
  constructor(options: RdmaOptions) {
    const { addon, device, host, environment, portRange, watch } = options;
    this.#options = options;
    this.#addon = addon;
    const limits = limitsOf(device, environment);
    const [port, listenPort, eventsFd, asyncFd, completionsFd] = openPort(
      options,
      limits.queueCapacity,
      this.#results,
      portRange,
    );
    this.#eventsFd = eventsFd;
    this.#asyncFd = asyncFd;
    this.#port = port;
    checkRegistration(options, port, limits);
    this.#shared = new Shared(addon, this, limits, new RegionCache(addon, port, limits));
    const eagerBytes = (limits.bufferBytes - HEAD_BYTES) & ~15;
    this.capabilities = {
      ...{ shortBytes: SHORT_BYTES, eagerBytes, pieceBytes: eagerBytes, pollCost: POLL_COST },
      ...{ canFetch: true, fetchesAlone: true },
    };
    this.#wireup = new Wireup(this.#shared, port, host, listenPort, options, (connection) => this.#onChange(connection));
    this.#epoll = addon.createEpoll(-1);
    this.#timer = addon.createTimer();
    const watched = [this.#timer, eventsFd, asyncFd];
    for (const fd of limits.hasEvents ? [...watched, completionsFd] : watched)
      addon.watchDescriptor(this.#epoll, fd, INTEREST_READ);
    watch(this.#epoll);
  }

  canReach(peer: number): string | undefined {
    const { worldRank, whyNot } = this.#options;
    return peer === worldRank ? `rank ${peer} is this rank` : whyNot(peer);
  }

  /** Connect to a peer, though no frame waits. */
  connect(peer: number): void {
    if (!this.isConnected(peer)) this.#wireup.want(peer);
  }

  /** Whether frames go to that peer, or went before its connection was lost. */
  isConnected(peer: number): boolean {
    return this.#connectionOf(peer) !== undefined;
  }

  /** A rank has told where it listens, or asked. */
  onSignal(peer: number, what: number, address: number, port: number): void {
    this.#wireup.onSignal(peer, what, address, port);
  }

  /** Say how it stands with a peer, for --explain and for reports of a wait. */
  describe(peer: number): string {
    return this.#wireup.describe(peer);
  }

  /** Say why frames for a peer do not leave; '': they do, or there are none. */
  describeTrouble(peer: number): string {
    return this.#wireup.describeTrouble(peer);
  }

  sendShort(
    peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer {
    const connection = this.#open[peer];
    if (connection === undefined) return this.#connect(peer);
    return connection.sendShort(type, source, tag, context, data, count, byteLength);
  }

  sendEager(
    peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer {
    const connection = this.#open[peer];
    if (connection === undefined) return this.#connect(peer);
    return connection.sendEager(type, source, tag, context, data, count, byteLength);
  }

  sendAnnounce(
    peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    byteLength: number,
    number: number,
    data: TypedArray | undefined,
  ): SendAnswer {
    const connection = this.#open[peer];
    if (connection === undefined) return this.#connect(peer);
    return connection.sendAnnounce(type, source, tag, context, byteLength, number, data);
  }

  sendControl(peer: number, kind: number, number: number, peerNumber: number): SendAnswer {
    const connection = this.#open[peer];
    if (connection === undefined) return this.#connect(peer);
    return connection.sendControl(kind, number, peerNumber);
  }

  sendPiece(peer: number, peerNumber: number, data: Uint8Array, from: number, offset: number, byteLength: number): SendAnswer {
    const connection = this.#open[peer];
    if (connection === undefined) return this.#connect(peer);
    return connection.sendPiece(peerNumber, data, from, offset, byteLength);
  }

  canFetch(): string | undefined {
    return undefined;
  }

  fetch(peer: number, address: number, into: Uint8Array, offset: number, byteLength: number): number {
    const connection = this.#connectionOf(peer);
    return connection === undefined ? -EIO : connection.fetching.fetch(address, into, offset, byteLength);
  }

  returnCredit(peer: number): void {
    this.#connectionOf(peer)?.giveBack(1);
  }

  copyPayload(payloadOffset: number, into: Uint8Array, at: number, byteLength: number): void {
    this.#shared.copiedOut += byteLength;
    this.#addon.copy(into, at, this.#shared.piece!, payloadOffset, byteLength);
  }

  release(peer: number, aux: number): void {
    if (aux < 0) return; // a piece, which was copied while it was told of
    const { pool } = this.#shared;
    const units = unitsOf(pool.classOf(aux));
    pool.release(aux);
    this.#connectionOf(peer)?.giveBack(units);
  }

  poll(handler: FrameHandler): boolean {
    this.#shared.handler = handler;
    let hasMoved = this.#complete();
    for (const connection of this.#openList) if (connection.flush()) hasMoved = true;
    if (++this.#sinceLook >= (this.#wireup.isConnecting ? BUSY_LOOK_INTERVAL : LOOK_INTERVAL) && this.#look()) hasMoved = true;
    return hasMoved;
  }

  /** The next poll is the last look: it sees everything. */
  prepareSleep(): boolean {
    this.#sinceLook = LOOK_INTERVAL;
    if (this.#wireup.isBusy && !this.#isArmed && this.#shared.limits.hasEvents) {
      this.#addon.rdmaArm(this.#port);
      this.#isArmed = true;
    }
    // One that was set before comes earlier.
    if (!this.#isTimerSet) this.#setTimer();
    return false;
  }

  /** The event loop sleeps without that look: it is taken here. */
  enterLoop(handler: FrameHandler): boolean {
    this.prepareSleep();
    return this.poll(handler);
  }

  isFlushed(): boolean {
    return this.#openList.every((connection) => connection.isFlushed());
  }

  // ---- one-sided ---------------------------------------------------------------------------

  /** Let peers read and write that memory. undefined: it cannot be registered. Hold the array until hide(). */
  expose(array: TypedArray): ExposedMemory | undefined {
    const bytes = bytesOf(array);
    const { regions: cache } = this.#shared;
    const parts: { address: number; key: number; byteLength: number }[] = [];
    const regions: Region[] = [];
    for (let at = 0; at < bytes.byteLength; ) {
      const region = cache.acquire(bytes, at);
      if (region === undefined) {
        this.hide({ parts, regions });
        return undefined;
      }
      const place = bytes.byteOffset + at;
      const byteLength = Math.min(region.end - place, bytes.byteLength - at);
      regions.push(region);
      parts.push({ address: region.address + place - region.begin, key: region.key, byteLength });
      at += byteLength;
    }
    return { parts, regions };
  }

  /** The memory may not be read or written any more, once its region is needed for something else. */
  hide({ regions }: ExposedMemory): void {
    for (const region of regions) this.#shared.regions.release(region);
  }

  /** Write to or read from what a peer has exposed. BUSY: too much waits, or there is no connection yet. */
  transfer(peer: number, transfer: Transfer): SendAnswer {
    const connection = this.#open[peer];
    if (connection === undefined) return this.#connect(peer);
    return connection.transfers.add(transfer) ? TAKEN : BUSY;
  }

  /** Tell a peer a number, behind everything that was written to its memory. */
  notify(peer: number, value: number): SendAnswer {
    const connection = this.#open[peer];
    if (connection === undefined) return this.#connect(peer);
    return connection.transfers.isPosted ? connection.sendNotice(value) : BUSY;
  }

  // ---- what is told of it ------------------------------------------------------------------

  /** Frames exchanged with a peer, sends whose completion is still to come, and whether the next frame would be taken. */
  traffic(peer: number): Traffic {
    const connection = this.#connectionOf(peer);
    if (connection === undefined) return { sent: 0, received: 0, underWay: 0, hasRoom: false };
    const { sentFrames, receivedFrames, uncompleted, hasRoom } = connection;
    return { sent: sentFrames, received: receivedFrames, underWay: uncompleted, hasRoom };
  }

  /** Bytes copied to send buffers and out of receive buffers, and what is registered. */
  usage(): { readonly copiedIn: number; readonly copiedOut: number; readonly regions: number; readonly registeredBytes: number } {
    const { copiedIn, copiedOut, regions } = this.#shared;
    return { copiedIn, copiedOut, regions: regions.count, registeredBytes: regions.byteLength };
  }

  /** The rank leaves: say so to all peers, wait until they have heard it, close everything. */
  stop(): void {
    const deadline = nowMs() + GOODBYE_MS;
    const told = new Set<Connection>();
    const isOver = (connection: Connection): boolean => connection.hasBeenHeard || connection.end !== undefined;
    const list = [...this.#openList];
    while (!list.every(isOver) && nowMs() < deadline) {
      for (const connection of list) if (!told.has(connection) && connection.sendGoodbye()) told.add(connection);
      this.#complete();
      for (const connection of list) connection.flush();
      this.#look();
    }
    this.#wireup.stop();
    this.#shared.regions.stop();
    this.#addon.rdmaClosePort(this.#port);
    this.#addon.close(this.#timer);
    this.#addon.close(this.#epoll);
  }

  /** Handle what has completed. */
  #complete(): boolean {
    const count = this.#addon.rdmaPoll(this.#port);
    if (count < 0) {
      this.#wireup.loseAll(`completions cannot be read (errno ${-count})`);
      return true;
    }
    if (count > 0) this.#isArmed = false;
    const results = this.#results;
    for (let k = 0; k < count; k++) {
      const at = k * RESULT_WORDS;
      const connection = this.#wireup.connections.get(results[at]!);
      if (connection === undefined) continue;
      const kind = results[at + 1]! & 0xff;
      const status = results[at + 1]! >> 8;
      const id = results[at + 2]!;
      if (status !== 0) {
        if (connection.end === undefined) connection.onFailure(status);
        this.#sinceLook = LOOK_INTERVAL;
      } else if (kind === WORK.receive) connection.onReceive(id, results[at + 3]!);
      else if (kind === WORK.send) connection.onSent(id);
      else connection.oneSided.onCompletion(id);
    }
    return count > 0;
  }

  /** Look at what is rare: events of rdma_cm and of the device, what is due. */
  #look(): boolean {
    this.#sinceLook = 0;
    const ready = this.#ready;
    const count = this.#addon.listReady(this.#epoll, ready);
    let hasEvent = false;
    let hasMoved = false;
    for (let k = 0; k < count; k++) {
      const fd = ready[2 * k]!;
      if (fd === this.#timer) this.#setTimer();
      else if (fd === this.#eventsFd) hasEvent = true;
      else if (fd === this.#asyncFd) hasMoved = this.#lookAtDevice() || hasMoved;
      // What was told of may have been polled already.
      else this.#isArmed = false;
    }
    return this.#wireup.poll(hasEvent) || hasMoved;
  }

  /** Let the timer end the next sleep in time; once there is nothing to wake for, not at all. */
  #setTimer(): void {
    const { isBusy, nextRetry } = this.#wireup;
    const sleepMs = isBusy ? SLEEP_MS : Math.min(MOST_SLEEP_MS, Math.max(1, Math.ceil(nextRetry - nowMs())));
    const isWanted = isBusy || nextRetry !== Number.POSITIVE_INFINITY;
    if (isWanted || this.#isTimerSet) this.#addon.setTimer(this.#timer, isWanted ? sleepMs : -1);
    this.#isTimerSet = isWanted;
  }

  /** Look at what the device tells of itself. */
  #lookAtDevice(): boolean {
    for (let hasMoved = false; ; hasMoved = true) {
      const event = this.#addon.rdmaAsyncEvent(this.#port);
      if (event === undefined) return hasMoved;
      const [kind, name, number] = event;
      if (number >= 0) this.#wireup.connections.get(number)?.lose(name);
      else if (kind === ASYNC_EVENT.deviceFatal || kind === ASYNC_EVENT.queueError) this.#wireup.loseAll(name);
    }
  }

  #connect(peer: number): SendAnswer {
    this.#wireup.want(peer);
    return BUSY;
  }

  #connectionOf(peer: number): Connection | undefined {
    return this.#open[peer] ?? this.#over[peer];
  }

  #onChange(connection: Connection): void {
    const { peer } = connection;
    if (connection.end === undefined) {
      this.#open[peer] = connection;
      this.#openList.push(connection);
    } else {
      this.#open[peer] = undefined;
      this.#over[peer] = connection;
      this.#openList = this.#openList.filter((other) => other !== connection);
    }
  }
}

/** Open and listen. Return the addon's port, where it listens, and descriptors of events, asynchronous events and completions. */
function openPort(
  { addon, host, hasHugePages, device }: RdmaOptions,
  queueCapacity: number,
  results: Int32Array,
  [first, last]: readonly [number, number] = [0, 0],
): [port: number, listenPort: number, eventsFd: number, asyncFd: number, completionsFd: number] {
  let reason = '';
  for (let wanted = first; wanted <= last; wanted++) {
    const port = addon.rdmaOpen(host, wanted, queueCapacity, results, hasHugePages);
    if (typeof port === 'number') {
      const opened = addon.rdmaDescribePort(port);
      if (typeof opened !== 'number') {
        return [port, opened.port, opened.eventsFd, opened.asyncFd, opened.completionsFd];
      }
      reason = `it does not say what it is (errno ${-opened})`;
      addon.rdmaClosePort(port);
    } else reason = port;
  }
  throw new MpiError('ERR_MPI_OTHER', `RDMA device ${device.name} cannot be opened at ${host}: ${reason}`);
}

/** Register what a peer's buffers take and give it back: better here than at the first message, which would wait for ever. */
function checkRegistration({ addon, host, device }: RdmaOptions, port: number, limits: Limits): void {
  const byteLength = (limits.receiveCount + limits.sendCount) * limits.bufferBytes;
  const made = addon.rdmaRegister(port, new Uint8Array(addon.allocate(byteLength, false)), 0, byteLength);
  if (typeof made !== 'number') {
    addon.rdmaDeregister(made[0]);
    return;
  }
  addon.rdmaClosePort(port);
  const reason = describeRegisterError(made);
  throw new MpiError('ERR_MPI_OTHER', `RDMA device ${device.name} cannot be used at ${host}: buffers for a peer ${reason}`);
}
