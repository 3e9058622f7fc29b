/**
 * PropertyHolder: what every communicator of a rank is at the bottom: its name, attributes, hints, what becomes of its
 * errors, and whether it is still in use.
 */

import { MpiError } from '../base/errors.ts';
import type { Membership } from '../p2p/context.ts';
import { Attributes } from './attributes.ts';
import { checkErrorHandling, guardCalls, isFatal } from './error-handling.ts';
import { checkPromised, NO_HINTS, setHints } from './hints.ts';
import { PersistentOperation } from './persistent.ts';
import type { ErrorHandling, Info, Keyval, Properties } from './properties.ts';
import type { RankEnvironment } from './rank-environment.ts';

export abstract class PropertyHolder implements Properties {
  /** This process's rank in its group. */
  readonly rank: number;
  abstract readonly size: number;
  readonly environment: RankEnvironment;
  protected readonly members: Membership;
  readonly #attributes: Attributes;
  #hints = NO_HINTS;
  /** Undoes what `errors = 'abort'` did. */
  #unguard: (() => void) | undefined;
  #isClosed = false;

  constructor(environment: RankEnvironment, members: Membership) {
    this.environment = environment;
    this.members = members;
    this.rank = members.rank;
    this.#attributes = new Attributes(this, environment.predefined);
  }

  get name(): string {
    return this.members.name;
  }

  set name(name: string) {
    this.members.name = String(name);
  }

  setAttribute<T>(key: Keyval<T>, value: T): void {
    this.checkOpen();
    this.#attributes.set(key, value);
  }

  attribute<T>(key: Keyval<T>): T | undefined {
    return this.#attributes.get(key) as T | undefined;
  }

  deleteAttribute<T>(key: Keyval<T>): boolean {
    return this.#attributes.delete(key);
  }

  get info(): Info {
    return this.#hints;
  }

  set info(info: Info) {
    this.#hints = setHints(this.#hints, info);
  }

  get errors(): ErrorHandling {
    return this.#unguard === undefined ? 'throw' : 'abort';
  }

  set errors(handling: ErrorHandling) {
    checkErrorHandling(handling);
    if (handling === this.errors) return;
    this.#unguard?.();
    this.#unguard = handling === 'throw' ? undefined : this.#guard(this);
    this.members.onError = handling === 'throw' ? undefined : (error) => this.#end(error);
  }

  abort(code = 1, reason?: string): never {
    return this.environment.abort(code, reason);
  }

  /** Give up this rank's handle, without waiting for others: an exception in the block would hang the job otherwise. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    try {
      this.dropAttributes();
    } finally {
      this.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
  }

  /** Delete all attributes: the communicator is about to be given up. */
  dropAttributes(): void {
    this.#attributes.clear();
  }

  // ---- inside --------------------------------------------------------------------------------------

  /** Hold a receive against what the program promised by hints. */
  protected checkPromises(source: number, tag: number): void {
    if (this.#hints !== NO_HINTS) checkPromised(this.#hints, source, tag, this.members);
  }

  /** Return what gives a copy of this communicator its attributes; copy functions are called now. */
  protected copyAttributes(): (made: PropertyHolder) => void {
    const copies = this.#attributes.copies();
    return (made) => made.#attributes.adopt(copies);
  }

  /** Return an object whose calls are calls on this communicator, as far as errors go. */
  protected watched<T extends object>(part: T): T {
    if (this.#unguard !== undefined) this.#guard(part);
    return part;
  }

  /** Throw ERR_MPI_COMM once the communicator was given up. */
  checkOpen(): void {
    if (!this.#isClosed) return;
    const context = { communicator: this.name, rank: this.rank };
    throw new MpiError('ERR_MPI_COMM', `${this.name} was freed or disposed: expected a communicator in use`, context);
  }

  protected get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Give up this rank's handle. */
  protected close(): void {
    this.#isClosed = true;
  }

  /** Have errors of an object's calls end the job, and those of persistent operations that they return. */
  #guard(target: object): () => void {
    const onError = (error: unknown): void => this.#end(error);
    return guardCalls(target, onError, (result) => {
      if (result instanceof PersistentOperation) this.#guard(result);
    });
  }

  #end(error: unknown): void {
    if (this.#unguard === undefined || !isFatal(error)) return;
    this.errors = 'throw'; // what happens on the way out ends nothing a second time
    const message = error instanceof Error ? error.message : String(error);
    this.environment.abort(1, `error on ${this.name}, whose errors end the job: ${message}`);
  }
}
