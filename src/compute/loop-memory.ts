/**
 * LoopMemory: the memory through which a rank's thread and the workers of its team run a loop together.
 *
 * The idea: a loop is a description, a way in and claims. The rank's thread (member 0) writes the description, opens the
 * gate and bumps the epoch. A worker that sees a new epoch goes in by adding itself to the gate, claims chunks until there
 * are none, and goes out. The loop is over when every chunk is claimed and nobody is inside; then the gate is closed. So
 * nobody waits for a worker that is asleep or busy elsewhere, and the description is never overwritten under a reader.
 *
 *     Int32 words; each of the first lies on two cache lines of its own, since cores fetch lines in pairs
 *     0     epoch     member 0, one more for whatever workers must look at; they sleep on it
 *     32    gate      OPEN while a loop may be joined, plus the workers inside
 *     64    next      the next chunk to claim (dynamic, guided)
 *     96    stop      0, or why no chunk is to be claimed any more: STOP
 *     128   bell      1: member 0 is to be rung when nobody is inside. It raises it before it sleeps
 *     160   sleepers  workers that sleep on the epoch
 *     192   tasks, joined, closing, dead, exitCode, size
 *     224   kernel, schedule, chunks, argumentCount, isReduction       the description: plain words, published by the gate
 *     256   32 words a member: isHot, part (1: claimed), thread id of the kernel
 *     then float64: to, grain, bounds of chunks, partial results of chunks, four for each argument
 */

import { MpiError } from '../base/errors.ts';

/** Threads of a team at most: the gate counts them in 16 bits. */
export const MAX_TEAM_THREADS = 256;
/** Chunks whose bounds or partial results fit; a finer grain is made coarser. */
export const MAX_CHUNKS = 8192;
export const MAX_ARGUMENTS = 32;
/** Float64 words of an argument (loop-arguments.ts). */
export const ARGUMENT_WORDS = 4;

const LINE = 32;
const WORD = {
  epoch: 0,
  gate: LINE,
  next: 2 * LINE,
  stop: 3 * LINE,
  bell: 4 * LINE,
  sleepers: 5 * LINE,
  tasks: 6 * LINE,
  joined: 6 * LINE + 1,
  closing: 6 * LINE + 2,
  dead: 6 * LINE + 3,
  exitCode: 6 * LINE + 4,
  kernel: 7 * LINE,
  schedule: 7 * LINE + 1,
  chunks: 7 * LINE + 2,
  argumentCount: 7 * LINE + 3,
  isReduction: 7 * LINE + 4,
  members: 8 * LINE,
} as const;
const MEMBER = { isHot: 0, part: 1, threadId: 2 } as const;

const OPEN = 1 << 16;
const INSIDE = OPEN - 1;

export const STOP = { none: 0, aborted: 1, failed: 2 } as const;
export const SCHEDULE = { static: 0, dynamic: 1, guided: 2 } as const;

/** Of a static loop, unclaimed parts of members that are hot are left to them. */
export type Reach = 'absent' | 'everybody';

export class LoopMemory {
  readonly buffer: SharedArrayBuffer;
  readonly size: number;
  /** For what only one side touches, or both while the gate orders them. */
  readonly i32: Int32Array<SharedArrayBuffer>;
  readonly bounds: Float64Array<SharedArrayBuffer>;
  readonly partials: Float64Array<SharedArrayBuffer>;
  readonly arguments: Float64Array<SharedArrayBuffer>;
  readonly #range: Float64Array<SharedArrayBuffer>;

  /** `buffer`: the memory of a team of `size`; undefined: make it. */
  constructor(size: number, buffer?: SharedArrayBuffer) {
    const floatsAt = (WORD.members + size * LINE) * 4;
    const floats = 2 + (MAX_CHUNKS + 1) + MAX_CHUNKS + MAX_ARGUMENTS * ARGUMENT_WORDS;
    this.size = size;
    this.buffer = buffer ?? new SharedArrayBuffer(floatsAt + 8 * floats);
    this.i32 = new Int32Array(this.buffer, 0, floatsAt / 4);
    this.#range = new Float64Array(this.buffer, floatsAt, 2);
    this.bounds = new Float64Array(this.buffer, floatsAt + 16, MAX_CHUNKS + 1);
    this.partials = new Float64Array(this.buffer, floatsAt + 8 * (MAX_CHUNKS + 3), MAX_CHUNKS);
    this.arguments = new Float64Array(this.buffer, floatsAt + 8 * (2 * MAX_CHUNKS + 3), MAX_ARGUMENTS * ARGUMENT_WORDS);
  }

