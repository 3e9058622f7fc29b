/**
 * Perform: one rank's part of a program, through the public API, each result held against the model.
 *
 * Messages are in message-calls.ts, the arguments of collectives in collective-call.ts.
 */

import { isDeepStrictEqual } from 'node:util';
import type * as tsmpi from 'tsmpi';
import { CollectiveCall } from './collective-call.ts';
import { Clock, complete } from './completion.ts';
import { MessageCalls } from './message-calls.ts';
import { type Action, type CollectiveAction, type CompletionWay, type MakeAction, type Program, ranksOf } from './program.ts';
import { type Open, Standpoint } from './standpoint.ts';

export interface PerformOptions {
  readonly limitMs: number;
  /** Whether waits may block the thread. */
  readonly isBlocking: boolean;
}

/** Perform the program on the ranks of `base`, of which it needs as many; throw what is wrong. */
export async function perform(program: Program, base: tsmpi.Communicator, options: PerformOptions): Promise<void> {
  const clock = new Clock(options.limitMs, options.isBlocking);
  const performance = new Performance(program, base, clock);
  try {
    await performance.run();
  } finally {
    clock.stop();
  }
}

class Performance {
  readonly #place: Standpoint;
  readonly #clock: Clock;
  readonly #messages: MessageCalls;
  readonly #open = new Map<number, Open>();

  constructor(program: Program, base: tsmpi.Communicator, clock: Clock) {
    this.#place = new Standpoint(program, base);
    this.#clock = clock;
    this.#messages = new MessageCalls(this.#place, clock, this.#open);
  }

  async run(): Promise<void> {
    const { program, members, rank } = this.#place;
    const { actions, streams, lastWay } = program;
    for (const [at, action] of actions.entries()) {
      if (!ranksOf(action, members, streams).includes(rank)) continue;
      try {
        await this.#perform(action);
      } catch (error) {
        throw new Error(`action ${at} (${action.do}${'call' in action ? ` ${action.call}` : ''}): ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
    try {
      await this.#complete([...this.#open.keys()], lastWay[rank]!);
    } catch (error) {
      throw new Error(`completing the rest by ${lastWay[rank]}: ${(error as Error).message}`, { cause: error });
    }
    this.#messages.judgeReceives();
    this.#messages.checkMemory();
    for (const [number, comm] of this.#place.made()) await this.#clock.wait(comm.free(), number % 2 === 0);
  }

  async #perform(action: Action): Promise<void> {
    switch (action.do) {
      case 'send':
        return this.#messages.send(action);
      case 'receive':
        return this.#messages.receive(action);
      case 'shift':
        return this.#messages.shift(action);
      case 'nothing':
        return this.#messages.nothing(action);
      case 'collective':
        return this.#collective(action);
      case 'make':
        return this.#make(action);
      case 'free':
        await this.#clock.wait(this.#place.comm(action.comm).free(), action.comm % 2 === 0);
        this.#place.delete(action.comm);
        return;
      case 'complete':
        return this.#complete(action.ids, action.way);
    }
  }

  async #complete(ids: readonly number[], way: CompletionWay): Promise<void> {
    const operations = ids.map((id) => ({ id, operation: this.#open.get(id)! }));
    for (const { id, operation } of operations) {
      if (operation.isCancelled && !operation.request.cancel())
        throw new Error(`operation ${id}: a receive that nothing matches was not cancelled`);
    }
    await complete(
      operations.map(({ operation }) => operation.request),
      way,
      this.#clock,
    );
    for (const { id, operation } of operations) {
      this.#open.delete(id);
      const wrong = operation.take(operation.request.result);
      if (wrong !== undefined) throw new Error(`operation ${id}: ${wrong}`);
    }
  }

  // ---- collectives and communicators -----------------------------------------------------------------

  async #collective(action: CollectiveAction): Promise<void> {
    const { id, comm, starts } = action;
    const call = new CollectiveCall(this.#place.comm(comm), action, this.#place.members.get(comm)!, this.#place.rank);
    call.fill(0);
    let request: tsmpi.Request<unknown>;
    if (starts === 0) request = call.post();
    else {
      const persistent = call.setUp();
      request = persistent.start();
      for (let round = 1; round < starts; round++) {
        const result = await this.#clock.wait(request, round % 2 === 0);
        const wrong = call.check(result);
        if (wrong !== undefined) throw new Error(`start ${round}: ${wrong}`);
        call.fill(round);
        request = persistent.start();
      }
    }
    this.#open.set(id, { request, take: (result) => call.check(result) });
  }

  async #make(action: MakeAction): Promise<void> {
    const parent = this.#place.comm(action.parent);
    const { ranks } = this.#place.members.get(action.parent)!;
    const made = await this.#clock.wait(this.#construct(parent, action, ranks), action.made.length % 2 === 0);
    const number = action.made.find((comm) => this.#place.members.get(comm)!.ranks.includes(this.#place.rank));
    if ((number === undefined) !== (made === undefined))
      throw new Error(`${action.how} gave ${made === undefined ? 'no' : 'a'} communicator`);
    if (number === undefined) return;
    const base = this.#place.comm(0).group.ranks;
    const expected = this.#place.members.get(number)!.ranks.map((rank) => base[rank]);
    const place = this.#place.placeIn(number, this.#place.rank);
    if (!isDeepStrictEqual([...made!.group.ranks], expected))
      throw new Error(`${action.how} gave ranks ${made!.group.ranks}, expected ${expected}`);
    if (made!.rank !== place || made!.size !== expected.length)
      throw new Error(`${action.how} gave rank ${made!.rank} of ${made!.size}, expected ${place} of ${expected.length}`);
    this.#place.add(number, made!);
  }

  #construct(
    parent: tsmpi.Communicator,
    action: MakeAction,
    ranks: readonly number[],
  ): tsmpi.Request<tsmpi.Communicator | undefined> {
    const { how, colors, keys, dims, periodic } = action;
    const color = colors[this.#place.rank] ?? undefined;
    switch (how) {
      case 'dup':
        return parent.dup();
      case 'split':
        return parent.split(color, keys[this.#place.rank]);
      case 'splitShared':
        return parent.splitShared(keys[this.#place.rank]);
      case 'cartesian':
        return parent.cartesian(dims, { periodic });
      case 'create': {
        const alike =
          color === undefined ? [] : ranks.filter((rank) => colors[rank] === color).sort((a, b) => keys[a]! - keys[b]!);
        return parent.create(parent.group.include(alike.map((rank) => ranks.indexOf(rank))));
      }
    }
  }
}
