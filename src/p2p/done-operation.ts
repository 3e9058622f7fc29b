/**
 * DoneOperation: a request that was complete when it was made: with PROC_NULL, or of nothing.
 */

import { type Driver, Operation } from './request.ts';
import type { Status } from './status.ts';

/** For what is made without a rank at hand; others are asked whether the event loop needs a turn. */
const NOTHING_TO_DRIVE: Driver = {
  unseen: { add() {}, delete() {} },
  callSites: undefined,
  block() {},
  test() {},
  pollBriefly() {},
  onWaiter() {},
  onSettled() {},
  mustTurn: () => false,
  turn: () => Promise.resolve(),
};

export class DoneOperation<T> extends Operation<T> {
  readonly value: T;
  readonly #text: string;
  readonly #status: Status | undefined;

  constructor(value: T, text: string, status?: Status, progress: Driver = NOTHING_TO_DRIVE) {
    super(progress);
    this.value = value;
    this.#text = text;
    this.#status = status;
    this.done = true;
  }

  override get status(): Status {
    return this.#status ?? super.status;
  }

  describe(): string {
    return this.#text;
  }

  waitsFor(): { ranks: number[]; all: boolean } {
    return { ranks: [], all: true };
  }
}
