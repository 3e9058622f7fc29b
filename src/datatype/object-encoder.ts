/**
 * ObjectEncoder: a value as a tree of nodes (object-node.ts) and the large arrays that travel beside it.
 *
 * The idea: one walk, depth first. What structuredClone takes is taken and means the same, so class instances become plain
 * objects and keys that are symbols are passed over.
 *
 * Limits: holes of an array arrive as undefined, and named properties of an array do not travel. A view brings its own
 * bytes, not its whole buffer, and a SharedArrayBuffer arrives as an ArrayBuffer. An error keeps its own name even when no
 * class of the language has it.
 */

import { types } from 'node:util';
import { MpiError } from '../base/errors.ts';
import { BYTES, bytesOf, type Data, elementCode, U8 } from './element-type.ts';
import {
  ARRAY,
  BESIDE,
  BIGINT,
  BOXED,
  DATA_VIEW,
  DATE,
  ERROR,
  INLINE,
  LEAVES,
  MAP,
  MAX_DEPTH,
  NEGATIVE_ZERO,
  OBJECT,
  type ObjectNode,
  REGEXP,
  SEEN,
  SET,
  TEXT,
} from './object-node.ts';

/**
 * Bytes from which an array travels beside the head. Inside it costs 2 to 3 µs for 256 bytes to 4 KiB (codec and copies,
 * both sides together), beside it a message of its own, which is about as much.
 */
export const BESIDE_BYTES = 1024;

const BYTE_ORDER_MARK = 0xfeff;
const INT64_MAX = 0x7fff_ffff_ffff_ffffn;

/** What a refused value was and where; the path grows while the walk unwinds, so that good values pay nothing for it. */
class Refusal extends Error {
  readonly path: string[] = [];
}

export class ObjectEncoder {
  /** The bytes of the arrays that travel beside the head, in the order of their indices: views of the user's memory. */
  readonly arrays: Uint8Array[] = [];
  readonly #numbers = new Map<object, number>();

  /** Return the node of a whole value; throw ERR_MPI_TYPE when something inside cannot be sent. */
  encode(value: unknown): ObjectNode {
    try {
      return this.#node(value, 0);
    } catch (error) {
      if (error instanceof Refusal) {
        throw new MpiError('ERR_MPI_TYPE', `sendObject: ${pathOf(error)} ${error.message}`);
      }
      // The stack may be nearly full already where the program calls us.
      if (error instanceof RangeError && /call stack/.test(error.message)) {
        throw new MpiError('ERR_MPI_TYPE', 'sendObject: the value is nested too deeply for the stack that is left', {
          cause: error,
        });
      }
      throw error;
    }
  }

