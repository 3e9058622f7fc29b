/**
 * CollectiveOperation: runs a schedule over the engine; it is the schedule's port and the request that the program holds.
 *
 * The idea: every step posts at once and counts what is open; when a completion brings the count to zero the schedule is
 * resumed, from whichever call made progress. So blocking, awaited and unawaited collectives are one thing. Several on
 * one communicator are kept apart by their number, which is their messages' tag.
 *
 * Invariant: the schedule is never resumed while it runs; a completion inside a step only lowers the count.
 */

import { type CollectiveCall, operationName } from '../base/collective-call.ts';
import { MpiError } from '../base/errors.ts';
import { operationCode } from '../base/operation.ts';
import { ArrayLayout } from '../datatype/derived/array-layout.ts';
import { elementCode, type TypedArray } from '../datatype/element-type.ts';
import type { ElementViews } from '../datatype/element-views.ts';
import { findCallSite } from '../p2p/call-site.ts';
import type { Membership } from '../p2p/context.ts';
import type { Engine } from '../p2p/engine.ts';
import { ANY_SOURCE } from '../p2p/matching-queue.ts';
import { type Context, type Guard, Receive, typeName } from '../p2p/point-to-point.ts';
import type { Active } from '../p2p/progress.ts';
import { Operation, type Owner } from '../p2p/request.ts';
import { CallHistory, type Journal } from './call-history.ts';
import type { Area, Bulk, Hosts, Port, Schedule, Step } from './schedule.ts';

const STEP: Step = { kind: 'step' };

/** Operations after which every rank depends on every other: one departed member means that they wait in vain. */
const SYMMETRIC: ReadonlySet<string> = new Set([
  'barrier',
  'allreduce',
  'allgather',
  'alltoall',
  'allgatherv',
  'alltoallv',
  'alltoallw',
  'reduceScatterBlock',
  'reduceScatter',
  'allgatherObject',
  'alltoallObject',
  'allreduceObject',
  'split',
  'cartesian',
  'graph',
  'distGraph',
  'sub',
  'dup',
  'create',
  'free',
  'openFile',
  'readAtAll',
  'writeAtAll',
  'setSize',
  'sync',
  'closeFile',
  'checkpoint',
  'save',
  'load',
]);

const SCATTERV = operationCode('scatterv');

/** What collectives know of their communicator; one for each, shared by its collectives. */
export class CollectiveSpace implements Guard {
  readonly engine: Engine;
  readonly context: Context;
  /** Given once the members have agreed on it. */
  area: SharedArea | undefined = undefined;
  /** Its ranks by host; undefined when they are all on one. */
  readonly hosts: Hosts | undefined;
  /** Set when an abandoned collective left the communicator in an unknown state. */
  broken: string | undefined = undefined;
  readonly history: CallHistory;
  /** Ranks called different collectives; kept for who calls the next. */
  #mismatch: { readonly error: MpiError; describe(): string } | undefined = undefined;

  /** `count`: collectives that count as called before. */
  constructor(engine: Engine, context: Context, journal: Journal | undefined, hosts: Hosts | undefined, count = 0) {
    this.engine = engine;
    this.context = context;
    this.hosts = hosts;
    this.history = new CallHistory(journal, context.id, context.members, engine.worldRank, count);
    context.guard = this;
  }

