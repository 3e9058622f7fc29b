/**
 * PendingQueue: frames that a transport refused as busy, per destination, in the order in which they were posted.
 *
 * The idea: while anything waits for a destination, everything for it waits, so that order is kept; the queue is
 * flushed in poll(), by transports that can in one go. Backpressure of a transport ends here and is not seen by the
 * program, but for its open requests.
 */

import { type SendAnswer, TAKEN, type Transport } from '../transport/transport.ts';
import type { Send } from './point-to-point.ts';
import type { Active, Progress } from './progress.ts';

interface PendingFrame {
  readonly send: Send | undefined;
  readonly tryAgain: () => SendAnswer;
}

export class PendingQueue {
  readonly #queues = new Map<number, PendingFrame[]>();
  readonly #progress: Progress;
  readonly #routeOf: (peer: number) => Transport;

  constructor(progress: Progress, routeOf: (peer: number) => Transport) {
    this.#progress = progress;
    this.#routeOf = routeOf;
  }

  isEmpty(peer: number): boolean {
    return this.#queues.size === 0 || !this.#queues.has(peer);
  }

  /** Append a frame for that peer; `tryAgain` hands it to the transport. `send`: the operation behind it. */
  add(peer: number, send: Send | undefined, tryAgain: () => SendAnswer): void {
    const queue = this.#queues.get(peer);
    if (queue !== undefined) {
      queue.push({ send, tryAgain });
      return;
    }
    const frames = [{ send, tryAgain }];
    this.#queues.set(peer, frames);
    const gather = (isGathering: boolean): void => this.#routeOf(peer).gather?.(peer, isGathering);
    this.#progress.activate(new Flush(frames, gather, () => this.#queues.delete(peer)));
  }

  /** Sends that wait here. */
  *sends(): Generator<Send> {
    for (const queue of this.#queues.values()) for (const { send } of queue) if (send !== undefined && !send.done) yield send;
  }
}

/** Tries the frames of one destination again. */
class Flush implements Active {
  isOver = false;
  readonly waitsForRoom = true;
  readonly #frames: PendingFrame[];
  readonly #gather: (isGathering: boolean) => void;
  readonly #onEnd: () => void;

  constructor(frames: PendingFrame[], gather: (isGathering: boolean) => void, onEnd: () => void) {
    this.#frames = frames;
    this.#gather = gather;
    this.#onEnd = onEnd;
  }

  advance(): boolean {
    let sent = 0;
    this.#gather(true);
    while (sent < this.#frames.length && this.#frames[sent]!.tryAgain() === TAKEN) sent++;
    this.#gather(false);
    this.#frames.splice(0, sent);
    if (this.#frames.length === 0) {
      this.isOver = true;
      this.#onEnd();
    }
    return sent !== 0;
  }
}
