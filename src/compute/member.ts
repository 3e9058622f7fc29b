/**
 * Member: a worker's part in the loops of its team.
 *
 * The idea: it watches the epoch; for each new one it goes into the open loop, runs what chunks it can claim, and goes out.
 * When nothing comes it spins for a moment, then gives its core away at each look, then sleeps on the epoch. Its event loop stands still
 * meanwhile, unless there are tasks, which reach it as messages, or one has left something that goes on: then it sleeps at once,
 * or after its patience, with the event loop free.
 */

import { receiveMessageOnPort } from 'node:worker_threads';
import { nowMs } from '../base/clock.ts';
import type { Addon } from '../native/addon.ts';
import { loadAddon } from '../native/loader.ts';
import { loadKernel } from './kernel.ts';
import { encodeThrown, placeOf } from './kernel-error.ts';
import { ArgumentReader } from './loop-arguments.ts';
import { LoopMemory, STOP } from './loop-memory.ts';
import type { CrewNews, JoinTask } from './worker-protocol.ts';

/** Looks between two looks at the clock. */
const LOOKS = 64;

interface NamedKernel {
  readonly name: string;
  readonly fn: (from: number, to: number, ...args: readonly unknown[]) => unknown;
}

export class Member {
  readonly #task: JoinTask;
  readonly #memory: LoopMemory;
  readonly #addon: Addon | undefined = loadAddon().addon;
  readonly #arguments: ArgumentReader;
  readonly #kernels: (NamedKernel | undefined)[] = [];
  readonly #known = new Map<number, CrewNews>();
  readonly #shared = new Map<number, unknown>();
  #epoch = 0;

  constructor(task: JoinTask) {
    this.#task = task;
    this.#memory = new LoopMemory(task.size, task.memory);
    this.#arguments = new ArgumentReader(this.#memory.arguments, (id) => this.#findShared(id) as SharedArrayBuffer);
    if (task.core >= 0) this.#addon?.setAffinity([task.core]);
    process.once('exit', (code) => {
      if (!this.#memory.isClosing) this.#memory.noteDeath(task.member, code);
      this.#ring();
    });
  }

  /** Come, and wait until all have. */
  join(): Promise<void> {
    this.#memory.join(this.#task.member, this.#addon?.threadId() ?? 0);
    return this.#memory.allJoined();
  }

  /** Take part in loops until the team is closed. */
  async watch(): Promise<void> {
    const memory = this.#memory;
    const { member } = this.#task;
    const ownResources = process.getActiveResourcesInfo().length;
    while (!memory.isClosing) {
      memory.setHot(member, true);
      while (this.#waitHot()) {
        this.#epoch = memory.epoch;
        if (memory.enter()) this.#takePart();
      }
      memory.setHot(member, false);
      if (memory.hasTasks || process.getActiveResourcesInfo().length > ownResources) {
        await memory.sleepInLoop(this.#epoch);
        // Tasks come by messages, which a promise that is settled already does not let in.
        await new Promise((resolve) => setImmediate(resolve));
      } else memory.sleep(this.#epoch);
    }
  }

  /** Look for a new epoch; false: there has been none for long, or there are tasks. */
  #waitHot(): boolean {
    const memory = this.#memory;
    const { spinMs, yieldMs } = this.#task.patience;
    const seen = this.#epoch;
    let end = 0;
    for (let looks = 0; ; ) {
      if (memory.epoch !== seen) return !memory.isClosing;
      if (looks++ % LOOKS !== 0) {
        if (end < 0) this.#addon?.yield();
        continue;
      }
      if (memory.hasTasks) return false;
      const now = nowMs();
      if (end === 0) end = now + spinMs;
      else if (end > 0 && now >= end) end = -(now + yieldMs);
      if (end < 0 && now >= -end) return false;
    }
  }

  #takePart(): void {
    const memory = this.#memory;
    const { member, port } = this.#task;
    let chunk = -1;
    let name = '';
    try {
      const kernel = this.#kernels[memory.kernel] ?? this.#findKernel(memory.kernel);
      const values = this.#arguments.read(memory.argumentCount);
      ({ name } = kernel);
      for (chunk = memory.claim(member, 'absent'); chunk >= 0; chunk = memory.claim(member, 'absent')) {
        memory.note(chunk, kernel.fn(memory.startOf(chunk), memory.startOf(chunk + 1), ...values), name);
      }
    } catch (error) {
      const place =
        chunk < 0
          ? `    in thread ${member} of the team`
          : placeOf(name, memory.startOf(chunk), memory.startOf(chunk + 1), member);
      if (memory.stop(STOP.failed)) port.postMessage(encodeThrown(error, place));
    }
    if (memory.leave()) this.#ring();
  }

  #ring(): void {
    const { bell } = this.#task;
    if (bell.kind === 'pipe') this.#addon!.ring(bell.fd);
    // As ThreadParking.ring().
    else if (Atomics.load(bell.words, bell.flag) !== 0 && Atomics.exchange(bell.words, bell.flag, 0) !== 0) {
      Atomics.notify(bell.words, bell.flag);
    }
  }

  #findKernel(id: number): NamedKernel {
    const news = this.#find(id, this.#known) as CrewNews & { kind: 'kernel' };
    const kernel = { name: news.name, fn: loadKernel(news.url, news.name) };
    this.#kernels[id] = kernel;
    return kernel;
  }

  #findShared(id: number): unknown {
    return this.#find(id, this.#shared);
  }

  /** Return what has that number; the news of it has been sent before the loop began. */
  #find<T>(id: number, where: ReadonlyMap<number, T>): T {
    if (!where.has(id)) this.#readNews();
    return where.get(id)!;
  }

  #readNews(): void {
    const { port } = this.#task;
    for (let entry = receiveMessageOnPort(port); entry !== undefined; entry = receiveMessageOnPort(port)) {
      const news = entry.message as CrewNews;
      if (news.kind === 'kernel') this.#known.set(news.id, news);
      else if (news.kind === 'give') this.#shared.set(news.id, news.value);
      else this.#shared.delete(news.id);
    }
  }
}