  /** Throw when the communicator cannot be used any more. */
  checkUsable(call: CollectiveCall): void {
    if (this.#mismatch !== undefined) throw this.takeMismatch();
    if (this.broken === undefined) return;
    const { members } = this.context;
    const message = `${operationName(call.operation)} on ${members.name}, on which ${this.broken} was given up before it was complete: use another communicator`;
    throw new MpiError('ERR_MPI_COMM', message, { communicator: members.name, rank: members.rank });
  }

  /** Note a call for the ranks of the host and the agent. */
  note(number: number, call: CollectiveCall, check: number): void {
    const { journal } = this.history;
    if (journal === undefined) return;
    journal.write(this.context.id, number, call, check);
    if (journal.hasSites) journal.writeSite(findCallSite() ?? '');
  }

  /** Return what is wrong with a message of that collective that came before it was called here. */
  compareEarly(number: number, call: CollectiveCall): MpiError | undefined {
    const early = this.context.queue.findMessage(ANY_SOURCE, number, false);
    if (early === null || early.type >>> 8 === call.messageCheck) return undefined;
    return this.history.disagreement(number, call, early.source, early.type >>> 8);
  }

  /** Compare a message that no receive waits for with what was called here: it may be the only sign there is. */
  onUnexpected(source: number, tag: number, check: number): void {
    const call = this.history.callAt(tag);
    if (call === undefined || call.messageCheck === check || this.#mismatch !== undefined) return;
    // The collective itself may be over: the next call on the communicator fails, or the rank's end.
    this.keepMismatch(this.history.disagreement(tag, call, source, check));
    this.engine.progress.unseen.add(this.#mismatch!);
  }

  /** Keep a mismatch for all calls to come. */
  keepMismatch(error: MpiError): void {
    this.#mismatch ??= { error, describe: () => `a collective on ${this.context.members.name}` };
  }

  /** Whether a message has told that ranks called different collectives. */
  get hasMismatch(): boolean {
    return this.#mismatch !== undefined;
  }

  takeMismatch(): MpiError {
    this.engine.progress.unseen.delete(this.#mismatch!);
    return this.#mismatch!.error;
  }

  /** The communicator is given up, and its id may be used again. */
  close(): void {
    this.engine.closeContext(this.context);
    this.area?.bulk?.close();
    this.history.journal?.forget(this.context.id);
  }
}

export class CollectiveOperation<T> extends Operation<T> implements Port, Owner {
  readonly rank: number;
  readonly size: number;
  area: Area | undefined;
  readonly hosts: Hosts | undefined;
  readonly check: number;
  readonly #space: CollectiveSpace;
  readonly #call: CollectiveCall;
  readonly #number: number;
  readonly #result: () => T;
  readonly #schedule: Schedule | undefined;
  #open = 0;
  #isRunning = false;
  #value: T | undefined = undefined;
  #posted: Operation<unknown>[] = [];

  /**
   * `begin` makes the schedule; `result` gives the value once it is over. What `result` throws fails this request alone:
   * all messages were exchanged, and the communicator goes on.
   */
  constructor(
    space: CollectiveSpace,
    call: CollectiveCall,
    begin: (port: CollectiveOperation<unknown>) => Schedule,
    result: () => T,
  ) {
    super(space.engine.progress);
    space.checkUsable(call);
    const { members, queue } = space.context;
    this.rank = members.rank;
    this.size = members.worldOf.length;
    this.#space = space;
    this.#call = call;
    this.#number = space.history.begin(call);
    this.check = call.checkOf(this.#number);
    this.#result = result;
    this.area = space.area;
    this.hosts = space.hosts;
    space.note(this.#number, call, this.check);
    const early = queue.unexpectedCount === 0 ? undefined : space.compareEarly(this.#number, call);
    if (early !== undefined) {
      this.#break(early);
      return;
    }
    this.#schedule = begin(this);
    this.#run();
  }

  get value(): T {
    return this.#value as T;
  }

  override get members(): Membership {
    return this.#space.context.members;
  }

  send(data: TypedArray | ArrayLayout, dest: number): Step {
    const { engine, context } = this.#space;
    const { messageCheck } = this.#call;
    if (data instanceof ArrayLayout) {
      return this.#add(engine.sendLayout(context, data, dest, this.#number, false, messageCheck));
    }
    return this.#add(engine.send(context, data, elementCode(data), data.length, dest, this.#number, false, messageCheck));
  }

  recv(into: TypedArray | ArrayLayout, source: number, onPart?: (start: number, end: number) => void): Step {
    const { engine, context } = this.#space;
    const { messageCheck } = this.#call;
    const number = this.#number;
    if (into instanceof ArrayLayout) {
      return this.#add(
        engine.receive(context, undefined, into.code, into.byteLength, source, number, into, undefined, messageCheck),
      );
    }
    const code = elementCode(into);
    return this.#add(engine.receive(context, into, code, into.byteLength, source, number, undefined, onPart, messageCheck));
  }

  exchange(
    data: TypedArray,
    dest: number,
    into: TypedArray,
    source: number,
    onPart?: (start: number, end: number) => void,
  ): Step {
    this.recv(into, source, onPart);
    return this.send(data, dest);
  }

  mismatch(rank: number): MpiError {
    return this.#space.history.disagreement(this.#number, this.#call, rank, 0);
  }

  until(word: number, value: number, memory: Int32Array = this.#space.area!.views.i32): Step {
    if (((Atomics.load(memory, word) - value) | 0) >= 0) return STEP;
    this.#open++;
    this.#space.engine.progress.activate(new WordWatch(memory, word, value, this));
    return STEP;
  }

  /** Wait for another operation, such as a collective of another communicator. */
  join(operation: Operation<unknown>): Step {
    return this.#add(operation);
  }

  /** Something that the schedule waits for has happened. */
  release(): void {
    if (--this.#open === 0 && !this.#isRunning) this.#run();
  }

  onDone(operation: Operation<unknown>): void {
    if (operation.error !== undefined || this.#isShort(operation)) this.#break(this.#explain(operation));
    this.release();
  }

  /** A collective cannot be taken back: the others go on with it. */
  override withdraw(): boolean {
    this.#space.broken = operationName(this.#call.operation);
    return false;
  }

  override get mayStall(): boolean {
    return true;
  }

  override stalled(): void {
    const { hasMismatch, history } = this.#space;
    const error = hasMismatch ? this.#space.takeMismatch() : history.findDisagreement(this.#number);
    if (error !== undefined) this.#break(error);
  }

  describe(): string {
    const open = this.#posted.find(({ done }) => !done);
    const inside = open === undefined ? '' : `, in ${open.describe().replace(/ on .*/, '')}`;
    return `${this.#call.describe()} as collective ${this.#number} on ${this.#space.context.members.name}${inside}`;
  }

  waitsFor(): { ranks: ArrayLike<number>; all: boolean } {
    const open = this.#posted.find(({ done }) => !done);
    if (open !== undefined) return open.waitsFor();
    return { ranks: this.#space.context.members.worldOf, all: !SYMMETRIC.has(operationName(this.#call.operation)) };
  }

  #add(operation: Operation<unknown>): Step {
    if (operation.done) {
      if (operation.error !== undefined || this.#isShort(operation)) {
        operation.markSeen();
        this.#break(this.#explain(operation));
      }
      return STEP;
    }
    operation.owner = this;
    this.#posted.push(operation);
    this.#open++;
    return STEP;
  }

  #run(): void {
    this.#isRunning = true;
    try {
      while (this.#open === 0 && !this.done) {
        if (this.#posted.length !== 0) this.#posted.length = 0;
        if (this.#schedule!.next().done === true) {
          if (this.#open === 0) this.#finish();
          else continue;
        }
      }
    } catch (error) {
      this.#break(error); // a user's operator threw
    } finally {
      this.#isRunning = false;
    }
  }

  #finish(): void {
    if (this.#space.hasMismatch) {
      this.#break(this.#space.takeMismatch());
      return;
    }
    try {
      this.#value = this.#result();
    } catch (error) {
      this.fail(error);
      return;
    }
    this.complete();
  }

  /** Whether less came than there was room for; only the rest of what scatterv gives may stay as it is. */
  #isShort(operation: Operation<unknown>): boolean {
    if (!(operation instanceof Receive) || operation.byteLength === operation.capacity) return false;
    return this.#call.operation !== SCATTERV;
  }

  /** Return why a step failed: a message that does not fit is one of another call. */
  #explain(operation: Operation<unknown>): unknown {
    if (!(operation instanceof Receive) || !operation.isMatched) return operation.error;
    const { from, sentCheck, check, type, code, byteLength, capacity } = operation;
    const { history } = this.#space;
    if (sentCheck !== check || history.isKnownToDiffer(this.#number, this.#call, from)) {
      return history.disagreement(this.#number, this.#call, from, sentCheck);
    }
    const { members } = this.#space.context;
    const other = `rank ${from} sent ${byteLength} bytes of ${typeName(type)} to rank ${members.rank}`;
    const expected = `which takes ${capacity} bytes of ${typeName(code)} from it: expected the same on both sides`;
    return new MpiError('ERR_MPI_COLLECTIVE_MISMATCH', `${this.describe()}: ${other}, ${expected}`, {
      communicator: members.name,
      rank: members.rank,
      peer: from,
    });
  }

  #break(error: unknown): void {
    this.#space.broken = operationName(this.#call.operation);
    if (error instanceof MpiError && error.code === 'ERR_MPI_COLLECTIVE_MISMATCH') this.#space.keepMismatch(error);
    this.fail(error);
  }
}

/** The area of a communicator. One object for each communicator; its turns live as long. */
export class SharedArea implements Area {
  readonly views: ElementViews;
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly slotBytes: number;
  readonly bulk: Bulk | undefined;
  /** Wake members that sleep. */
  readonly wake: () => void;
  turn = 0;
  finished = 0;
  settled = 0;

  constructor(
    views: ElementViews,
    byteOffset: number,
    byteLength: number,
    slotBytes: number,
    bulk: Bulk | undefined,
    wake: () => void,
  ) {
    this.views = views;
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
    this.slotBytes = slotBytes;
    this.bulk = bulk;
    this.wake = wake;
  }
}

/** Waits for a word of the area, or of its bulk memory. */
class WordWatch implements Active {
  isOver = false;
  readonly waitsForRoom = true;
  readonly #i32: Int32Array;
  readonly #word: number;
  readonly #value: number;
  readonly #operation: CollectiveOperation<unknown>;

  constructor(i32: Int32Array, word: number, value: number, operation: CollectiveOperation<unknown>) {
    this.#i32 = i32;
    this.#word = word;
    this.#value = value;
    this.#operation = operation;
  }

  advance(): boolean {
    // Pairs with the store of whoever calls wake() afterwards.
    if (((Atomics.load(this.#i32, this.#word) - this.#value) | 0) < 0) return false;
    this.isOver = true;
    this.#operation.release();
    return true;
  }
}
