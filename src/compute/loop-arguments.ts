/**
 * Arguments of kernels: how they get from the rank's thread to the workers.
 *
 * The idea: an argument is four numbers in the team's memory, written only where it differs from the last loop's: scalars as
 * they are, an array as the number of its memory, where it starts in it and its length. Memory is numbered and given to
 * workers once, by message, the first time that it is used; a worker makes its view of it when the numbers change.
 *
 *     number     NUMBER, value            array      ARRAY + type, memory, byte offset, length
 *     bigint     BIGINT, low, high        shared     SHARED, number: memory itself, WebAssembly.Memory, WebAssembly.Module
 *     others     their kind alone
 */

import { MpiError } from '../base/errors.ts';
import { ARGUMENT_WORDS, MAX_ARGUMENTS } from './loop-memory.ts';

const KIND = { number: 0, undefined: 1, null: 2, false: 3, true: 4, bigint: 5, shared: 6, array: 7 } as const;

interface ViewConstructor {
  new (buffer: SharedArrayBuffer, byteOffset: number, length: number): ArrayBufferView;
}

/** By code behind KIND.array. */
const VIEWS: readonly ViewConstructor[] = [
  Float64Array,
  Float32Array,
  Int32Array,
  Uint32Array,
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
];
const CODES: ReadonlyMap<unknown, number> = new Map(VIEWS.map((view, code) => [view.prototype, code]));

/** As far as it is needed here: Node's types have it not. */
interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}
const Wasm = (globalThis as unknown as { WebAssembly: { Memory: new () => WasmMemory; Module: new () => object } }).WebAssembly;

/** What threads can have in common: SharedArrayBuffer, WebAssembly.Memory or WebAssembly.Module. */
type Shared = object;

/** What member 0 tells workers about shared things: each has a number for as long as it lives. */
export type SharedNews =
  | { readonly kind: 'give'; readonly id: number; readonly value: Shared }
  | { readonly kind: 'forget'; readonly id: number };

/** The rank's side. */
export class ArgumentWriter {
  readonly #words: Float64Array;
  readonly #tell: (news: SharedNews) => void;
  readonly #ids = new WeakMap<Shared, number>();
  readonly #forgotten = new FinalizationRegistry<number>((id) => this.#tell({ kind: 'forget', id }));
  #nextId = 0;
  /** What the words say. */
  readonly #last: unknown[] = new Array(MAX_ARGUMENTS).fill(0);

  constructor(words: Float64Array, tell: (news: SharedNews) => void) {
    this.#words = words;
    this.#tell = tell;
  }