  // ---- the description -----------------------------------------------------------------------
  get kernel(): number {
    return this.i32[WORD.kernel]!;
  }

  get argumentCount(): number {
    return this.i32[WORD.argumentCount]!;
  }

  get isReduction(): boolean {
    return this.i32[WORD.isReduction] !== 0;
  }

  get chunkCount(): number {
    return this.i32[WORD.chunks]!;
  }

  /** First index of a chunk; the end of chunk k is the start of chunk k + 1. */
  startOf(chunk: number): number {
    const grain = this.#range[1]!;
    return grain === 0 ? this.bounds[chunk]! : Math.min(this.bounds[0]! + chunk * grain, this.#range[0]!);
  }

  /**
   * Describe a loop; nobody may be inside. `grain` 0: all bounds are in the table; else only the first is, and chunks have
   * that length up to `to`.
   */
  describe(
    kernel: number,
    schedule: number,
    chunks: number,
    to: number,
    grain: number,
    args: number,
    isReduction: boolean,
  ): void {
    const { i32 } = this;
    i32[WORD.kernel] = kernel;
    i32[WORD.schedule] = schedule;
    i32[WORD.chunks] = chunks;
    i32[WORD.argumentCount] = args;
    i32[WORD.isReduction] = isReduction ? 1 : 0;
    this.#range[0] = to;
    this.#range[1] = grain;
    if (schedule === SCHEDULE.static) for (let k = 0; k < chunks; k++) i32[WORD.members + k * LINE + MEMBER.part] = 0;
    else i32[WORD.next] = 0;
    i32[WORD.stop] = STOP.none;
    i32[WORD.bell] = 0;
  }

  // ---- claims --------------------------------------------------------------------------------
  /** Claim a chunk for that member; -1: there is none for it. */
  claim(member: number, reach: Reach): number {
    const { i32 } = this;
    if (Atomics.load(i32, WORD.stop) !== STOP.none) return -1;
    const chunks = this.chunkCount;
    if (i32[WORD.schedule] !== SCHEDULE.static) {
      // The plain look keeps the counter from running on for ever.
      if (Atomics.load(i32, WORD.next) >= chunks) return -1;
      const chunk = Atomics.add(i32, WORD.next, 1);
      return chunk < chunks ? chunk : -1;
    }
    if (member < chunks && this.#takePart(member)) return member;
    for (let k = 0; k < chunks; k++) {
      if (reach === 'absent' && Atomics.load(i32, WORD.members + k * LINE + MEMBER.isHot) !== 0) continue;
      if (this.#takePart(k)) return k;
    }
    return -1;
  }

  #takePart(part: number): boolean {
    const word = WORD.members + part * LINE + MEMBER.part;
    return Atomics.load(this.i32, word) === 0 && Atomics.exchange(this.i32, word, 1) === 0;
  }

  #isAllClaimed(): boolean {
    const { i32 } = this;
    if (Atomics.load(i32, WORD.stop) !== STOP.none) return true;
    const chunks = this.chunkCount;
    if (i32[WORD.schedule] !== SCHEDULE.static) return Atomics.load(i32, WORD.next) >= chunks;
    for (let k = 0; k < chunks; k++) if (Atomics.load(i32, WORD.members + k * LINE + MEMBER.part) === 0) return false;
    return true;
  }

  /** Let no chunk be claimed any more. Return whether this is the reason: the first one stays. */
  stop(reason: number): boolean {
    return Atomics.compareExchange(this.i32, WORD.stop, STOP.none, reason) === STOP.none;
  }

  /** Take what a kernel returned for a chunk. */
  note(chunk: number, result: unknown, name: string): void {
    if (this.isReduction) {
      if (typeof result === 'number') this.partials[chunk] = result;
      else throw new MpiError('ERR_MPI_TYPE', `the kernel ${name} returned ${typeof result}: parallelReduce expected a number`);
    } else if (result instanceof Promise) {
      const message = `the kernel ${name} returned a promise: a kernel of parallelFor is over when it returns; crew.run takes async functions`;
      throw new MpiError('ERR_MPI_TYPE', message);
    }
  }

  get stopReason(): number {
    return Atomics.load(this.i32, WORD.stop);
  }

  // ---- the rank's side -----------------------------------------------------------------------
  /** Let workers in, and wake those that sleep. */
  open(): void {
    // Publishes the description; pairs with the exchange in enter().
    Atomics.store(this.i32, WORD.gate, OPEN);
    this.#signal();
  }

  #signal(): void {
    Atomics.add(this.i32, WORD.epoch, 1);
    // A worker counts itself as asleep before it looks at the epoch for the last time, so one of the two sees the other.
    if (Atomics.load(this.i32, WORD.sleepers) !== 0) Atomics.notify(this.i32, WORD.epoch);
  }

