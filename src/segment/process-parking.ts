/**
 * Parking of a rank that is a process: it sleeps on one epoll descriptor.
 *
 * The idea: the descriptor watches the doorbell, an anonymous pipe of the agent's that peers open on first use through
 * /proc. wait() sleeps in epoll_wait inside the addon; await sleeps in libuv, which watches the same descriptor, and the
 * addon raises the sleeping flag just before the loop blocks (uv_prepare) and lowers it just after (uv_check).
 */

import { constants } from 'node:fs';
import { MpiError } from '../base/errors.ts';
import { type Addon, INTEREST_READ } from '../native/addon.ts';
import { CELL_BYTES, CONTROL } from './layout.ts';
import { type Bell, lookOnceMore, type Parking, type Sleeper } from './parking.ts';
import type { Segment } from './segment.ts';

/** Values of the polling word. */
const IDLE = 0;
const BUSY = 1;
const WAITS_FOR_ROOM = 2;

export class ProcessParking implements Parking {
  readonly #addon: Addon;
  readonly #segment: Segment;
  readonly #i32: Int32Array;
  readonly #agentPid: number;
  readonly #sleeper: Sleeper;
  readonly #flag: number;
  readonly #polling: number;
  readonly #bell: number;
  readonly #epoll: number;
  readonly #watch: object;
  /** Opened doorbells of peers; 0: not yet. */
  readonly #bells: Int32Array;
  #isHeld = false;

  constructor(addon: Addon, segment: Segment, localRank: number, agentPid: number, sleeper: Sleeper) {
    this.#addon = addon;
    this.#segment = segment;
    this.#i32 = segment.i32;
    this.#agentPid = agentPid;
    this.#sleeper = sleeper;
    this.#flag = segment.control(localRank, CONTROL.sleeping);
    this.#polling = segment.control(localRank, CONTROL.polling);
    this.#bells = new Int32Array(segment.layout.placeCount);
    this.#bell = this.#openBell(localRank);
    this.#epoll = addon.createEpoll(this.#bell);
    if (this.#epoll < 0) throw new MpiError('ERR_MPI_OTHER', `epoll_create1 failed with errno ${-this.#epoll}`);
    const layout = {
      sleepingOffset: this.#flag << 2,
      pollingOffset: this.#polling << 2,
      cellsOffset: segment.cells(localRank) * 4,
      headOffset: segment.control(localRank, CONTROL.position) * 4,
      cellByteLength: CELL_BYTES,
      cellCount: segment.layout.cellCount,
    };
    this.#watch = addon.startWatch(segment.buffer as ArrayBuffer, layout, this.#epoll, this.#bell, () => sleeper.onTurn());
  }

  sleep(timeoutMs: number): void {
    Atomics.store(this.#i32, this.#flag, 1); // pairs with the flag's load in ring()
    if (!lookOnceMore(this.#sleeper)) this.#addon.park(this.#epoll, this.#bell, timeoutMs);
    Atomics.store(this.#i32, this.#flag, 0);
  }

  ring(localRank: number): void {
    const flag = this.#segment.control(localRank, CONTROL.sleeping);
    if (Atomics.load(this.#i32, flag) === 0 || Atomics.exchange(this.#i32, flag, 0) === 0) return;
    const bell = this.#bells[localRank]! || this.#openBell(localRank);
    if (bell > 0) this.#addon.ring(bell);
  }

  describeBell(): Bell {
    return { kind: 'pipe', fd: this.#bell };
  }

  yield(): void {
    this.#addon.yield();
  }

  hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.#addon.refWatch(this.#watch, isHeld);
  }

  enterLoop(waitsForRoom: boolean, isBusy: boolean): void {
    let hasMoved = false;
    // Cells are looked at by uv_prepare after it raised the flag; room is not, so the flag goes up here, before the last look.
    if (waitsForRoom && !isBusy) {
      Atomics.store(this.#i32, this.#flag, 1);
      hasMoved = lookOnceMore(this.#sleeper);
    }
    this.#i32[this.#polling] = isBusy || hasMoved ? BUSY : waitsForRoom ? WAITS_FOR_ROOM : IDLE;
  }

  leaveLoop(): void {
    this.#i32[this.#polling] = IDLE;
  }

  watch(fd: number): void {
    const outcome = this.#addon.watchDescriptor(this.#epoll, fd, INTEREST_READ);
    if (outcome < 0) throw new MpiError('ERR_MPI_OTHER', `epoll_ctl failed with errno ${-outcome}`);
  }

  stop(): void {
    this.#addon.stopWatch(this.#watch);
    for (const bell of this.#bells) if (bell > 0) this.#addon.close(bell);
    this.#addon.close(this.#epoll);
  }

  #openBell(localRank: number): number {
    const number = this.#i32[this.#segment.control(localRank, CONTROL.bell)]!;
    const bell = this.#addon.open(`/proc/${this.#agentPid}/fd/${number}`, constants.O_RDWR | constants.O_NONBLOCK);
    // The agent is gone: its lifeline ends this rank at once, so there is nobody left to wake.
    if (bell > 0) this.#bells[localRank] = bell;
    return bell;
  }
}
