/**
 * CollectiveOperation: runs a schedule over the engine; it is the schedule's port and the request that the program holds.
 *
 * The idea: every step posts at once and counts what is open; when a completion brings the count to zero the schedule is
 * resumed, from whichever call made progress. So blocking, awaited and unawaited collectives are one thing. Several on
 * one communicator are kept apart by their number, which is their messages' tag.
 *
 * Invariant: the schedule is never resumed while it runs; a completion inside a step only lowers the count.
 */

import { MpiError } from '../base/errors.ts';
import { ArrayLayout } from '../datatype/derived/array-layout.ts';
import { elementCode, type TypedArray } from '../datatype/element-type.ts';
import type { ElementViews } from '../datatype/element-views.ts';
import type { Membership } from '../p2p/context.ts';
import type { Engine } from '../p2p/engine.ts';
import type { Context } from '../p2p/point-to-point.ts';
import type { Active } from '../p2p/progress.ts';
import { Operation, type Owner } from '../p2p/request.ts';
import type { Area, Hosts, Port, Schedule, Step } from './schedule.ts';

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
]);

/** What collectives know of their communicator; one for each, shared by its collectives. */
export interface CollectiveSpace {
  readonly engine: Engine;
  readonly context: Context;
  /** Given once the members have agreed on it. */
  area: SharedArea | undefined;
  /** Its ranks by host; undefined when they are all on one. */
  readonly hosts: Hosts | undefined;
  /** Set when an abandoned collective left the communicator in an unknown state. */
  broken: string | undefined;
  /** Collectives started so far; wraps within the tags. */
  count: number;
}

const TAG_MASK = 0x7fffffff;

export class CollectiveOperation<T> extends Operation<T> implements Port, Owner {
  readonly rank: number;
  readonly size: number;
  area: Area | undefined;
  readonly hosts: Hosts | undefined;
  readonly #space: CollectiveSpace;
  readonly #name: string;
  readonly #tag: number;
  readonly #result: () => T;
  readonly #schedule: Schedule;
  #open = 0;
  #isRunning = false;
  #value: T | undefined = undefined;
  #posted: Operation<unknown>[] = [];

  /**
   * `begin` makes the schedule; `result` gives the value once it is over. What `result` throws fails this request alone:
   * all messages were exchanged, and the communicator goes on.
   */
  constructor(space: CollectiveSpace, name: string, begin: (port: CollectiveOperation<unknown>) => Schedule, result: () => T) {
    super(space.engine.progress);
    const { members } = space.context;
    if (space.broken !== undefined) {
      const message = `${name} on ${members.name}, on which ${space.broken} was given up before it was complete: use another communicator`;
      throw new MpiError('ERR_MPI_COMM', message, { communicator: members.name, rank: members.rank });
    }
    this.rank = members.rank;
    this.size = members.worldOf.length;
    this.#space = space;
    this.#name = name;
    space.count = (space.count + 1) & TAG_MASK;
    this.#tag = space.count;
    this.#result = result;
    this.area = space.area;
    this.hosts = space.hosts;
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
    if (data instanceof ArrayLayout) return this.#add(engine.sendLayout(context, data, dest, this.#tag, false));
    return this.#add(engine.send(context, data, elementCode(data), data.length, dest, this.#tag, false));
  }

  recv(into: TypedArray | ArrayLayout, source: number, onPart?: (start: number, end: number) => void): Step {
    const { engine, context } = this.#space;
    if (into instanceof ArrayLayout) {
      return this.#add(engine.receive(context, undefined, into.code, into.byteLength, source, this.#tag, into));
    }
    const capacity = into.byteLength;
    return this.#add(engine.receive(context, into, elementCode(into), capacity, source, this.#tag, undefined, onPart));
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

  until(word: number, value: number): Step {
    const { i32 } = this.#space.area!.views;
    if (((Atomics.load(i32, word) - value) | 0) >= 0) return STEP;
    this.#open++;
    this.#space.engine.progress.activate(new WordWatch(i32, word, value, this));
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
    if (operation.error !== undefined) this.#break(operation.error);
    this.release();
  }

  /** A collective cannot be taken back: the others go on with it. */
  override withdraw(): boolean {
    this.#space.broken = this.#name;
    return false;
  }

  describe(): string {
    const open = this.#posted.find(({ done }) => !done);
    const inside = open === undefined ? '' : `, in ${open.describe().replace(/ on .*/, '')}`;
    return `${this.#name} on ${this.#space.context.members.name}${inside}`;
  }

  waitsFor(): { ranks: ArrayLike<number>; all: boolean } {
    const open = this.#posted.find(({ done }) => !done);
    if (open !== undefined) return open.waitsFor();
    return { ranks: this.#space.context.members.worldOf, all: !SYMMETRIC.has(this.#name) };
  }

  #add(operation: Operation<unknown>): Step {
    if (operation.done) {
      if (operation.error !== undefined) {
        operation.markSeen();
        this.#break(operation.error);
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
        if (this.#schedule.next().done === true) {
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
    try {
      this.#value = this.#result();
    } catch (error) {
      this.fail(error);
      return;
    }
    this.complete();
  }

  #break(error: unknown): void {
    this.#space.broken = this.#name;
    this.fail(error);
  }
}

/** The area of a communicator. One object for each communicator; its turns live as long. */
export class SharedArea implements Area {
  readonly views: ElementViews;
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly slotBytes: number;
  /** Wake members that sleep. */
  readonly wake: () => void;
  turn = 0;
  finished = 0;
  settled = 0;

  constructor(views: ElementViews, byteOffset: number, byteLength: number, slotBytes: number, wake: () => void) {
    this.views = views;
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
    this.slotBytes = slotBytes;
    this.wake = wake;
  }
}

/** Waits for a word of the area. */
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
