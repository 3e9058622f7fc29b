/**
 * Simulator: runs schedules of several ranks in one process, over queues in memory, in an order drawn from a seed.
 *
 * Messages of a pair of ranks and a collective match in order; whether a send completes at once or only when it is
 * received is drawn, and a message's bytes are read when it is delivered, so that a schedule that touches a buffer under
 * way gets wrong data; a message comes in parts. A rank that watches a word sees its change only after somebody called wake(), or after something
 * happened on the rank itself: as one that sleeps. Nothing left to do before the end is a deadlock, and is described.
 */

import { type BulkSource, SharedBulk } from '../../../src/collective/bulk.ts';
import { groupByHost } from '../../../src/collective/hosts.ts';
import type { Area, Hosts, Port, Schedule, Step } from '../../../src/collective/schedule.ts';
import { bytesOf, type TypedArray } from '../../../src/datatype/element-type.ts';
import { ElementViews } from '../../../src/datatype/element-views.ts';

const STEP: Step = { kind: 'step' };

/** Return a source of numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Message {
  readonly data: Uint8Array;
  /** The task that waits for its delivery; undefined for one that was taken at once. */
  readonly sender: Task | undefined;
}

interface Receive {
  readonly into: Uint8Array;
  readonly task: Task;
  /** Told of each part of the message: whole multiples of 16 bytes but for the last. */
  readonly onPart: ((byteOffset: number, byteEnd: number) => void) | undefined;
}

interface Channel {
  readonly name: string;
  readonly messages: Message[];
  readonly receives: Receive[];
}

interface Watch {
  readonly task: Task;
  readonly word: number;
  readonly value: number;
  readonly memory: Int32Array;
  /** Looked at, not reached, and nobody has called since. */
  isAsleep: boolean;
}

/** A collective of one rank. */
interface Task {
  readonly rank: number;
  readonly call: number;
  schedule: Schedule | undefined;
  open: number;
  isDone: boolean;
}

export interface SimulationOptions {
  readonly size: number;
  readonly seed?: number;
  /** Bytes of a slot of a shared area; without it there is none. */
  readonly slotBytes?: number;
  /** Bytes of a piece of the area's bulk memory. */
  readonly pieceBytes?: number;
  /** What goes wrong when the bulk memory is made: rank 0 gets none, or the last rank cannot map it. */
  readonly bulkFailure?: 'create' | 'open';
  /** Whether an algorithm that works in bulk memory is forced. */
  readonly isBulkRequired?: boolean;
  /** Host of each rank; without it all are on one. */
  readonly hosts?: readonly number[];
  /** Collectives of the communicator, in the order in which every rank issues them. */
  readonly calls: readonly ((port: Port) => Schedule)[];
  /** Issue the next only when the one before is complete. */
  readonly isBlocking?: boolean;
  /** Turns that the area has seen before. */
  readonly turn?: number;
}

export interface Traffic {
  messages: number;
  bytes: number;
  /** Turns that rank 0 took on the area. */
  turns: number;
  /** By how many turns the oldest of the area's epoch, ready and flags is behind the last. */
  age: number;
}

/** Words that hold numbers of turns: epoch, ready, and the flag of each rank's slot of both parities. */
function wordsOf(byteOffset: number, size: number, slotBytes: number): number[] {
  const first = byteOffset + 256;
  const slots = Array.from({ length: 2 * (size + 1) }, (_, slot) => slot).filter((slot) => slot % (size + 1) !== 0);
  return [byteOffset + 128, byteOffset + 132, ...slots.map((slot) => first + slot * slotBytes)].map((offset) => offset / 4);
}