  /** Throw unless workers can have all of them. */
  check(call: string, values: readonly unknown[]): void {
    if (values.length > MAX_ARGUMENTS) {
      throw new MpiError(
        'ERR_MPI_ARG',
        `${call} got ${values.length} arguments for its kernel: expected ${MAX_ARGUMENTS} at most`,
      );
    }
    for (let k = 0; k < values.length; k++) {
      const value = values[k];
      if (typeof value === 'number' || Object.is(value, this.#last[k])) continue;
      checkValue(call, k, value);
    }
  }

  /** Write them; nobody may be reading. */
  write(values: readonly unknown[]): void {
    for (let k = 0; k < values.length; k++) {
      if (Object.is(values[k], this.#last[k])) continue;
      this.#writeValue(k * ARGUMENT_WORDS, values[k]);
      this.#last[k] = values[k];
    }
  }

  #writeValue(at: number, value: unknown): void {
    const words = this.#words;
    if (typeof value === 'number') {
      words[at] = KIND.number;
      words[at + 1] = value;
    } else if (typeof value === 'bigint') {
      words[at] = KIND.bigint;
      words[at + 1] = Number(BigInt.asUintN(32, value));
      words[at + 2] = Number(BigInt.asIntN(32, value >> 32n));
    } else if (ArrayBuffer.isView(value)) {
      words[at] = KIND.array + CODES.get(Object.getPrototypeOf(value))!;
      words[at + 1] = this.#idOf(value.buffer as SharedArrayBuffer);
      words[at + 2] = value.byteOffset;
      words[at + 3] = value instanceof DataView ? value.byteLength : (value as Uint8Array).length;
    } else if (typeof value === 'object' && value !== null) {
      words[at] = KIND.shared;
      words[at + 1] = this.#idOf(value as Shared);
    } else words[at] = KIND[String(value) as 'undefined' | 'null' | 'false' | 'true'];
  }

  #idOf(shared: Shared): number {
    const known = this.#ids.get(shared);
    if (known !== undefined) return known;
    const id = this.#nextId++;
    this.#tell({ kind: 'give', id, value: shared });
    this.#ids.set(shared, id);
    this.#forgotten.register(shared, id);
    return id;
  }
}

function checkValue(call: string, index: number, value: unknown): void {
  const refuse = (what: string, instead: string): never => {
    throw new MpiError('ERR_MPI_BUFFER', `${call} got ${what} as argument ${index + 1} of its kernel: ${instead}`);
  };
  if (ArrayBuffer.isView(value)) {
    const name = value.constructor.name;
    const alloc = `make it by alloc(${name}, length, { shared: true })`;
    if (!CODES.has(Object.getPrototypeOf(value))) refuse(`a ${name}`, 'expected a typed array or a DataView over shared memory');
    if (!(value.buffer instanceof SharedArrayBuffer))
      refuse(`a ${name} over memory of this thread alone`, `arrays of kernels must be shared: ${alloc}`);
    if ((value.buffer as SharedArrayBuffer & { growable?: boolean }).growable)
      refuse(`a ${name} over memory that may grow`, alloc);
    return;
  }
  if (value instanceof SharedArrayBuffer || value instanceof Wasm.Module) return;
  if (value instanceof Wasm.Memory) {
    if (value.buffer instanceof SharedArrayBuffer) return;
    refuse('a WebAssembly.Memory of this thread alone', 'expected one made with { shared: true }');
  }
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value) refuse(`the bigint ${value}`, 'expected one of 64 bits');
  if (value === null || ['undefined', 'boolean', 'bigint'].includes(typeof value)) return;
  const kind = typeof value === 'object' ? (Array.isArray(value) ? 'an array of values' : 'an object') : `a ${typeof value}`;
  refuse(kind, 'expected numbers, booleans, bigints and arrays over shared memory');
}

/** A worker's side. `find`: return what has that number. */
export class ArgumentReader {
  readonly #words: Float64Array;
  readonly #find: (id: number) => Shared;
  readonly #seen = new Float64Array(MAX_ARGUMENTS * ARGUMENT_WORDS).fill(Number.NaN);
  readonly #values: unknown[] = [];

  constructor(words: Float64Array, find: (id: number) => Shared) {
    this.#words = words;
    this.#find = find;
  }

  /** Return that many arguments; the array is the reader's own. */
  read(count: number): readonly unknown[] {
    const words = this.#words;
    const seen = this.#seen;
    if (this.#values.length !== count) {
      this.#values.length = count;
      seen.fill(Number.NaN);
    }
    for (let k = 0, at = 0; k < count; k++, at += ARGUMENT_WORDS) {
      // Not compared: −0 equals 0.
      if (words[at] === KIND.number) {
        this.#values[k] = words[at + 1];
        seen[at] = KIND.number;
        continue;
      }
      if (
        words[at] === seen[at] &&
        words[at + 1] === seen[at + 1] &&
        words[at + 2] === seen[at + 2] &&
        words[at + 3] === seen[at + 3]
      )
        continue;
      this.#values[k] = this.#readValue(at);
      for (let word = 0; word < ARGUMENT_WORDS; word++) seen[at + word] = words[at + word]!;
    }
    return this.#values;
  }

  #readValue(at: number): unknown {
    const words = this.#words;
    const kind = words[at]!;
    if (kind >= KIND.array) {
      const View = VIEWS[kind - KIND.array]!;
      return new View(this.#find(words[at + 1]!) as SharedArrayBuffer, words[at + 2]!, words[at + 3]!);
    }
    if (kind === KIND.bigint) return (BigInt(words[at + 2]!) << 32n) | BigInt(words[at + 1]!);
    if (kind === KIND.shared) return this.#find(words[at + 1]!);
    return kind === KIND.undefined ? undefined : kind === KIND.null ? null : kind === KIND.true;
  }
}
