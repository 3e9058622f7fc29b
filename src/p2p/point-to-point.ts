/**
 * Send, Receive and Probe: the point-to-point operations in flight, and the message space they live in.
 *
 * They hold what the engine needs; the engine (engine.ts) moves them. A Receive is an entry of its matching queue while
 * it waits for a message.
 */

import { MpiError } from '../base/errors.ts';
import type { ArrayLayout } from '../datatype/derived/array-layout.ts';
import { BYTES, ELEMENT_BYTES, ELEMENT_NAMES, OBJECT, type TypedArray } from '../datatype/element-type.ts';
import type { Membership } from './context.ts';
import { ANY_SOURCE, ANY_TAG, type Matchable, MatchingQueue, PROC_NULL } from './matching-queue.ts';
import { type Driver, Operation, type Owner } from './request.ts';
import { createStatus, type Status } from './status.ts';
import type { UnexpectedMessage } from './unexpected.ts';

/** One message space: a plane of a communicator, with its queue and the probes that wait on it. */
export interface Context {
  readonly id: number;
  readonly members: Membership;
  readonly queue: MatchingQueue<Receive, UnexpectedMessage>;
  readonly probes: Probe[];
  /** Gets the heads of objects that came where an array was expected (object-message.ts). */
  unwantedObjects: Owner | undefined;
  /** Looks at messages of collectives that come before, or without, a receive for them. */
  guard: Guard | undefined;
}

/** Make a message space. */
export function createContext(id: number, members: Membership): Context {
  return { id, members, queue: new MatchingQueue(), probes: [], unwantedObjects: undefined, guard: undefined };
}

/** Who compares what the ranks of a communicator call. */
export interface Guard {
  onUnexpected(source: number, tag: number, check: number): void;
}

export class Send extends Operation<void> {
  readonly context: Context;
  /** The elements; Uint8Array for bytes and objects. Dropped once they are not needed. */
  readonly data: TypedArray;
  readonly code: number;
  readonly count: number;
  readonly byteLength: number;
  readonly dest: number;
  readonly tag: number;
  /** Completes only when the receive has started. */
  readonly isSynchronous: boolean;
  /** Of the collective that it belongs to, else 0. */
  readonly check: number;
  /** In the engine's table while announced, else -1. */
  number = -1;
  /** It waits on a pending queue: no frame of it has left. */
  isPending = false;
  /** Where the elements lie when they are not in `data`. */
  readonly layout: ArrayLayout | undefined;

  constructor(
    progress: Driver,
    context: Context,
    data: TypedArray,
    code: number,
    count: number,
    byteLength: number,
    dest: number,
    tag: number,
    isSynchronous: boolean,
    layout: ArrayLayout | undefined,
    check: number,
  ) {
    super(progress);
    this.context = context;
    this.layout = layout;
    this.data = data;
    this.code = code;
    this.count = count;
    this.byteLength = byteLength;
    this.dest = dest;
    this.tag = tag;
    this.isSynchronous = isSynchronous;
    this.check = check;
  }

  get value(): undefined {
    return undefined;
  }

  override get members(): Membership {
    return this.context.members;
  }

  /** Whether the memory of the elements was transferred away (structuredClone) while it was lent. */
  get isDetached(): boolean {
    if (this.layout !== undefined) return this.layout.isDetached;
    return this.byteLength !== 0 && this.data.byteLength === 0;
  }

  override withdraw(): boolean {
    // The pending queue passes over operations that are done.
    return this.isPending;
  }

  describe(): string {
    const what = this.code === OBJECT ? 'sendObject' : this.isSynchronous ? 'ssend' : 'send';
    return `${what}(dest ${this.dest}, tag ${this.tag}, ${this.byteLength} bytes) on ${this.context.members.name}`;
  }

  waitsFor(): { ranks: number[]; all: boolean } {
    return { ranks: this.dest === PROC_NULL ? [] : [this.context.members.worldOf[this.dest]!], all: true };
  }
}

/**
 * Called for each part of a receive's array once its elements, `start` up to `end`, are there. Parts are whole multiples of
 * 16 bytes but for the last, and cover the message once.
 */
export type OnPart = (start: number, end: number) => void;

/** A receive whose payload arrives in pieces. */
export interface PieceCount {
  /** Where they go; undefined: into the receive's layout. */
  readonly bytes: Uint8Array | undefined;
  /** nowMs() when they were asked for. */
  readonly since: number;
  received: number;
}