  /** Close the gate if all is claimed and nobody is inside. What workers wrote before they left is visible then. */
  tryClose(): boolean {
    if (!this.#isAllClaimed()) return false;
    return Atomics.load(this.i32, WORD.gate) === OPEN && Atomics.compareExchange(this.i32, WORD.gate, OPEN, 0) === OPEN;
  }

  /** Ask to be rung when nobody is inside. Return whether that was not asked before. */
  askForBell(): boolean {
    return Atomics.exchange(this.i32, WORD.bell, 1) === 0;
  }

  /** So many tasks more (or fewer) are under way or wait for a worker: none of them is to spin, or to sleep but in its event loop. */
  addTasks(count: number): void {
    Atomics.add(this.i32, WORD.tasks, count);
    if (count > 0) this.#signal();
  }

  close(): void {
    Atomics.store(this.i32, WORD.closing, 1);
    this.#signal();
  }

  /** A worker that has ended unasked, and its exit code. */
  get dead(): { readonly member: number; readonly exitCode: number } | undefined {
    const member = Atomics.load(this.i32, WORD.dead);
    return member === 0 ? undefined : { member, exitCode: this.i32[WORD.exitCode]! };
  }

  /** The kernel's number of a worker's thread; 0: not known. */
  threadIdOf(member: number): number {
    return Atomics.load(this.i32, WORD.members + member * LINE + MEMBER.threadId);
  }

  // ---- a worker's side -----------------------------------------------------------------------
  get epoch(): number {
    return Atomics.load(this.i32, WORD.epoch);
  }

  get hasTasks(): boolean {
    return Atomics.load(this.i32, WORD.tasks) !== 0;
  }

  get isClosing(): boolean {
    return Atomics.load(this.i32, WORD.closing) !== 0;
  }

  /** Whether that member takes its parts of loops at once. */
  setHot(member: number, isHot: boolean): void {
    Atomics.store(this.i32, WORD.members + member * LINE + MEMBER.isHot, isHot ? 1 : 0);
  }

  /** Go into the open loop; false: there is none. */
  enter(): boolean {
    for (;;) {
      const gate = Atomics.load(this.i32, WORD.gate);
      if ((gate & OPEN) === 0) return false;
      if (Atomics.compareExchange(this.i32, WORD.gate, gate, gate + 1) === gate) return true;
    }
  }

  /** Go out. Return whether member 0 is to be rung. */
  leave(): boolean {
    const before = Atomics.sub(this.i32, WORD.gate, 1);
    return (before & INSIDE) === 1 && Atomics.load(this.i32, WORD.bell) !== 0; // pairs with askForBell()
  }

  /** Say that this worker has come. */
  join(member: number, threadId: number): void {
    Atomics.store(this.i32, WORD.members + member * LINE + MEMBER.threadId, threadId);
    Atomics.add(this.i32, WORD.joined, 1);
    Atomics.notify(this.i32, WORD.joined);
  }

  /** Resolve once all workers have come: nobody's join task ends before, so each has one. */
  async allJoined(): Promise<void> {
    for (;;) {
      const joined = Atomics.load(this.i32, WORD.joined);
      if (joined >= this.size - 1) return;
      const waiting = Atomics.waitAsync(this.i32, WORD.joined, joined);
      if (waiting.async) await waiting.value;
    }
  }

  /** Sleep until the epoch is another than that one; the event loop stands still meanwhile. */
  sleep(epoch: number): void {
    Atomics.add(this.i32, WORD.sleepers, 1);
    Atomics.wait(this.i32, WORD.epoch, epoch);
    Atomics.sub(this.i32, WORD.sleepers, 1);
  }

  /** As sleep(), while the event loop goes on, by which waking takes some 60 µs longer. */
  async sleepInLoop(epoch: number): Promise<void> {
    Atomics.add(this.i32, WORD.sleepers, 1);
    const waiting = Atomics.waitAsync(this.i32, WORD.epoch, epoch);
    if (waiting.async) await waiting.value;
    Atomics.sub(this.i32, WORD.sleepers, 1);
  }

  noteDeath(member: number, exitCode: number): void {
    this.i32[WORD.exitCode] = exitCode;
    Atomics.store(this.i32, WORD.dead, member);
  }
}
