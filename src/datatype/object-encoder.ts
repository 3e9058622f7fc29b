/**
 * ObjectEncoder: a value as a flat list of nodes (object-node.ts) and the large arrays that travel beside it.
 *
 * The idea: objects are numbered when they are met and get their node in that order, so the list is its own queue. What
 * structuredClone takes is taken and means the same: class instances become plain objects, symbols as keys are passed over.
 *
 * Limits: holes of an array arrive as undefined, and named properties of an array do not travel. A view brings its own
 * bytes, not its whole buffer, and a SharedArrayBuffer arrives as an ArrayBuffer. Unlike structuredClone's, an error keeps
 * its own name even when no class of the language has it.
 */

import { types } from 'node:util';
import { MpiError } from '../base/errors.ts';
import { BYTES, bytesOf, elementCode, type Memory, U8 } from './element-type.ts';
import {
  ARRAY,
  BESIDE,
  BIGINT,
  BOXED,
  DATA_VIEW,
  DATE,
  type Entry,
  ERROR,
  INLINE,
  LEAVES,
  MAP,
  NEGATIVE_ZERO,
  OBJECT,
  type ObjectNode,
  REGEXP,
  SET,
  TEXT,
} from './object-node.ts';
import { pathOf } from './object-path.ts';

/**
 * Bytes from which an array travels beside the head. Inside it costs 2 to 3 µs for 256 bytes to 4 KiB (codec and copies,
 * both sides together), beside it a message of its own, which is about as much.
 */
export const BESIDE_BYTES = 1024;

const BYTE_ORDER_MARK = 0xfeff;
const INT64_MAX = 0x7fff_ffff_ffff_ffffn;

/** Something that cannot be sent; where it was is found out afterwards, so that good values pay nothing for it. */
class Refusal extends Error {}

export class ObjectEncoder {
  /** The bytes of the arrays that travel beside the head, in the order of their indices: views of the user's memory. */
  readonly arrays: Uint8Array[] = [];
  readonly #objects: object[] = [];
  readonly #numbers = new Map<object, number>();
  /** The entry of the value, then the nodes that are complete. */
  readonly #list: Entry[] = [];
  /** The node whose entries are being written. */
  #open: ObjectNode | undefined;

  /** Return the list for a value; throw ERR_MPI_TYPE when something in it cannot be sent. */
  encode(value: unknown): readonly Entry[] {
    try {
      this.#list.push(this.#entry(value));
      for (let number = 0; number < this.#objects.length; number++) {
        this.#open = undefined;
        this.#list.push(this.#node(this.#objects[number]!));
      }
      return this.#list;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error; // a getter of the program threw
      const message = `sendObject: ${pathOf(this.#list, this.#open)} ${error.message}`;
      throw new MpiError('ERR_MPI_TYPE', message, { cause: error.cause });
    }
  }

