/**
 * UnseenFailures: failed operations that nobody has looked at yet.
 *
 * The idea: a failure must not vanish with its request. It ends the job when the request is collected, or at the rank's
 * end, never earlier: the program may still look. Held weakly, by a description that survives the request.
 */

/** The parts of an operation that are kept. */
interface Failed {
  readonly error: unknown;
  describe(): string;
}

export class UnseenFailures {
  readonly #entries = new Map<string, { reference: WeakRef<object>; text: string; error: unknown }>();
  readonly #keys = new WeakMap<object, string>();
  readonly #registry: FinalizationRegistry<string>;
  #next = 0;

  /** `onLost` is called with the description and error of a failure whose request was collected. */
  constructor(onLost: (text: string, error: unknown) => void) {
    this.#registry = new FinalizationRegistry((key) => {
      const entry = this.#entries.get(key);
      if (entry === undefined) return;
      this.#entries.delete(key);
      onLost(entry.text, entry.error);
    });
  }

  add(operation: Failed): void {
    const key = String(this.#next++);
    this.#keys.set(operation, key);
    this.#entries.set(key, { reference: new WeakRef(operation), text: operation.describe(), error: operation.error });
    this.#registry.register(operation, key, operation);
  }

  delete(operation: object): void {
    const key = this.#keys.get(operation);
    if (key === undefined) return;
    this.#entries.delete(key);
    this.#registry.unregister(operation);
  }

  /** Return the failures still unseen: the rank ends. */
  drain(): { text: string; error: unknown }[] {
    const left = [...this.#entries.values()].map(({ text, error }) => ({ text, error }));
    this.#entries.clear();
    return left;
  }
}
