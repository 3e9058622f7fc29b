/**
 * RelayHub: the relay of one host: takes frames of its ranks from the segment to other hosts' relays, and theirs to its ranks.
 *
 * The idea: it has a place in the segment as a rank has. What a link cannot take yet waits as a copy of its cell, while the
 * payload stays in the sender's buffer; senders find `held` up and stop. What a rank's inbox has no room for waits at its
 * relay (relay-inboxes.ts), within a window that the sending side counts: bytes sent for that rank and not yet told (ROOM)
 * to have got in.
 *
 * Limits: per rank of another host a full inbox of cells; per link its batches; per own rank and other host WINDOW_BYTES.
 * Nothing here blocks, and a turn is bounded, so that whatever else its process does is never far behind.
 * Failure: a link that is lost is told when its host's end has not been found out by others meanwhile (LATER_MS after the heartbeat).
 */

import type { JobDescription } from '../bootstrap/job.ts';
import type { Addon } from '../native/addon.ts';
import { releaseBuffer } from '../segment/buffer-pool.ts';
import { InboxConsumer } from '../segment/inbox.ts';
import { BUFFER_HEADER_BYTES, CONTROL, PEER, RANK_STATE } from '../segment/layout.ts';
import type { Parking, Sleeper } from '../segment/parking.ts';
import type { Segment } from '../segment/segment.ts';
import { EAGER, FRAME, PIECE, PULL, PULL_DATA, PULLED } from '../transport/frame.ts';
import type { RelayOffer } from './protocol.ts';
import { RelayInboxes } from './relay-inboxes.ts';
import { HEAD_BYTES, RelayLink } from './relay-link.ts';
import { RelayMeeting } from './relay-meeting.ts';
import { RelayPulls } from './relay-pulls.ts';

/** Bytes for one rank of another host that may be sent and not yet in its inbox. */
export const WINDOW_BYTES: number = 1 << 20;
/** What got in is told at once when it is so much, and else after a moment. */
const TELL_AT = WINDOW_BYTES >> 2;
const TELL_MS = 5;
const LATER_MS = 1000;
/** Cells taken in one poll, and polls in one turn of the loop. */
const CELL_LIMIT = 256;
const TURN_POLLS = 4;
const CELL_WORDS = HEAD_BYTES >> 2;

export interface RelayEvents {
  onOffer(offer: RelayOffer): void;
  /** The relay cannot do its work, and no other cause was found. */
  onFailed(why: string): void;
}

/** Another host. */
interface Side {
  readonly host: number;
  link: RelayLink | undefined;
  /** No frame gets there any more: its ranks have ended. */
  isGone: boolean;
  lostTimer: NodeJS.Timeout | undefined;
  /** By local rank: bytes that got in and were not told. */
  readonly owed: Float64Array;
}

/** A rank of another host. */
interface Remote {
  readonly rank: number;
  readonly side: Side;
  /** Cells that the link has not taken. */
  readonly queue: Int32Array[];
  window: number;
  /** Bytes of frames that came for it, and of those that got into its inbox. */
  begun: number;
  arrived: number;
}

interface Flush {
  readonly targets: readonly { readonly remote: Remote; readonly begun: number }[];
  readonly resolve: () => void;
}

/** Whether a job can come to need it. */
export function hasRelay({ hosts, transports }: Pick<JobDescription, 'hosts' | 'transports'>): boolean {
  // Ranks arrange RDMA connections through the agents.
  const isAllowed = transports.length === 0 || transports.includes('relay') || transports.includes('rdma');
  return hosts.length > 1 && isAllowed;
}