  #entry(value: unknown): Entry {
    switch (typeof value) {
      case 'object':
        return value === null ? null : this.#reference(value);
      case 'number':
        return Object.is(value, -0) ? [NEGATIVE_ZERO, 0] : value;
      case 'string':
        return textEntry(value);
      case 'bigint':
        return isInt64(value) ? value : [BIGINT, value.toString(16)];
      case 'function':
      case 'symbol':
        throw new Refusal(`is a ${typeof value}: what structuredClone takes was expected, no functions and symbols`);
      default:
        return value;
    }
  }

  #reference(value: object): Entry {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = this.#objects.push(value) - 1;
      this.#numbers.set(value, number);
    }
    return [number];
  }

  #node(value: object): ObjectNode {
    if (Array.isArray(value)) return this.#arrayNode(value);
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#objectNode(value as Record<string, unknown>);
    return this.#exoticNode(value);
  }

  #arrayNode(items: unknown[]): ObjectNode {
    // Packing the program's own array spares a copy of the commonest large thing, a list of numbers.
    if (items.constructor === Array && areLeaves(items)) return [LEAVES, items];
    const node = this.#begin(ARRAY);
    for (let i = 0; i < items.length; i++) node.push(this.#entry(items[i]));
    return node;
  }

  #objectNode(object: Record<string, unknown>): ObjectNode {
    const node = this.#begin(OBJECT);
    const keys = Object.keys(object);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      node.push(textEntry(key));
      node.push(this.#entry(object[key]));
    }
    return node;
  }

  /** By internal slots, not by prototype: subclasses and values of another realm are what they are. */
  #exoticNode(value: object): ObjectNode {
    const code = elementCode(value);
    if (code >= 0) return this.#memoryNode(value as Memory, code);
    if (types.isDate(value)) return [DATE, value.getTime()];
    if (types.isMap(value)) return this.#mapNode(value);
    if (types.isSet(value)) return this.#setNode(value);
    if (types.isRegExp(value)) return [REGEXP, textEntry(value.source), value.flags];
    if (types.isNativeError(value) || value instanceof Error) return this.#errorNode(value);
    if (types.isBoxedPrimitive(value)) return [BOXED, this.#entry(value.valueOf())];
    if (types.isPromise(value) || typeof (value as { then?: unknown }).then === 'function') {
      throw new Refusal('is a promise or a request: its result was expected, so await it first');
    }
    if (ArrayBuffer.isView(value) || types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef) {
      throw new Refusal(`is a ${value.constructor.name}: what structuredClone takes was expected`);
    }
    return this.#objectNode(value as Record<string, unknown>);
  }

  #memoryNode(data: Memory, code: number): ObjectNode {
    const kind = code !== BYTES ? code : !ArrayBuffer.isView(data) ? BYTES : types.isDataView(data) ? DATA_VIEW : U8;
    let bytes: Uint8Array;
    try {
      bytes = bytesOf(data);
    } catch (cause) {
      throw new Refusal('lies over a detached ArrayBuffer: memory that is still there was expected', { cause });
    }
    if (bytes.byteLength < BESIDE_BYTES) return [INLINE, kind, bytes];
    return [BESIDE, kind, this.arrays.push(bytes) - 1];
  }

  #mapNode(map: Map<unknown, unknown>): ObjectNode {
    const node = this.#begin(MAP);
    for (const [key, value] of map) {
      node.push(this.#entry(key));
      node.push(this.#entry(value));
    }
    return node;
  }

  #setNode(set: Set<unknown>): ObjectNode {
    const node = this.#begin(SET);
    for (const value of set) node.push(this.#entry(value));
    return node;
  }

  #errorNode(error: Error): ObjectNode {
    const message = Object.hasOwn(error, 'message') || error.message ? textEntry(String(error.message)) : undefined;
    const stack = typeof error.stack === 'string' ? textEntry(error.stack) : undefined;
    const node = this.#begin(ERROR);
    node.push(textEntry(String(error.name)), message, stack);
    if (Object.hasOwn(error, 'cause')) node.push(this.#entry(error.cause));
    return node;
  }

  #begin(tag: number): ObjectNode {
    this.#open = [tag];
    return this.#open;
  }
}

/** Return whether msgpackr brings all of a list back as it is. */
function areLeaves(items: readonly unknown[]): boolean {
  for (let i = 0; i < items.length; i++) {
    const value = items[i];
    if (typeof value === 'number') {
      if (value === 0 && Object.is(value, -0)) return false;
    } else if (typeof value === 'string') {
      if (!isPlainText(value)) return false;
    } else if (typeof value === 'bigint') {
      if (!isInt64(value)) return false;
    } else if (typeof value !== 'boolean' && value !== null && value !== undefined) return false;
  }
  return true;
}

function textEntry(text: string): Entry {
  return isPlainText(text) ? text : [TEXT, Buffer.from(text, 'utf16le')];
}

/** UTF-8 has no lone surrogates, and its decoder drops a byte order mark at the start. */
function isPlainText(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed() && text.charCodeAt(0) !== BYTE_ORDER_MARK;
}

function isInt64(value: bigint): boolean {
  return value <= INT64_MAX && value >= -INT64_MAX;
}
