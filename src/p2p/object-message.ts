/**
 * Object messages: any value, with its typed arrays carried beside it.
 *
 * The idea: the codec gives a head and the arrays' bytes. The head is an ordinary message of type OBJECT, whose first
 * 8 bytes are a number of the sender's; the arrays follow as messages in the plane OBJECT_ARRAYS with that number as
 * their tag, so they meet only this object's receive. The receiver learns the arrays' lengths from the head, makes them
 * and receives into them: no copy through the codec, no size limit but memory.
 */

import { MpiError } from '../base/errors.ts';
import { OBJECT, U8 } from '../datatype/element-type.ts';
import { decodeObject, encodeObject, outOfBandLengths } from '../datatype/object-codec.ts';
import type { Membership } from './context.ts';
import type { Engine } from './engine.ts';
import type { Context, Receive } from './point-to-point.ts';
import { Operation, type Owner } from './request.ts';
import type { Status } from './status.ts';
import type { UnexpectedMessage } from './unexpected.ts';

/** Number of the object message, in front of the head. A multiple of 8 keeps the head aligned. */
const PREFIX_BYTES = 8;
const TAG_MASK = 0x7fffffff;
const NO_ROOM = new Uint8Array(0);

/** The two planes that object messages use. */
export interface ObjectContexts {
  readonly heads: Context;
  readonly arrays: Context;
}

let lastNumber = 0;

/**
 * Have the arrays of objects consumed that came where an array was expected, so that their senders complete: for each a
 * receive without room, whose failure concerns nobody.
 */
export function dropUnwantedObjects(engine: Engine, contexts: ObjectContexts): void {
  contexts.heads.unwantedObjects = {
    onDone(operation) {
      if (operation.error === undefined) dropArrays(engine, contexts, operation as Receive);
    },
  };
}

function dropArrays(engine: Engine, { arrays }: ObjectContexts, { into, from }: Receive): void {
  const head = into as Uint8Array;
  const number = numberOf(head);
  let count = 0;
  try {
    count = outOfBandLengths(head.subarray(PREFIX_BYTES)).length;
  } catch {
    // A head that says nothing of its arrays has none that anybody could take.
  }
  for (let k = 0; k < count; k++) engine.receive(arrays, NO_ROOM, U8, 0, from, number).markSeen();
}

/** Return the number in front of a head. */
function numberOf(head: Uint8Array): number {
  return new DataView(head.buffer).getInt32(0, true);
}

export class ObjectSend extends Operation<void> implements Owner {
  readonly #head: Operation<void>;
  readonly #context: Context;
  #open = 0;

  constructor(engine: Engine, { heads, arrays }: ObjectContexts, value: unknown, dest: number, tag: number) {
    super(engine.progress);
    const encoded = encodeObject(value, PREFIX_BYTES);
    lastNumber = (lastNumber + 1) & TAG_MASK;
    const { head } = encoded;
    new DataView(head.buffer).setInt32(0, lastNumber, true);
    const parts: Operation<void>[] = [engine.send(heads, head, OBJECT, head.byteLength, dest, tag, false)];
    for (const array of encoded.arrays) parts.push(engine.send(arrays, array, U8, array.byteLength, dest, lastNumber, false));
    this.#head = parts[0]!;
    this.#context = heads;
    for (const part of parts) {
      if (part.done) continue;
      part.owner = this;
      this.#open++;
    }
    if (this.#open === 0) this.complete();
  }

  get value(): undefined {
    return undefined;
  }

  override get members(): Membership {
    return this.#context.members;
  }

  onDone(part: Operation<unknown>): void {
    this.#open--;
    if (part.error !== undefined) this.fail(part.error);
    else if (this.#open === 0) this.complete();
  }

  override withdraw(): boolean {
    return false; // its arrays may be under way already
  }

  describe(): string {
    return this.#head.describe();
  }

  waitsFor(): { ranks: ArrayLike<number>; all: boolean } {
    return this.#head.waitsFor();
  }
}

export class ObjectReceive<T> extends Operation<T> implements Owner {
  readonly #engine: Engine;
  readonly #contexts: ObjectContexts;
  readonly #head: Receive;
  readonly #arrays: Uint8Array[] = [];
  readonly #parts: Receive[] = [];
  #open = 0;
  #value: T | undefined = undefined;

  /** `message`: one that a matched probe claimed. */
  constructor(engine: Engine, contexts: ObjectContexts, source: number, tag: number, message?: UnexpectedMessage) {
    super(engine.progress);
    this.#engine = engine;
    this.#contexts = contexts;
    const limit = Number.MAX_SAFE_INTEGER;
    this.#head =
      message === undefined
        ? engine.receive(contexts.heads, undefined, OBJECT, limit, source, tag)
        : engine.receiveClaimed(contexts.heads, message, undefined, OBJECT, limit);
    this.#head.owner = this;
    if (this.#head.done) {
      this.#head.markSeen();
      this.onDone(this.#head);
    }
  }

  get value(): T {
    return this.#value as T;
  }

  override get members(): Membership {
    return this.#head.members;
  }

  override get status(): Status {
    return this.done ? this.#head.value : super.status;
  }

  onDone(part: Operation<unknown>): void {
    if (part.error !== undefined) this.fail(part.error);
    else if (part === this.#head) this.#receiveArrays();
    else if (--this.#open === 0) this.#decode();
  }

  override withdraw(): boolean {
    return this.#head.withdraw();
  }

  override cancel(): boolean {
    this.markSeen();
    if (this.done || !this.#head.withdraw()) return false;
    this.isSeen = true;
    this.fail(new MpiError('ERR_MPI_CANCELLED', `${this.describe()} was cancelled`));
    return true;
  }

  describe(): string {
    return this.#head.describe();
  }

  waitsFor(): { ranks: ArrayLike<number>; all: boolean } {
    const open = this.#parts.find(({ done }) => !done);
    return (open ?? this.#head).waitsFor();
  }

  #receiveArrays(): void {
    const head = this.#head.into as Uint8Array;
    const number = numberOf(head);
    let lengths: readonly number[];
    try {
      lengths = outOfBandLengths(head.subarray(PREFIX_BYTES));
    } catch (error) {
      this.fail(error);
      return;
    }
    try {
      for (const byteLength of lengths) this.#arrays.push(new Uint8Array(byteLength));
    } catch (error) {
      const total = lengths.reduce((sum, byteLength) => sum + byteLength, 0);
      dropArrays(this.#engine, this.#contexts, this.#head);
      this.fail(
        new MpiError('ERR_MPI_NO_MEM', `${this.describe()} got an object with ${total} bytes of arrays, which cannot be had`, {
          cause: error,
        }),
      );
      return;
    }
    this.#open = lengths.length;
    if (this.#open === 0) this.#decode();
    for (const array of this.#arrays) {
      const receive = this.#engine.receive(this.#contexts.arrays, array, U8, array.byteLength, this.#head.from, number);
      receive.owner = this;
      this.#parts.push(receive);
      if (receive.done) this.onDone(receive);
    }
  }

  #decode(): void {
    try {
      this.#value = decodeObject((this.#head.into as Uint8Array).subarray(PREFIX_BYTES), this.#arrays) as T;
    } catch (error) {
      this.fail(error);
      return;
    }
    this.complete();
  }
}