  #node(value: unknown, depth: number): ObjectNode {
    switch (typeof value) {
      case 'object':
        return value === null ? null : this.#objectNode(value, depth);
      case 'number':
        return Object.is(value, -0) ? [NEGATIVE_ZERO] : value;
      case 'string':
        return isPlainText(value) ? value : [TEXT, utf16Bytes(value)];
      case 'bigint':
        return isInt64(value) ? value : [BIGINT, value.toString(16)];
      case 'function':
        throw new Refusal('is a function: what structuredClone takes was expected, no functions and symbols');
      case 'symbol':
        throw new Refusal('is a symbol: what structuredClone takes was expected, no functions and symbols');
      default:
        return value;
    }
  }

  #objectNode(value: object, depth: number): ObjectNode {
    const number = this.#numbers.get(value);
    if (number !== undefined) return [SEEN, number];
    this.#numbers.set(value, this.#numbers.size);
    if (depth > MAX_DEPTH) throw new Refusal(`is nested more than ${MAX_DEPTH} levels deep`);
    if (Array.isArray(value)) return this.#arrayNode(value, depth);
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#recordNode(value as Record<string, unknown>, depth);
    return this.#exoticNode(value, depth);
  }

  #arrayNode(items: unknown[], depth: number): ObjectNode {
    // Packing the user's own array spares a copy of the commonest large thing, a list of numbers.
    if (items.constructor === Array && items.every(isLeaf)) return [LEAVES, items];
    const node: ObjectNode[] = [ARRAY];
    let i = 0;
    try {
      for (; i < items.length; i++) node.push(this.#node(items[i], depth + 1));
    } catch (error) {
      throw located(error, `[${i}]`);
    }
    return node;
  }

  #recordNode(record: Record<string, unknown>, depth: number): ObjectNode {
    const node: ObjectNode[] = [OBJECT];
    let key = '';
    try {
      for (key of Object.keys(record))
        node.push(isPlainText(key) ? key : [TEXT, utf16Bytes(key)], this.#node(record[key], depth + 1));
    } catch (error) {
      throw located(error, /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);
    }
    return node;
  }

  /** By internal slots, not by prototype: subclasses and values of another realm are what they are. */
  #exoticNode(value: object, depth: number): ObjectNode {
    const code = elementCode(value);
    if (code >= 0) return this.#memoryNode(value as Data, code);
    if (types.isDate(value)) return [DATE, value.getTime()];
    if (types.isMap(value)) return this.#mapNode(value, depth);
    if (types.isSet(value)) return this.#setNode(value, depth);
    if (types.isRegExp(value)) return [REGEXP, this.#node(value.source, depth), value.flags];
    if (types.isNativeError(value) || value instanceof Error) return this.#errorNode(value, depth);
    if (types.isBoxedPrimitive(value)) return [BOXED, this.#node(value.valueOf(), depth)];
    if (types.isPromise(value) || typeof (value as { then?: unknown }).then === 'function') {
      throw new Refusal('is a promise or a request: its result was expected, so await it first');
    }
    if (ArrayBuffer.isView(value) || types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef) {
      throw new Refusal(`is a ${value.constructor.name}, which cannot be sent: what structuredClone takes was expected`);
    }
    return this.#recordNode(value as Record<string, unknown>, depth);
  }

  #memoryNode(data: Data, code: number): ObjectNode {
    const kind = code !== BYTES ? code : !ArrayBuffer.isView(data) ? BYTES : types.isDataView(data) ? DATA_VIEW : U8;
    let bytes: Uint8Array;
    try {
      bytes = bytesOf(data);
    } catch (cause) {
      throw new Refusal('lies over a detached ArrayBuffer: memory that is still here was expected', { cause });
    }
    if (bytes.byteLength < BESIDE_BYTES) return [INLINE, kind, bytes];
    this.arrays.push(bytes);
    return [BESIDE, kind, this.arrays.length - 1];
  }

  #mapNode(map: Map<unknown, unknown>, depth: number): ObjectNode {
    const node: ObjectNode[] = [MAP];
    for (const [key, value] of map) {
      let where = `.keys()[${(node.length - 1) / 2}]`;
      try {
        node.push(this.#node(key, depth + 1));
        where = `.get(${describeKey(key)})`;
        node.push(this.#node(value, depth + 1));
      } catch (error) {
        throw located(error, where);
      }
    }
    return node;
  }

  #setNode(set: Set<unknown>, depth: number): ObjectNode {
    const node: ObjectNode[] = [SET];
    try {
      for (const value of set) node.push(this.#node(value, depth + 1));
    } catch (error) {
      throw located(error, `.values()[${node.length - 1}]`);
    }
    return node;
  }

  #errorNode(error: Error, depth: number): ObjectNode {
    const message = Object.hasOwn(error, 'message') || error.message ? String(error.message) : undefined;
    const stack = typeof error.stack === 'string' ? error.stack : undefined;
    const node: ObjectNode[] = [
      ERROR,
      this.#node(String(error.name), depth),
      this.#node(message, depth),
      this.#node(stack, depth),
    ];
    if (!Object.hasOwn(error, 'cause')) return node;
    try {
      node.push(this.#node(error.cause, depth + 1));
    } catch (refused) {
      throw located(refused, '.cause');
    }
    return node;
  }
}

/** Say where a refusal was met; any other error, one that a getter threw, passes as it is. */
function located(error: unknown, where: string): unknown {
  if (error instanceof Refusal) error.path.push(where);
  return error;
}

function pathOf({ path }: Refusal): string {
  const steps = path.toReversed();
  return `value${steps.length <= 12 ? steps.join('') : `${steps.slice(0, 6).join('')} … ${steps.slice(-5).join('')}`}`;
}

function describeKey(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(key.length <= 40 ? key : `${key.slice(0, 39)}…`);
  return typeof key === 'object' && key !== null ? 'an object' : String(key);
}

/** Return whether msgpackr brings a value back as it is. */
function isLeaf(value: unknown): boolean {
  switch (typeof value) {
    case 'number':
      return value !== 0 || !Object.is(value, -0);
    case 'string':
      return isPlainText(value);
    case 'bigint':
      return isInt64(value);
    case 'object':
      return value === null;
    default:
      return typeof value === 'boolean' || value === undefined;
  }
}

/** UTF-8 has no lone surrogates, and its decoder drops a byte order mark at the start. */
function isPlainText(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed() && text.charCodeAt(0) !== BYTE_ORDER_MARK;
}

function utf16Bytes(text: string): Uint8Array {
  return Buffer.from(text, 'utf16le');
}

function isInt64(value: bigint): boolean {
  return value <= INT64_MAX && value >= -INT64_MAX;
}
