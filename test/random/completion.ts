/**
 * Completion: the ways in which a rank completes requests, each with the program's deadline.
 *
 * Where several ranks share one thread nothing may block: waits are awaited there, and loops of tests give the thread back.
 */

import * as tsmpi from 'tsmpi';
import type { CompletionWay } from './program.ts';

type Requests = readonly tsmpi.Request<unknown>[];

/** When a program must be over, and whether waits may block this thread. */
export class Clock {
  readonly isBlocking: boolean;
  readonly #end: number;
  readonly #limitMs: number;
  readonly #late: Promise<never>;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number, isBlocking: boolean) {
    this.isBlocking = isBlocking;
    this.#limitMs = limitMs;
    this.#end = performance.now() + limitMs;
    this.#late = new Promise((_, reject) => {
      this.#timer = setTimeout(() => reject(this.#error()), limitMs);
    });
    this.#late.catch(() => undefined);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  get left(): { timeoutMs: number } {
    return { timeoutMs: Math.max(0, this.#end - performance.now()) };
  }

  /** Await something; reject when the time is over. */
  until<T>(request: PromiseLike<T>): Promise<T> {
    return Promise.race([request, this.#late]);
  }

  /** Wait for one request, blocking or not. */
  async wait<T>(request: tsmpi.Request<T>, isAwaited: boolean): Promise<T> {
    return this.isBlocking && !isAwaited ? request.wait(this.left) : this.until(request);
  }

  /** Ask again and again; others in this thread get their turns. */
  async repeat<T>(ask: () => T | undefined): Promise<T> {
    for (;;) {
      const answer = ask();
      if (answer !== undefined) return answer;
      if (performance.now() > this.#end) throw this.#error();
      if (!this.isBlocking) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #error(): Error {
    return new Error(`not over after ${this.#limitMs} ms`);
  }
}

/** Complete all of them in that way. */
export async function complete(requests: Requests, way: CompletionWay, clock: Clock): Promise<void> {
  if (requests.length === 0) return;
  switch (way) {
    case 'wait':
    case 'await':
      for (const request of requests) await clock.wait(request, way === 'await');
      return;
    case 'waitAll':
      if (clock.isBlocking) tsmpi.waitAll(requests, clock.left);
      else await clock.until(tsmpi.whenAll(requests));
      return;
    case 'whenAll':
      await clock.until(tsmpi.whenAll(requests));
      return;
    case 'promiseAll':
      await clock.until(Promise.all(requests));
      return;
    case 'test':
      for (const request of requests) await clock.repeat(() => request.test() || undefined);
      return;
    case 'testAll':
      await clock.repeat(() => tsmpi.testAll(requests) || undefined);
      return;
    default:
      await oneByOne(requests, way, clock);
  }
}

/** By what tells which are complete: those are taken off the list, and the rest asked again. */
async function oneByOne(requests: Requests, way: CompletionWay, clock: Clock): Promise<void> {
  let open = requests;
  while (open.length > 0) {
    const done = await askFor(open, way, clock);
    if (done.length === 0) throw new Error(`${way} said that none of ${open.length} requests is complete`);
    for (const { index } of done)
      if (open[index]?.done !== true) throw new Error(`${way} named request ${index}, which is not complete`);
    open = open.filter((_, index) => !done.some((completed) => completed.index === index));
  }
}

async function askFor(open: Requests, way: CompletionWay, clock: Clock): Promise<readonly { index: number }[]> {
  switch (way) {
    case 'testAny':
      return [await clock.repeat(() => tsmpi.testAny(open))];
    case 'testSome': {
      return clock.repeat(() => {
        const done = tsmpi.testSome(open);
        return done.length === 0 ? undefined : done;
      });
    }
    case 'waitAny':
      return [clock.isBlocking ? tsmpi.waitAny(open, clock.left) : await clock.until(tsmpi.whenAny(open))];
    case 'waitSome':
      return clock.isBlocking ? tsmpi.waitSome(open, clock.left) : clock.until(tsmpi.whenSome(open));
    case 'whenAny':
      return [await clock.until(tsmpi.whenAny(open))];
    case 'whenSome':
      return clock.until(tsmpi.whenSome(open));
    default:
      throw new Error(`no way to complete requests is called ${way}`);
  }
}
