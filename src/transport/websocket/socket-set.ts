/**
 * SocketSet: the sockets of a rank in one epoll descriptor, which the rank's own sleep watches, and the timer among them.
 *
 * The idea: one look tells all that is ready, however many sockets there are; level-triggered, so that what a look leaves
 * undone is found by the next, and ends any sleep. Write interest is there only while bytes wait, or a sleep would not be one.
 */

import { nowMs } from '../../base/clock.ts';
import { type Addon, INTEREST_READ, INTEREST_WRITE } from '../../native/addon.ts';

/** Whoever uses a socket of the set. */
export interface SocketUser {
  /** Return whether anything moved. */
  onReady(isReadable: boolean, isWritable: boolean): boolean;
}

/** Descriptors handled in one look. */
const READY_LIMIT = 64;

export class SocketSet {
  /** To be watched by whatever the rank sleeps on. */
  readonly epoll: number;
  readonly #addon: Addon;
  readonly #users: (SocketUser | undefined)[] = [];
  readonly #ready = new Int32Array(2 * READY_LIMIT);
  readonly #timer: number;
  #timerAt = Number.POSITIVE_INFINITY;

  /** `onTime`: the time given to wakeAt() has come. */
  constructor(addon: Addon, onTime: () => void) {
    this.#addon = addon;
    this.epoll = addon.createEpoll(-1);
    this.#timer = addon.createTimer();
    if (this.epoll < 0 || this.#timer < 0)
      throw new Error(`no descriptor for sockets: errno ${-Math.min(this.epoll, this.#timer)}`);
    this.watch(this.#timer, INTEREST_READ, {
      onReady: () => {
        this.wakeAt(Number.POSITIVE_INFINITY);
        onTime();
        return true;
      },
    });
  }

  /** Watch a descriptor for its user; once more: change what for. */
  watch(fd: number, interest: number, user: SocketUser): void {
    this.#users[fd] = user;
    this.#addon.watchDescriptor(this.epoll, fd, interest);
  }

  /** Close a descriptor of the set. */
  close(fd: number): void {
    this.#users[fd] = undefined;
    this.#addon.close(fd);
  }

  /** Be woken at that time of the clock, and not before. */
  wakeAt(time: number): void {
    if (time === this.#timerAt) return;
    this.#timerAt = time;
    const afterMs = time === Number.POSITIVE_INFINITY ? -1 : Math.max(0, Math.ceil(time - nowMs()));
    this.#addon.setTimer(this.#timer, afterMs);
  }

  /** Look once; let the users of what is ready go on. Return whether anything moved. */
  poll(): boolean {
    const ready = this.#ready;
    const count = this.#addon.listReady(this.epoll, ready);
    let hasMoved = false;
    for (let k = 0; k < count; k++) {
      const interest = ready[2 * k + 1]!;
      // One that a user before it closed is not there any more; its number may be another's, which finds nothing to do.
      const user = this.#users[ready[2 * k]!];
      if (user?.onReady((interest & INTEREST_READ) !== 0, (interest & INTEREST_WRITE) !== 0)) hasMoved = true;
    }
    return hasMoved;
  }

  /** Close everything. */
  stop(): void {
    for (const [fd, user] of this.#users.entries()) if (user !== undefined) this.#addon.close(fd);
    this.#users.length = 0;
    this.#addon.close(this.epoll);
  }
}
