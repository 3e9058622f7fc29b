/**
 * Attributes: values kept with a communicator under keys, with what a library wants done when it is copied or given up.
 *
 * The idea: a key holds its two functions, a communicator a map from key to value in the order in which values came. The
 * predefined keys are read from the rank's environment, alike on all communicators, and only read.
 * Invariant: each value that was set is deleted once: explicitly, when it is replaced, or with its communicator, where the
 * last that was set is the first to go. Standard: 7.7.
 */

import { MpiError } from '../base/errors.ts';
import type { Keyval, KeyvalOptions, Properties } from './properties.ts';

/** Attributes that every communicator has from the start. */
export type Predefined = ReadonlyMap<object, unknown>;

/** Make a key for attributes. Errors: ERR_MPI_ARG. Standard: 7.7.2. */
export function createKeyval<T>(options: KeyvalOptions<T> = {}): Keyval<T> {
  const { name = 'keyval', copy = false, delete: end = () => {} } = options;
  if (typeof copy !== 'boolean' && typeof copy !== 'function') {
    throw new MpiError('ERR_MPI_ARG', `createKeyval got ${String(copy)} for copy: expected true, false or a function`);
  }
  if (typeof end !== 'function')
    throw new MpiError('ERR_MPI_ARG', `createKeyval got ${String(end)} for delete: expected a function`);
  const copyValue = typeof copy === 'function' ? copy : copy ? (value: T) => value : () => undefined;
  return Object.freeze({ name: String(name), copy: copyValue, delete: end });
}

/** The largest tag. Standard: 9.1.2. */
export const TAG_UB: Keyval<number> = createKeyval({ name: 'TAG_UB' });
/** Whether wtime() is one clock for all ranks. Standard: 9.1.2. */
export const WTIME_IS_GLOBAL: Keyval<boolean> = createKeyval({ name: 'WTIME_IS_GLOBAL' });
/** Slots of all hosts of the job: ranks that could run. Standard: 11.10.1. */
export const UNIVERSE_SIZE: Keyval<number> = createKeyval({ name: 'UNIVERSE_SIZE' });
/** Number of this rank's program on the command line, from 0. Standard: 11.10.3. */
export const APPNUM: Keyval<number> = createKeyval({ name: 'APPNUM' });

/** The attributes of one communicator. */
export class Attributes {
  readonly #owner: Properties;
  readonly #predefined: Predefined;
  readonly #values = new Map<Keyval<unknown>, unknown>();

  constructor(owner: Properties, predefined: Predefined) {
    this.#owner = owner;
    this.#predefined = predefined;
  }

  get(key: object): unknown {
    checkKey('attribute', key);
    return this.#predefined.has(key) ? this.#predefined.get(key) : this.#values.get(key);
  }

  set(key: object, value: unknown): void {
    this.#checkMine('setAttribute', key);
    if (value === undefined) {
      throw new MpiError('ERR_MPI_ARG', `setAttribute got undefined for ${key.name}: expected a value, or use deleteAttribute`);
    }
    this.delete(key);
    this.#values.set(key, value);
  }

  delete(key: object): boolean {
    this.#checkMine('deleteAttribute', key);
    if (!this.#values.has(key)) return false;
    // Where it throws the value stays, as the standard has it.
    key.delete(this.#values.get(key), this.#owner);
    return this.#values.delete(key);
  }

  /** Return what a copy of the communicator gets. */
  copies(): [Keyval<unknown>, unknown][] {
    const copies: [Keyval<unknown>, unknown][] = [];
    for (const [key, value] of this.#values) {
      const copy = key.copy(value, this.#owner);
      if (copy !== undefined) copies.push([key, copy]);
    }
    return copies;
  }

  /** Take over what copies() of another one returned. */
  adopt(copies: readonly [Keyval<unknown>, unknown][]): void {
    for (const [key, value] of copies) this.#values.set(key, value);
  }

  /** Delete all, the last that was set first. */
  clear(): void {
    for (const key of [...this.#values.keys()].reverse()) this.delete(key);
  }

  #checkMine(call: string, key: object): asserts key is Keyval<unknown> {
    checkKey(call, key);
    if (this.#predefined.has(key)) {
      throw new MpiError('ERR_MPI_KEYVAL', `${call} got ${key.name}, which can only be read: expected a key of createKeyval`);
    }
  }
}

function checkKey(call: string, key: unknown): asserts key is Keyval<unknown> {
  if (typeof (key as Partial<Keyval<unknown>> | null)?.copy === 'function') return;
  throw new MpiError('ERR_MPI_KEYVAL', `${call} got ${String(key)} for its key: expected what createKeyval returns`);
}