export class RelayHub implements Sleeper {
  readonly #segment: Segment;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  readonly #place: number;
  readonly #description: JobDescription;
  readonly #events: RelayEvents;
  readonly #heartbeatMs: number;
  readonly #meeting: RelayMeeting;
  readonly #pulls: RelayPulls;
  readonly #parking: Parking;
  readonly #consumer: InboxConsumer;
  readonly #inboxes: RelayInboxes;
  readonly #localOf: Int32Array;
  readonly #sides: Side[];
  readonly #remotes: (Remote | undefined)[] = [];
  /** Those whose queue is not empty. */
  readonly #held = new Set<Remote>();
  #flushes: Flush[] = [];
  #tellTimer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** `openParking`: how the process of this relay sleeps and wakes; without an addon it pulls no memory. */
  constructor(
    segment: Segment,
    addon: Addon | undefined,
    openParking: (place: number, sleeper: Sleeper) => Parking,
    events: RelayEvents,
  ) {
    this.#pulls = new RelayPulls(segment, addon, (words) => this.#forward(words, 0));
    this.#segment = segment;
    this.#i32 = segment.i32;
    this.#u8 = segment.u8;
    this.#events = events;
    const description = JSON.parse(segment.description()) as JobDescription;
    this.#description = description;
    this.#heartbeatMs = description.heartbeatMs;
    const { localSize } = segment.layout;
    this.#place = localSize;
    this.#consumer = new InboxConsumer(segment, localSize);
    const ring = (local: number): void => this.#parking.ring(local);
    this.#inboxes = new RelayInboxes(segment, ring, (host, local, byteLength) => this.#onArrived(host, local, byteLength));
    this.#localOf = new Int32Array(description.size).fill(-1);
    for (const [local, rank] of description.localRanks.entries()) this.#localOf[rank] = local;
    this.#sides = description.hosts.map((_, host) => ({
      host,
      link: undefined,
      isGone: false,
      lostTimer: undefined,
      owed: new Float64Array(localSize),
    }));
    this.#meeting = new RelayMeeting(description, {
      onOffer: (offer) => events.onOffer(offer),
      onMet: (host, socket) => this.#addLink(this.#sides[host]!, socket),
      onGone: (host) => this.#onGone(this.#sides[host]!),
      onImpossible: (_host, why) => events.onFailed(why),
    });
    this.#parking = openParking(localSize, this);
    this.#parking.enterLoop(false, false);
  }

  /** The launcher brought an offer of another host's relay. */
  onOffer(offer: RelayOffer): void {
    this.#meeting.onOffer(offer);
  }

  /** Ranks have ended: look again. */
  wake(): void {
    this.onTurn();
  }

  /** Return when all that is in the relay's inbox has got to its ranks, or cannot any more; undefined: it has. */
  flush(): Promise<void> | undefined {
    if (this.#isStopped) return undefined;
    while (this.#takeCells());
    const targets = this.#remotes.flatMap((remote) =>
      remote === undefined || remote.arrived >= remote.begun ? [] : [{ remote, begun: remote.begun }],
    );
    if (targets.length === 0) return undefined;
    this.onTurn();
    return new Promise((resolve) => this.#flushes.push({ targets, resolve }));
  }

  /** The ranks of this host have ended, or are being ended. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#meeting.stop();
    clearTimeout(this.#tellTimer);
    for (const side of this.#sides) {
      clearTimeout(side.lostTimer);
      side.link?.close();
    }
    this.#parking.stop();
    for (const { resolve } of this.#flushes.splice(0)) resolve();
  }

  poll(): boolean {
    let hasMoved = this.#inboxes.isHolding && this.#inboxes.retry();
    if (hasMoved) for (const side of this.#sides) this.#tellRoom(side, TELL_AT);
    for (const remote of this.#held) if (this.#forwardQueue(remote)) hasMoved = true;
    if (this.#takeCells()) hasMoved = true;
    for (const { link } of this.#sides) {
      if (link === undefined) continue;
      if (this.#pulls.serve(link)) hasMoved = true;
      link.flush();
    }
    return hasMoved;
  }

  prepareSleep(): boolean {
    return this.#inboxes.prepareSleep();
  }

  onTurn(): void {
    if (this.#isStopped) return;
    this.#parking.leaveLoop();
    let polls = 0;
    while (polls < TURN_POLLS && this.poll()) polls++;
    this.#parking.enterLoop(this.#inboxes.isHolding, polls === TURN_POLLS);
  }

  // ---- from the ranks to the links -----------------------------------------------------------

  #takeCells(): boolean {
    for (let taken = 0; taken < CELL_LIMIT; taken++) {
      const cell = this.#consumer.next();
      if (cell < 0) return taken !== 0;
      this.#forward(this.#i32, cell);
      const roomWanted = this.#segment.control(this.#place, CONTROL.roomWanted);
      if (this.#consumer.advance() && Atomics.exchange(this.#i32, roomWanted, 0) !== 0) this.#ringRanks();
    }
    return true;
  }

  #forward(words: Int32Array, at: number): void {
    const remote = this.#remoteOf(words[at + FRAME.to]!);
    if (remote.side.isGone) {
      this.#releasePayload(words, at);
      return;
    }
    remote.begun += HEAD_BYTES + payloadOf(words, at);
    if (remote.queue.length === 0 && this.#ship(remote, words, at)) return;
    remote.queue.push(words.slice(at, at + CELL_WORDS));
    if (remote.queue.length > 1) return;
    this.#held.add(remote);
    Atomics.store(this.#i32, this.#segment.peer(remote.rank, PEER.held), 1); // pairs with the load of who sends
    if (remote.side.link === undefined) this.#meeting.want(remote.side.host);
  }

  /** Hand a frame to its link. Return false if there is no link, no room in it, or no window. */
  #ship(remote: Remote, words: Int32Array, at: number): boolean {
    const { link } = remote.side;
    const payloadLength = payloadOf(words, at);
    const cost = HEAD_BYTES + payloadLength;
    if (link === undefined || remote.window < cost || !link.canTake(payloadLength)) return false;
    const { bytes, at: target } = link.reserve(payloadLength);
    bytes.set(new Uint8Array(words.buffer, words.byteOffset + ((at + 1) << 2), HEAD_BYTES - 4), target + 4);
    if (payloadLength > 0) {
      const payload = (words[at + FRAME.aux]! << 6) + BUFFER_HEADER_BYTES;
      bytes.set(this.#u8.subarray(payload, payload + payloadLength), target + HEAD_BYTES);
    }
    this.#releasePayload(words, at);
    remote.window -= cost;
    return true;
  }

  #forwardQueue(remote: Remote): boolean {
    const { queue } = remote;
    let sent = 0;
    while (sent < queue.length && this.#ship(remote, queue[sent]!, 0)) sent++;
    queue.splice(0, sent);
    if (queue.length === 0) this.#release(remote);
    return sent !== 0;
  }

  /** Nothing waits for that rank any more: senders may go on. */
  #release(remote: Remote): void {
    this.#held.delete(remote);
    Atomics.store(this.#i32, this.#segment.peer(remote.rank, PEER.held), 0);
    // Pairs with the store of who found it held and goes to sleep.
    if (Atomics.exchange(this.#i32, this.#segment.peer(remote.rank, PEER.roomWanted), 0) !== 0) this.#ringRanks();
  }

  #releasePayload(words: Int32Array, at: number): void {
    if (!hasBuffer(words, at)) return;
    const owner = this.#localOf[words[at + FRAME.from]!]!;
    if (releaseBuffer(this.#i32, words[at + FRAME.aux]! << 4)) this.#parking.ring(owner);
  }

  #ringRanks(): void {
    for (let local = 0; local < this.#place; local++) this.#parking.ring(local);
  }

  #remoteOf(rank: number): Remote {
    let remote = this.#remotes[rank];
    if (remote === undefined) {
      const side = this.#sides[this.#description.hostOfRank[rank]!]!;
      remote = { rank, side, queue: [], window: WINDOW_BYTES, begun: 0, arrived: 0 };
      this.#remotes[rank] = remote;
    }
    return remote;
  }

  // ---- from the links to the ranks -----------------------------------------------------------

  #addLink(side: Side, socket: ConstructorParameters<typeof RelayLink>[0]): void {
    side.link = new RelayLink(socket, this.#heartbeatMs, {
      onFrame: (bytes, at, payloadLength) => this.#onFrame(side, bytes, at, payloadLength),
      onRoom: (rank, byteLength) => this.#onRoom(rank, byteLength),
      onBatch: () => {
        this.#tellRoom(side, TELL_AT);
        this.onTurn();
      },
      onWritable: () => this.onTurn(),
      onEnd: (reason) => this.#onLinkEnd(side, reason),
    });
    this.onTurn();
  }

  #onFrame(side: Side, bytes: Buffer, at: number, payloadLength: number): boolean {
    const rank = bytes.readInt32LE(at + (FRAME.to << 2));
    const local = this.#localOf[rank] ?? -1;
    if (local < 0) return false;
    const kind = bytes[at + (FRAME.kindType << 2)];
    if (kind === PULL_DATA) {
      this.#pulls.write(local, bytes, at, payloadLength);
      return true;
    }
    if (kind === PULL) {
      this.#pulls.add(side.link!, local, bytes, at);
      this.#onArrived(side.host, local, HEAD_BYTES);
      return true;
    }
    if (kind === PULLED) this.#pulls.finish(local, bytes, at);
    this.#inboxes.put(side.host, local, bytes, at, payloadLength);
    return true;
  }

  /** Bytes of a frame from that host got into a rank's inbox. */
  #onArrived(host: number, local: number, byteLength: number): void {
    this.#sides[host]!.owed[local]! += byteLength;
    this.#tellTimer ??= setTimeout(() => {
      this.#tellTimer = undefined;
      for (const side of this.#sides) this.#tellRoom(side, 1);
    }, TELL_MS);
  }

  /** Tell the other side of at least so many bytes that got in. */
  #tellRoom({ link, owed }: Side, least: number): void {
    if (link === undefined) return;
    for (const [local, byteLength] of owed.entries()) {
      if (byteLength < least || !link.sendRoom(this.#description.localRanks[local]!, byteLength)) continue;
      owed[local] = 0;
    }
    link.flush();
  }

  #onRoom(rank: number, byteLength: number): void {
    const remote = this.#remoteOf(rank);
    remote.window += byteLength;
    remote.arrived += byteLength;
    this.#checkFlushes();
  }

  #checkFlushes(): void {
    const isOver = ({ targets }: Flush): boolean => targets.every(({ remote, begun }) => remote.arrived >= begun);
    const over = this.#flushes.filter(isOver);
    if (over.length === 0) return;
    this.#flushes = this.#flushes.filter((flush) => !over.includes(flush));
    for (const { resolve } of over) resolve();
  }

  #onLinkEnd(side: Side, reason: string | undefined): void {
    if (side.link !== undefined) this.#pulls.drop(side.link);
    side.link = undefined;
    if (this.#isStopped) return;
    if (reason === undefined) {
      this.#onGone(side);
      return;
    }
    side.lostTimer = setTimeout(() => {
      const { hosts, hostIndex, hostOfRank } = this.#description;
      const isOver = hostOfRank.every((host, rank) => host !== side.host || this.#hasDeparted(rank));
      if (isOver) this.#onGone(side);
      else this.#events.onFailed(`lost the relay between ${hosts[hostIndex]!.name} and ${hosts[side.host]!.name}: ${reason}`);
    }, this.#heartbeatMs + LATER_MS);
  }

  #hasDeparted(rank: number): boolean {
    return this.#segment.peerState(rank) === RANK_STATE.departed;
  }

  /** The ranks of that host have ended: what waits for them is dropped. */
  #onGone(side: Side): void {
    side.isGone = true;
    for (const remote of this.#remotes) {
      if (remote?.side !== side) continue;
      for (const words of remote.queue.splice(0)) this.#releasePayload(words, 0);
      remote.arrived = remote.begun;
      this.#release(remote);
    }
    this.#checkFlushes();
  }
}

/** Whether a frame's payload lies in a buffer. */
function hasBuffer(words: Int32Array, at: number): boolean {
  const kind = words[at + FRAME.kindType]! & 0xff;
  return kind === EAGER || (kind === PIECE && words[at + FRAME.tag]! >= 0);
}

/** Bytes of payload behind a frame's words. */
function payloadOf(words: Int32Array, at: number): number {
  if (!hasBuffer(words, at)) return 0;
  const kind = words[at + FRAME.kindType]! & 0xff;
  return words[at + (kind === EAGER ? FRAME.lengthLow : FRAME.tag)]!;
}
