/**
 * MappedOperation: an operation whose result is made from another one's; it fails where that throws.
 */

import type { Membership } from './context.ts';
import { Operation, type Owner } from './request.ts';
import type { Status } from './status.ts';

export class MappedOperation<S, T> extends Operation<T> implements Owner {
  readonly #inner: Operation<S>;
  readonly #map: () => T;
  #status: Status | undefined;
  #value: T | undefined = undefined;

  constructor(inner: Operation<S>, map: () => T, status?: Status) {
    super(inner.progress);
    this.#inner = inner;
    this.#map = map;
    this.#status = status;
    if (inner.done) this.onDone();
    else inner.owner = this;
  }

  get value(): T {
    return this.#value as T;
  }

  override get members(): Membership | undefined {
    return this.#inner.members;
  }

  override get status(): Status {
    if (!this.done) return super.status;
    return this.#status ?? (isStatus(this.#value) ? this.#value : super.status);
  }

  onDone(): void {
    if (this.#inner.error !== undefined) {
      this.fail(this.#inner.error);
      return;
    }
    try {
      this.#value = this.#map();
    } catch (error) {
      this.fail(error);
      return;
    }
    this.complete();
  }

  override get mayStall(): boolean {
    return this.#inner.mayStall;
  }

  override stalled(): void {
    this.#inner.stalled();
  }

  override withdraw(): boolean {
    return this.#inner.withdraw();
  }

  override cancel(): boolean {
    this.markSeen();
    return !this.done && this.#inner.cancel();
  }

  describe(): string {
    return this.#inner.describe();
  }

  waitsFor(): { ranks: ArrayLike<number>; all: boolean } {
    return this.#inner.waitsFor();
  }
}

function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && 'cancelled' in value;
}
