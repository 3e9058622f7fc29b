/**
 * UnseenFailures: failed operations that nobody has looked at yet.
 *
 * The idea: a failure must not vanish with its request. It ends the job when the request is collected, or at the rank's
 * end, never earlier: the program may still look. Held weakly, by a sentence that survives the request.
 */

import type { CallSites } from './call-site.ts';

/** The parts of an operation that are kept. */
interface Failed {
  readonly error: unknown;
  describe(): string;
}

export class UnseenFailures {
  readonly #callSites: CallSites | undefined;
  /** Sentences about failures, by key. */
  readonly #sentences = new Map<number, string>();
  readonly #keys = new WeakMap<object, number>();
  readonly #registry: FinalizationRegistry<number>;
  #next = 0;

  /** `onLost` is called with a sentence about a failure whose request was collected. */
  constructor(callSites: CallSites | undefined, onLost: (sentence: string) => void) {
    this.#callSites = callSites;
    this.#registry = new FinalizationRegistry((key) => {
      const sentence = this.#sentences.get(key);
      if (sentence === undefined) return;
      this.#sentences.delete(key);
      onLost(sentence);
    });
  }

  add(operation: Failed): void {
    const key = this.#next++;
    this.#keys.set(operation, key);
    this.#sentences.set(key, this.#tell(operation));
    this.#registry.register(operation, key, operation);
  }

  delete(operation: object): void {
    const key = this.#keys.get(operation);
    if (key === undefined) return;
    this.#sentences.delete(key);
    this.#registry.unregister(operation);
  }

  /** Return sentences about the failures still unseen: the rank ends. */
  drain(): string[] {
    const left = [...this.#sentences.values()];
    this.#sentences.clear();
    return left;
  }

  #tell(operation: Failed): string {
    const { error } = operation;
    const message = error instanceof Error ? error.message : String(error);
    const line = this.#callSites?.lineOf(operation);
    const place = this.#callSites === undefined ? '; TSMPI_CALL_SITES=1 adds the line of the call' : '';
    return `${operation.describe()}${line === undefined ? '' : ` at ${line}`} failed and nobody looked at it: ${message}${place}`;
  }
}
