/**
 * NumberTable: announced sends and streamed receives by number, so that frames can name them.
 */

import { invariant } from '../base/errors.ts';
import type { Receive, Send } from './point-to-point.ts';

export class NumberTable {
  readonly #entries: (Send | Receive | undefined)[] = [];
  readonly #free: number[] = [];

  acquire(operation: Send | Receive): number {
    const number = this.#free.pop() ?? this.#entries.length;
    this.#entries[number] = operation;
    operation.number = number;
    return number;
  }

  at(number: number): Send | Receive {
    const operation = this.#entries[number];
    invariant(operation !== undefined, `a frame names message ${number}, which is not open`);
    return operation;
  }

  release(operation: Send | Receive): void {
    this.#entries[operation.number] = undefined;
    this.#free.push(operation.number);
    operation.number = -1;
  }

  get open(): (Send | Receive)[] {
    return this.#entries.filter((entry) => entry !== undefined);
  }
}