/** Run all calls on all ranks to their end. */
export function simulate(options: SimulationOptions): Traffic {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: () => number;
  readonly #channels = new Map<number, Channel>();
  /** Channels with a message and a receive for it. */
  readonly #ready: Channel[] = [];
  readonly #tasks: Task[][] = [];
  readonly #issued: number[] = [];
  readonly #areas: (Area | undefined)[] = [];
  readonly #hosts: Hosts | undefined;
  readonly #traffic: Traffic = { messages: 0, bytes: 0, turns: 0, age: 0 };
  #watches: Watch[] = [];
  readonly #memories: (ArrayBuffer | undefined)[] = [];
  #mapped = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = randomFrom(options.seed ?? 1);
    const { size, slotBytes, calls } = options;
    this.#hosts = options.hosts === undefined ? undefined : groupByHost(options.hosts);
    const byteOffset = 64;
    const byteLength = 256 + 2 * (size + 1) * (slotBytes ?? 0);
    const views = new ElementViews(new ArrayBuffer(byteOffset + byteLength));
    const turn = options.turn ?? 0;
    // What earlier turns would have left.
    if (slotBytes !== undefined) for (const word of wordsOf(byteOffset, size, slotBytes)) views.i32[word] = turn;
    for (let rank = 0; rank < size; rank++) {
      this.#issued.push(0);
      this.#tasks.push(calls.map((_, call) => ({ rank, call, schedule: undefined, open: 0, isDone: false })));
      const bulk = new SharedBulk(size, this.#bulkSource(rank), options.pieceBytes ?? 64);
      const area = { views, byteOffset, byteLength, slotBytes: slotBytes ?? 0, bulk, turn, finished: turn, settled: turn };
      this.#areas.push(slotBytes === undefined ? undefined : { ...area, wake: () => this.#wake(() => true) });
    }
  }

  run(): Traffic {
    while (this.#next());
    const stuck = this.#tasks.flat().filter(({ isDone }) => !isDone);
    if (stuck.length > 0) throw new Error(`deadlock: ${this.#describe(stuck)}`);
    for (const { name, messages } of this.#channels.values()) {
      if (messages.length > 0) throw new Error(`nobody received ${messages.length} messages of ${name}`);
    }
    const offered = this.#memories.filter((memory) => memory !== undefined);
    if (offered.length > 0) throw new Error(`${offered.length} memories are still offered`);
    for (const each of this.#areas) each?.bulk?.close();
    if (this.#mapped !== 0) throw new Error(`${this.#mapped} mappings of bulk memory are left`);
    const [area] = this.#areas;
    if (area !== undefined) {
      const words = wordsOf(area.byteOffset, this.#options.size, area.slotBytes);
      this.#traffic.age = Math.max(...words.map((word) => (area.turn - area.views.i32[word]!) | 0));
    }
    this.#traffic.turns = ((this.#areas[0]?.turn ?? 0) - (this.#options.turn ?? 0)) | 0;
    return this.#traffic;
  }

  /** Let one of the things happen that may; return whether there was one. */
  #next(): boolean {
    const { size, calls, isBlocking } = this.#options;
    const free: number[] = [];
    for (let rank = 0; rank < size; rank++) {
      const call = this.#issued[rank]!;
      if (call < calls.length && (!isBlocking || call === 0 || this.#tasks[rank]![call - 1]!.isDone)) free.push(rank);
    }
    const awake = this.#watches.filter(({ isAsleep }) => !isAsleep);
    const actions = [...free, ...this.#ready, ...awake];
    const action = actions[Math.floor(this.#random() * actions.length)];
    if (action === undefined) return false;
    if (typeof action === 'number') this.#issue(action);
    else if ('messages' in action) this.#deliver(action);
    else this.#look(action);
    return true;
  }

  #issue(rank: number): void {
    const call = this.#issued[rank]!++;
    const task = this.#tasks[rank]![call]!;
    task.schedule = this.#options.calls[call]!(this.#port(task));
    this.#advance(task);
  }

  #deliver(channel: Channel): void {
    const { data, sender } = channel.messages.shift()!;
    const { into, task, onPart } = channel.receives.shift()!;
    if (channel.messages.length === 0 || channel.receives.length === 0) this.#ready.splice(this.#ready.indexOf(channel), 1);
    if (data.length !== into.length)
      throw new Error(`${channel.name}: ${data.length} bytes arrived, ${into.length} were expected`);
    for (let from = 0; from < data.length; ) {
      const to = Math.min(data.length, from + 16 * (1 + Math.floor(this.#random() * 64)));
      into.set(data.subarray(from, to), from);
      onPart?.(from, to);
      from = to;
    }
    for (const end of [task, sender]) {
      if (end === undefined) continue;
      end.open--;
      this.#advance(end);
    }
  }

  #look(watch: Watch): void {
    if (((Atomics.load(watch.memory, watch.word) - watch.value) | 0) < 0) {
      watch.isAsleep = true;
      return;
    }
    this.#watches.splice(this.#watches.indexOf(watch), 1);
    watch.task.open--;
    this.#advance(watch.task);
  }

  #wake(isMeant: (watch: Watch) => boolean): void {
    for (const watch of this.#watches) if (isMeant(watch)) watch.isAsleep = false;
  }

  #advance(task: Task): void {
    while (task.open === 0 && !task.isDone) {
      if (task.schedule!.next().done === true && task.open === 0) task.isDone = true;
    }
    this.#wake(({ task: { rank } }) => rank === task.rank);
  }

  #channel(call: number, source: number, dest: number): Channel {
    const { size } = this.#options;
    const key = (call * size + source) * size + dest;
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      channel = { name: `call ${call} from ${source} to ${dest}`, messages: [], receives: [] };
      this.#channels.set(key, channel);
    }
    return channel;
  }

  #port(task: Task): Port {
    const { rank, call } = task;
    const send = (data: TypedArray, dest: number): Step => {
      this.#check(dest, rank);
      this.#traffic.messages++;
      this.#traffic.bytes += data.byteLength;
      const isTaken = this.#random() < 0.5;
      if (!isTaken) task.open++;
      const channel = this.#channel(call, rank, dest);
      channel.messages.push({ data: isTaken ? bytesOf(data).slice() : bytesOf(data), sender: isTaken ? undefined : task });
      if (channel.messages.length === 1 && channel.receives.length > 0) this.#ready.push(channel);
      return STEP;
    };
    const recv = (into: TypedArray, source: number, onPart?: (start: number, end: number) => void): Step => {
      this.#check(source, rank);
      task.open++;
      const channel = this.#channel(call, source, rank);
      const { BYTES_PER_ELEMENT: size } = into;
      const inBytes = onPart && ((from: number, to: number): void => onPart(from / size, to / size));
      channel.receives.push({ into: bytesOf(into), task, onPart: inBytes });
      if (channel.receives.length === 1 && channel.messages.length > 0) this.#ready.push(channel);
      return STEP;
    };
    const exchange: Port['exchange'] = (data, dest, into, source, onPart) => {
      recv(into, source, onPart);
      return send(data, dest);
    };
    const until = (word: number, value: number, memory = this.#areas[rank]!.views.i32): Step => {
      task.open++;
      this.#watches.push({ task, word, value, memory, isAsleep: false });
      return STEP;
    };
    // Every rank issues the same calls.
    const check = Math.imul(call + 1, 0x9e3779b1);
    const mismatch = (other: number) => new Error(`rank ${rank} in call ${call} found another call of rank ${other}`);
    const [area, hosts] = [this.#areas[rank], this.#hosts];
    return { rank, size: this.#options.size, area, hosts, check, mismatch, send, recv, exchange, until };
  }

  /** Memory by number: what is offered may be opened until it is withdrawn, and only once for each rank. */
  #bulkSource(rank: number): BulkSource {
    const { size, bulkFailure, isBulkRequired = false } = this.#options;
    const memories = this.#memories;
    return {
      isRequired: isBulkRequired,
      create: (byteLength) => {
        if (bulkFailure === 'create') return undefined;
        const memory = new ArrayBuffer(byteLength);
        const number = memories.push(memory) - 1;
        this.#mapped++;
        return { memory, place: [4711, number], withdraw: () => memories.splice(number, 1, undefined) };
      },
      open: (place, byteLength) => {
        const memory = place[0] === 4711 ? memories[place[1]!] : undefined;
        if (memory?.byteLength !== byteLength) throw new Error(`rank ${rank} finds no memory of ${byteLength} bytes`);
        if (bulkFailure === 'open' && rank === size - 1) return undefined;
        this.#mapped++;
        return memory;
      },
      unmap: () => this.#mapped--,
    };
  }

  #check(peer: number, rank: number): void {
    if (!Number.isInteger(peer) || peer < 0 || peer >= this.#options.size) throw new Error(`rank ${rank} names rank ${peer}`);
    if (peer === rank) throw new Error(`rank ${rank} talks to itself`);
  }

  #describe(stuck: readonly Task[]): string {
    const watches = this.#watches.map(({ task, word, value, memory }) => {
      return `rank ${task.rank} in call ${task.call} watches word ${word} for ${value}, it is ${memory[word]}`;
    });
    const receives = [...this.#channels.values()].flatMap(({ name, receives: open }) => open.map(() => `nothing sent: ${name}`));
    const open = stuck.map(({ rank, call }) => `rank ${rank} in call ${call}`);
    return [...open, ...watches, ...receives].slice(0, 20).join('; ');
  }
}
