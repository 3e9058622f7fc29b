/**
 * Persistent: an operation that is set up once and started many times.
 */

import { MpiError } from '../base/errors.ts';
import type { Request } from '../p2p/request.ts';

/** Set up once, start many times. Standard: 3.9. */
export interface Persistent<out T> extends Disposable {
  /** Start it. Errors: ERR_MPI_REQUEST while the last start is not complete. */
  start(): Request<T>;
  /** Give it up; a start under way goes on. */
  free(): void;
}

export class PersistentOperation<T> implements Persistent<T> {
  #post: (() => Request<T>) | undefined;
  #last: Request<T> | undefined = undefined;

  constructor(post: () => Request<T>) {
    this.#post = post;
  }

  start(): Request<T> {
    if (this.#post === undefined) throw new MpiError('ERR_MPI_REQUEST', 'the persistent operation was freed: set up a new one');
    if (this.#last !== undefined && !this.#last.done) {
      throw new MpiError(
        'ERR_MPI_REQUEST',
        'the persistent operation was started before and is not complete: wait for that request first',
      );
    }
    this.#last = this.#post();
    return this.#last;
  }

  free(): void {
    this.#post = undefined;
  }

  [Symbol.dispose](): void {
    this.free();
  }
}

/** Start all of them, in order. Standard: 3.9. */
export function startAll<T>(operations: readonly Persistent<T>[]): Request<T>[] {
  return operations.map((operation) => operation.start());
}
