/**
 * ContextNumbers: the numbers that this rank gives to communicators that it leads.
 *
 * A number is reserved before the members agree, so that two constructions in flight never use one twice, and given back
 * when another rank turned out to lead, or when every member has freed the communicator.
 */

import { MpiError } from '../base/errors.ts';
import { CONTEXT_NUMBERS } from '../p2p/context.ts';

export class ContextNumbers {
  readonly #used = new Set<number>();
  #next: number;

  /** Numbers below `first` are taken by the communicators that exist from the start. */
  constructor(first: number) {
    this.#next = first;
    for (let number = 0; number < first; number++) this.#used.add(number);
  }

  /** Reserve a number. Numbers are taken in turn, so that one just given back rests. Errors: ERR_MPI_COMM. */
  acquire(): number {
    for (let tried = 0; tried < CONTEXT_NUMBERS; tried++) {
      const number = this.#next;
      this.#next = (number + 1) % CONTEXT_NUMBERS;
      if (this.#used.has(number)) continue;
      this.#used.add(number);
      return number;
    }
    throw new MpiError(
      'ERR_MPI_COMM',
      `all ${CONTEXT_NUMBERS} communicators that one rank may lead are in use: free those no longer needed`,
    );
  }

  release(number: number): void {
    this.#used.delete(number);
  }
}