export class Receive extends Operation<Status> implements Matchable {
  next: Matchable | null = null;
  previous: Matchable | null = null;
  later: Matchable | null = null;
  sequence = -1;
  readonly context: Context;
  /** Where elements go. An object's receive gets its array at the match. */
  into: TypedArray | undefined;
  /** Element type of `into`; OBJECT takes objects only. */
  readonly code: number;
  readonly capacity: number;
  readonly source: number;
  readonly tag: number;
  /** Of the collective that it belongs to, else 0; and of the message. */
  readonly check: number;
  sentCheck = 0;
  isMatched = false;
  isCancelled = false;
  /** Of the message: source, tag, bytes and element type. */
  from = -1;
  fromTag = -1;
  byteLength = 0;
  type: number = BYTES;
  /** In the engine's table while pieces arrive, else -1. */
  number = -1;
  /** While pieces arrive. */
  pieces: PieceCount | undefined = undefined;
  /** Where elements go when that is not `into`. */
  readonly layout: ArrayLayout | undefined;
  onPart: OnPart | undefined = undefined;
  /** Bytes that a fetch has brought and onPart has been told of. */
  taken = 0;

  constructor(
    progress: Driver,
    context: Context,
    into: TypedArray | undefined,
    code: number,
    capacity: number,
    source: number,
    tag: number,
    layout?: ArrayLayout,
    check = 0,
  ) {
    super(progress);
    this.context = context;
    this.layout = layout;
    this.into = into;
    this.code = code;
    this.capacity = capacity;
    this.source = source;
    this.tag = tag;
    this.check = check;
  }

  /** Tell onPart of a part that has arrived. */
  notePart(byteOffset: number, byteLength: number): void {
    const size = ELEMENT_BYTES[this.code]!;
    this.onPart!(byteOffset / size, (byteOffset + byteLength) / size);
  }

  get value(): Status {
    const unitBytes = this.layout?.unitBytes ?? ELEMENT_BYTES[this.code]!;
    return createStatus(this.from, this.fromTag, this.byteLength, this.type, unitBytes, this.isCancelled);
  }

  override get members(): Membership {
    return this.context.members;
  }

  override get status(): Status {
    return this.done ? this.value : super.status;
  }

  override withdraw(): boolean {
    return !this.isMatched && this.context.queue.withdraw(this);
  }

  override cancel(): boolean {
    this.markSeen();
    if (this.done || !this.withdraw()) return false;
    this.isCancelled = true;
    if (this.code === OBJECT) this.fail(new MpiError('ERR_MPI_CANCELLED', `${this.describe()} was cancelled`));
    else this.complete();
    return true;
  }

  describe(): string {
    const what = this.code === OBJECT ? 'recvObject' : 'recv';
    return `${what}(source ${sourceName(this.source)}, tag ${tagName(this.tag)}) on ${this.context.members.name}`;
  }

  waitsFor(): { ranks: ArrayLike<number>; all: boolean } {
    const { worldOf } = this.context.members;
    const source = this.isMatched ? this.from : this.source;
    if (source === PROC_NULL) return { ranks: [], all: true };
    return source === ANY_SOURCE ? { ranks: worldOf, all: true } : { ranks: [worldOf[source]!], all: true };
  }
}

/** A probe that waits for a message; `take`: a matched probe, which claims it. Standard: 3.8. */
export class Probe extends Operation<UnexpectedMessage> {
  readonly context: Context;
  readonly source: number;
  readonly tag: number;
  readonly isClaiming: boolean;
  message: UnexpectedMessage | undefined = undefined;

  constructor(progress: Driver, context: Context, source: number, tag: number, take: boolean) {
    super(progress);
    this.context = context;
    this.source = source;
    this.tag = tag;
    this.isClaiming = take;
  }

  get value(): UnexpectedMessage {
    return this.message!;
  }

  override get members(): Membership {
    return this.context.members;
  }

  override withdraw(): boolean {
    const at = this.context.probes.indexOf(this);
    if (at >= 0) this.context.probes.splice(at, 1);
    return at >= 0;
  }

  override cancel(): boolean {
    this.markSeen();
    if (this.done || !this.withdraw()) return false;
    this.isSeen = true;
    this.fail(new MpiError('ERR_MPI_CANCELLED', `${this.describe()} was cancelled`));
    return true;
  }

  describe(): string {
    const what = this.isClaiming ? 'mprobe' : 'probe';
    return `${what}(source ${sourceName(this.source)}, tag ${tagName(this.tag)}) on ${this.context.members.name}`;
  }

  waitsFor(): { ranks: ArrayLike<number>; all: boolean } {
    const { worldOf } = this.context.members;
    return { ranks: this.source === ANY_SOURCE ? worldOf : [worldOf[this.source]!], all: true };
  }
}

export function sourceName(source: number): string {
  return source === ANY_SOURCE ? 'ANY_SOURCE' : source === PROC_NULL ? 'PROC_NULL' : String(source);
}

export function tagName(tag: number): string {
  return tag === ANY_TAG ? 'ANY_TAG' : String(tag);
}

/** Return an element type's name for messages. */
export function typeName(code: number): string {
  return ELEMENT_NAMES[code] ?? `type ${code}`;
}
