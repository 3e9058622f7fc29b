/**
 * ObjectDecoder: the value of a tree of nodes (object-node.ts) and the arrays that travelled beside it.
 *
 * The idea: whatever the tree holds is checked before it is used, since it came from another process: a tree that no
 * encoder makes is an error, never a surprise. Keys become own properties, `__proto__` among them.
 *
 * Ownership: arrays that travelled beside the head are not copied; the value's arrays are views of the memory given.
 */

import { invariant } from '../base/errors.ts';
import { arrayConstructor, BYTES, ELEMENT_SHIFT, I8, U8, U64 } from './element-type.ts';
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

const ERROR_CLASSES: ReadonlyMap<string, ErrorConstructor> = new Map(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((errorClass) => [
    errorClass.name,
    errorClass,
  ]),
);

export class ObjectDecoder {
  readonly #arrays: readonly Uint8Array[];
  /** By number: what has been met. A container stands here before its contents are decoded, so that they can point back. */
  readonly #seen: unknown[] = [];

  constructor(arrays: readonly Uint8Array[]) {
    this.#arrays = arrays;
  }

  /** Return the value of a node; throw an Error that says what is wrong with the tree. */
  decode(node: ObjectNode, depth = 0): unknown {
    if (!Array.isArray(node)) return isPrimitive(node) ? node : refuse('a value that is neither primitive nor node');
    // As in the encoder: the parts of an object have its own depth.
    if (depth > MAX_DEPTH + 1) refuse(`more than ${MAX_DEPTH} levels`);
    switch (node[0]) {
      case ARRAY:
        return this.#array(node, depth);
      case LEAVES:
        return this.#met(
          Array.isArray(node[1]) && node[1].every(isPrimitive) ? node[1] : refuse('a list of something else than primitives'),
        );
      case OBJECT:
        return this.#record(node, depth);
      case MAP:
        return this.#map(node, depth);
      case SET:
        return this.#set(node, depth);
      case SEEN:
        return isIndex(node[1], this.#seen.length) ? this.#seen[node[1]] : refuse(`a reference to ${String(node[1])}`);
      case DATE:
        return this.#met(new Date(typeof node[1] === 'number' ? node[1] : refuse('a date that is no number')));
      case ERROR:
        return this.#error(node, depth);
      case INLINE:
      case BESIDE:
        return this.#met(this.#memory(node));
      case REGEXP:
      case BOXED: {
        const number = this.#seen.push(undefined) - 1;
        const value =
          node[0] === BOXED ? boxed(this.decode(node[1], depth)) : new RegExp(this.#text(node[1]), this.#text(node[2]));
        this.#seen[number] = value;
        return value;
      }
      case BIGINT:
        return bigintOf(this.#text(node[1]));
      case NEGATIVE_ZERO:
        return -0;
      case TEXT:
        return node[1] instanceof Uint8Array ? Buffer.from(node[1]).toString('utf16le') : refuse('text without its bytes');
      default:
        return refuse(`a node of kind ${String(node[0])}`);
    }
  }

  #met<T>(value: T): T {
    this.#seen.push(value);
    return value;
  }

  #text(node: ObjectNode): string {
    const text = typeof node === 'string' || (Array.isArray(node) && node[0] === TEXT) ? this.decode(node) : undefined;
    return typeof text === 'string' ? text : refuse('something else where text was expected');
  }

  #array(node: ObjectNode[], depth: number): unknown[] {
    const array: unknown[] = this.#met([]);
    for (let i = 1; i < node.length; i++) array.push(this.decode(node[i], depth + 1));
    return array;
  }

  #record(node: ObjectNode[], depth: number): Record<string, unknown> {
    const record: Record<string, unknown> = this.#met({});
    if (node.length % 2 === 0) refuse('a key without a value');
    for (let i = 1; i < node.length; i += 2) {
      const key = this.#text(node[i]);
      const value = this.decode(node[i + 1], depth + 1);
      if (key === '__proto__')
        Object.defineProperty(record, key, { value, writable: true, enumerable: true, configurable: true });
      else record[key] = value;
    }
    return record;
  }

  #map(node: ObjectNode[], depth: number): Map<unknown, unknown> {
    const map = this.#met(new Map<unknown, unknown>());
    if (node.length % 2 === 0) refuse('a key without a value');
    for (let i = 1; i < node.length; i += 2) {
      const key = this.decode(node[i], depth + 1);
      map.set(key, this.decode(node[i + 1], depth + 1));
    }
    return map;
  }

  #set(node: ObjectNode[], depth: number): Set<unknown> {
    const set = this.#met(new Set<unknown>());
    for (let i = 1; i < node.length; i++) set.add(this.decode(node[i], depth + 1));
    return set;
  }

  #error(node: ObjectNode[], depth: number): Error {
    const name = this.#text(node[1]);
    const message = node[2] === undefined ? undefined : this.#text(node[2]);
    const errorClass = ERROR_CLASSES.get(name);
    const error = this.#met(new (errorClass ?? Error)(message));
    if (errorClass === undefined) hide(error, 'name', name);
    hide(error, 'stack', node[3] === undefined ? undefined : this.#text(node[3]));
    if (node.length > 4) hide(error, 'cause', this.decode(node[4], depth + 1));
    return error;
  }

  #memory([tag, kind, content]: ObjectNode[]): unknown {
    let bytes: Uint8Array;
    if (tag === BESIDE) {
      bytes = isIndex(content, this.#arrays.length)
        ? this.#arrays[content]!
        : refuse(`array ${String(content)} of ${this.#arrays.length}`);
    } else {
      // A copy, so that a small array neither keeps the whole head alive nor lies askew.
      bytes = content instanceof Uint8Array ? new Uint8Array(content) : refuse('an array without its bytes');
    }
    const { buffer, byteOffset, byteLength } = bytes;
    if (kind === BYTES) return byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
    if (kind === DATA_VIEW) return new DataView(buffer, byteOffset, byteLength);
    if (kind === U8) return new Uint8Array(buffer, byteOffset, byteLength);
    if (typeof kind !== 'number' || !(kind >= I8 && kind <= U64 && Number.isInteger(kind)))
      refuse(`an array of type ${String(kind)}`);
    const size = 1 << ELEMENT_SHIFT[kind]!;
    if (byteLength % size !== 0) refuse(`${byteLength} bytes for elements of ${size}`);
    invariant(byteOffset % size === 0, 'an array that travelled beside its head lies askew');
    return new (arrayConstructor(kind))(buffer, byteOffset, byteLength / size);
  }
}

function refuse(what: string): never {
  throw new Error(what);
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function');
}

function isIndex(value: unknown, length: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < length;
}

function bigintOf(text: string): bigint {
  const match = /^(-?)([0-9a-f]+)$/.exec(text) ?? refuse('digits of a bigint');
  const magnitude = BigInt(`0x${match[2]}`);
  return match[1] === '-' ? -magnitude : magnitude;
}

function boxed(primitive: unknown): unknown {
  return primitive !== null && primitive !== undefined && isPrimitive(primitive) ? Object(primitive) : refuse('a boxed value');
}

/** Define a property as the language does for errors: not enumerable. */
function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, enumerable: false, configurable: true });
}
