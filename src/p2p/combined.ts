/**
 * Operations made of others: a send with a receive, and all, any or some of a list.
 *
 * The idea: an owner is told at once when a part completes; a failed part fails the whole, the others go on underneath.
 */

import { MpiError } from '../base/errors.ts';
import type { Membership } from './context.ts';
import type { Receive } from './point-to-point.ts';
import { type Driver, Operation, type Owner, type Request } from './request.ts';
import type { Status } from './status.ts';

/** A send and a receive posted together; the result is the receive's. */
export class SendrecvOperation extends Operation<Status> implements Owner {
  readonly #send: Operation<void>;
  readonly #receive: Receive;

  constructor(progress: Driver, send: Operation<void>, receive: Receive) {
    super(progress);
    this.#send = send;
    this.#receive = receive;
    if (!send.done) send.owner = this;
    if (!receive.done) receive.owner = this;
    this.#check();
  }

  get value(): Status {
    return this.#receive.value;
  }

  override get members(): Membership {
    return this.#receive.members;
  }

  override get status(): Status {
    return this.done ? this.value : super.status;
  }

  onDone(): void {
    this.#check();
  }

  override withdraw(): boolean {
    const isSendWithdrawn = this.#send.withdraw();
    if (isSendWithdrawn) {
      // The pending queue passes over operations that are done.
      this.#send.owner = undefined;
      this.#send.complete();
    }
    return this.#receive.withdraw() || isSendWithdrawn;
  }

  describe(): string {
    return this.#receive.done ? `sendrecv: ${this.#send.describe()}` : `sendrecv: ${this.#receive.describe()}`;
  }

  waitsFor(): { ranks: ArrayLike<number>; all: boolean } {
    return this.#receive.done ? this.#send.waitsFor() : this.#receive.waitsFor();
  }

  #check(): void {
    const error = this.#receive.error ?? this.#send.error;
    if (error !== undefined) this.fail(error);
    else if (this.#receive.done && this.#send.done) this.complete();
  }
}

/** What when… functions resolve with. */
type Choice = 'all' | 'any' | 'some';

/** Waits for parts of a list of requests. The parts stay the program's: each is looked at when its result is taken. */
export class ListOperation extends Operation<unknown> implements Owner {
  readonly #requests: readonly Operation<unknown>[];
  readonly #choice: Choice;
  #open = 0;
  #value: unknown = undefined;

  constructor(progress: Driver, requests: readonly Request<unknown>[], choice: Choice) {
    super(progress);
    this.#requests = requests as readonly Operation<unknown>[];
    this.#choice = choice;
    for (const request of requests) {
      if (!(request instanceof Operation)) {
        throw new MpiError(
          'ERR_MPI_REQUEST',
          `got ${String(request)} in a list of requests: expected what send, recv and the like return`,
        );
      }
    }
    for (const request of this.#requests) {
      if (request.done) continue;
      this.#open++;
      if (request.listeners === undefined) request.listeners = [this];
      else request.listeners.push(this);
    }
    const failed = this.#requests.find(({ error }) => error !== undefined);
    if (failed !== undefined) this.#failWith(failed);
    else if (this.#isOver()) this.#finish();
  }

  get value(): unknown {
    return this.#value;
  }

  onDone(request: Operation<unknown>): void {
    this.#open--;
    if (this.done) return;
    if (request.error !== undefined) this.#failWith(request);
    else if (this.#isOver()) this.#finish();
  }

  override get mayStall(): boolean {
    return this.#requests.some((request) => !request.done && request.mayStall);
  }

  override stalled(): void {
    for (const request of this.#requests) if (!request.done) request.stalled();
  }

  describe(): string {
    const open = this.#requests.filter(({ done }) => !done);
    const names = open.slice(0, 4).map((request) => request.describe());
    return `${this.#choice} of ${this.#requests.length} requests: ${names.join(', ')}${open.length > 4 ? ', …' : ''}`;
  }

  waitsFor(): { ranks: ArrayLike<number>; all: boolean } {
    const open = this.#requests.filter(({ done }) => !done);
    if (this.#choice === 'all' && open.length !== 0) return open[0]!.waitsFor();
    return { ranks: open.flatMap((request) => Array.from(request.waitsFor().ranks)), all: true };
  }

  #isOver(): boolean {
    return this.#choice === 'all' ? this.#open === 0 : this.#open < this.#requests.length;
  }

  #finish(): void {
    if (this.#choice === 'all') this.#value = this.#requests.map((request) => request.take());
    else {
      const done = this.#requests.flatMap((request, index) => (request.done ? [{ index, result: request.take() }] : []));
      this.#value = this.#choice === 'any' ? done[0] : done;
    }
    this.complete();
  }

  #failWith(request: Operation<unknown>): void {
    request.markSeen();
    this.fail(request.error);
  }
}
