/**
 * ObjectDecoder: the value of a list of nodes (object-node.ts) and the arrays that travelled beside it.
 *
 * The idea: first every object is made, empty where it holds entries; then the entries are filled in, so that each can point
 * at any object. Whatever the list holds is checked before it is used, since it came from another process: a list that no
 * encoder writes is an error, never a surprise. Keys become own properties, `__proto__` among them.
 *
 * Ownership: arrays that travelled beside the head are not copied; the value's arrays are views of the memory given.
 */

import { arrayConstructor, BYTES, ELEMENT_SHIFT, I8, U8, U64 } from './element-type.ts';
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
  isReference,
  LEAVES,
  MAP,
  NEGATIVE_ZERO,
  OBJECT,
  type ObjectNode,
  REGEXP,
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
  /** By number. */
  #objects: unknown[] = [];

  constructor(arrays: readonly Uint8Array[]) {
    this.#arrays = arrays;
  }

  /** Return the value of a list; throw an Error that says what is wrong with it. */
  decode(list: unknown): unknown {
    if (!Array.isArray(list) || list.length === 0) refuse('no list of nodes');
    const [value, ...nodes] = list as [Entry, ...ObjectNode[]];
    this.#objects = nodes.map((node) => this.#make(Array.isArray(node) ? node : refuse('a node that is no list')));
    for (let number = 0; number < nodes.length; number++) this.#fill(this.#objects[number], nodes[number]!);
    return this.#entry(value);
  }

  #make(node: ObjectNode): unknown {
    switch (node[0]) {
      case ARRAY:
        return [];
      case LEAVES:
        return Array.isArray(node[1]) && node[1].every(isPrimitive)
          ? node[1]
          : refuse('a list of something else than primitives');
      case OBJECT:
        return {};
      case MAP:
        return new Map();
      case SET:
        return new Set();
      case DATE:
        return new Date(typeof node[1] === 'number' ? node[1] : refuse('a date that is no number'));
      case REGEXP:
        return new RegExp(this.#text(node[1]), this.#text(node[2]));
      case ERROR:
        return this.#error(node);
      case BOXED:
        return isReference(node[1]) ? refuse('a boxed object') : boxed(this.#entry(node[1]));
      case INLINE:
      case BESIDE:
        return this.#memory(node);
      default:
        return refuse(`a node of kind ${String(node[0])}`);
    }
  }

  #fill(object: unknown, node: ObjectNode): void {
    switch (node[0]) {
      case ARRAY:
        for (let i = 1; i < node.length; i++) (object as unknown[]).push(this.#entry(node[i]));
        return;
      case OBJECT:
        for (let i = 1; i < node.length; i += 2)
          setOwn(object as Record<string, unknown>, this.#text(node[i]), this.#entry(valueAt(node, i)));
        return;
      case MAP:
        for (let i = 1; i < node.length; i += 2)
          (object as Map<unknown, unknown>).set(this.#entry(node[i]), this.#entry(valueAt(node, i)));
        return;
      case SET:
        for (let i = 1; i < node.length; i++) (object as Set<unknown>).add(this.#entry(node[i]));
        return;
      case ERROR:
        if (node.length > 4) hide(object as Error, 'cause', this.#entry(node[4]));
    }
  }

  #entry(entry: Entry): unknown {
    if (!Array.isArray(entry)) return isPrimitive(entry) ? entry : refuse('an entry that is neither primitive nor list');
    const [first, content] = entry;
    if (entry.length === 1)
      return isIndex(first, this.#objects.length) ? this.#objects[first] : refuse(`object ${String(first)}`);
    if (first === NEGATIVE_ZERO) return -0;
    if (first === BIGINT) return bigintOf(content);
    if (first === TEXT && content instanceof Uint8Array) return Buffer.from(content).toString('utf16le');
    return refuse(`an entry of kind ${String(first)}`);
  }

  #text(entry: Entry): string {
    const text = isReference(entry) ? undefined : this.#entry(entry);
    return typeof text === 'string' ? text : refuse('something else where text was expected');
  }

  #error(node: ObjectNode): Error {
    const name = this.#text(node[1]);
    const errorClass = ERROR_CLASSES.get(name);
    const error = new (errorClass ?? Error)(node[2] === undefined ? undefined : this.#text(node[2]));
    if (errorClass === undefined) hide(error, 'name', name);
    hide(error, 'stack', node[3] === undefined ? undefined : this.#text(node[3]));
    return error;
  }

  #memory([tag, kind, content]: ObjectNode): unknown {
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

function valueAt(node: ObjectNode, keyPosition: number): Entry {
  return keyPosition + 1 < node.length ? node[keyPosition + 1] : refuse('a key without a value');
}

function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

function bigintOf(digits: Entry): bigint {
  const match = (typeof digits === 'string' ? /^(-?)([0-9a-f]+)$/.exec(digits) : null) ?? refuse('a bigint without its digits');
  const magnitude = BigInt(`0x${match[2]}`);
  return match[1] === '-' ? -magnitude : magnitude;
}

function boxed(primitive: unknown): unknown {
  return primitive === null || primitive === undefined ? refuse('nothing in a box') : Object(primitive);
}

/** Define a property as the language does for errors: not enumerable. */
function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, enumerable: false, configurable: true });
}
