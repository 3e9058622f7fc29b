/**
 * Generator: a legal random program from a seed.
 *
 * The idea: it writes down a history that could happen: messages sent before or after their receives are posted,
 * collectives, communicators made and freed, and now and then a rank that completes some of what it has open, where the
 * history so far lets it. At the end every message has both its ends.
 */

import type { BufferSpec } from './buffer.ts';
import { Draw, drawCollective } from './draw.ts';
import {
  type Action,
  COMPLETION_WAYS,
  type MakeAction,
  type Members,
  membersMade,
  type Payload,
  type Program,
  type ReceiveWay,
  type Stream,
} from './program.ts';

/** A communicator's style tells which patterns its receives have: tags tell messages apart, or their order does. */
type Style = 'tags' | 'order';

interface Planned {
  readonly tag: number;
  readonly payload: Payload;
  readonly source: number | undefined;
  readonly tagPattern: number | undefined;
  readonly into: BufferSpec | undefined;
}

interface StreamState extends Stream {
  readonly senders: readonly number[];
  readonly plan: () => Planned;
  /** Messages whose first end was written down and whose second was not. */
  readonly planned: Planned[];
  sends: number;
  receives: number;
  isClosed: boolean;
}

/** What a rank has open. */
interface Open {
  readonly id: number;
  readonly comm: number;
  readonly stream?: StreamState;
  readonly isReady: () => boolean;
}

const MAX_COMMUNICATORS = 7;
/** Tags that belong to one action alone. */
const FIRST_OWN_TAG = 1000;

/** Return the program of a seed. */
export function generate(seed: number): Program {
  return new Generator(seed).program();
}

class Generator {
  readonly #seed: number;
  readonly #draw: Draw;
  readonly #size: number;
  readonly #actions: Action[] = [];
  readonly #members = new Map<number, Members>();
  readonly #styles = new Map<number, Style>();
  readonly #streams = new Map<string, StreamState>();
  readonly #open: Open[][];
  #ids = 0;
  #communicators = 1;

  constructor(seed: number) {
    this.#seed = seed;
    this.#draw = new Draw(seed);
    this.#size = 1 + this.#draw.below(8);
    this.#open = Array.from({ length: this.#size }, () => []);
    this.#addCommunicator(0, { ranks: Array.from({ length: this.#size }, (_, rank) => rank), grid: undefined });
  }

  program(): Program {
    const draw = this.#draw;
    const length = 4 + draw.below(40);
    while (this.#actions.length < length) this.#step();
    for (const stream of this.#streams.values()) this.#balance(stream);
    const streams = [...this.#streams.values()].map(({ number, comm, to, from }) => ({ number, comm, to, from }));
    const lastWay = Array.from({ length: this.#size }, () => draw.pick(COMPLETION_WAYS));
    return { seed: this.#seed, size: this.#size, streams, actions: this.#actions, lastWay };
  }

  #step(): void {
    const draw = this.#draw;
    const comm = draw.pick([...this.#members.keys()]);
    const kind = draw.unit();
    if (kind < 0.45) this.#message(comm);
    else if (kind < 0.67) this.#collective(comm);
    else if (kind < 0.87) this.#complete(draw.below(this.#size));
    else if (kind < 0.92) this.#shift(comm);
    else if (kind < 0.94) this.#nothing(comm);
    else if (kind < 0.985) this.#make(comm);
    else if (comm !== 0) this.#free(comm);
  }

  // ---- messages ----------------------------------------------------------------------------------

  #message(comm: number): void {
    const draw = this.#draw;
    const stream = this.#stream(comm);
    if (stream.isClosed) return;
    // Sometimes many at once: queues fill.
    const burst = draw.chance(0.05) ? 10 + draw.below(30) : 1 + draw.below(3);
    for (let k = 0; k < burst; k++) {
      const lead = stream.sends - stream.receives;
      const isSend = lead >= 40 ? false : lead <= -40 ? true : lead === 0 || draw.chance(0.3) ? draw.chance(0.6) : lead < 0;
      if (isSend) this.#send(stream);
      else this.#receive(stream);
    }
  }

  #send(stream: StreamState): void {
    const draw = this.#draw;
    const { tag, payload } = this.#nextOf(stream, stream.sends++ >= stream.receives);
    const from = draw.pick(stream.senders);
    const id = this.#ids++;
    const isPersistent = payload.kind === 'buffer' && draw.chance(0.15);
    this.#actions.push({
      do: 'send',
      id,
      stream: stream.number,
      from,
      tag,
      payload,
      isSynchronous: draw.chance(0.2) && payload.kind !== 'object',
      isPersistent,
    });
    const index = stream.sends - 1;
    // With several senders a later message may take this one's receive: only all of them together are safe.
    const isReady = (): boolean => (stream.from === undefined ? stream.sends === stream.receives : index < stream.receives);
    this.#open[from]!.push({ id, comm: stream.comm, stream, isReady });
  }

  #receive(stream: StreamState): void {
    const draw = this.#draw;
    const index = stream.receives++;
    const { source, tagPattern, into } = this.#nextOf(stream, index >= stream.sends);
    const isThere = index < stream.sends;
    const way = this.#draw.pick<ReceiveWay>(
      isThere && draw.chance(0.4)
        ? ['probe', 'mprobe', 'tryProbe', 'tryMprobe']
        : into === undefined
          ? ['recv']
          : ['recv', 'recv', 'recvInit'],
    );
    const id = this.#ids++;
    this.#actions.push({ do: 'receive', id, stream: stream.number, source, tag: tagPattern, way, into });
    this.#open[stream.to]!.push({ id, comm: stream.comm, stream, isReady: () => index < stream.sends });
  }

  /** The plan of a stream's next message: a new one, or that of its first end. */
  #nextOf(stream: StreamState, isFirstEnd: boolean): Planned {
    if (!isFirstEnd) return stream.planned.shift()!;
    const planned = stream.plan();
    stream.planned.push(planned);
    return planned;
  }

  #balance(stream: StreamState): void {
    while (stream.sends < stream.receives) this.#send(stream);
    while (stream.receives < stream.sends) this.#receive(stream);
  }

  /** A stream of that communicator, an old one or a new one. */
  #stream(comm: number): StreamState {
    const draw = this.#draw;
    const { ranks } = this.#members.get(comm)!;
    const to = draw.pick(ranks);
    const from = draw.pick(ranks);
    if (this.#styles.get(comm) === 'tags') {
      const tag = draw.below(4);
      if (tag === 3) return this.#common(comm, to, 3);
      return this.#find(comm, to, from, `${tag}`, () => this.#planOf(from, tag, from, tag));
    }
    // One receiver keeps to one manner: receives that take anything, or from each sender in order, or all of one sender.
    const manner = (to * 7 + comm + this.#seed) % 3;
    if (manner === 0) return this.#common(comm, to, undefined);
    if (manner === 1) {
      return this.#find(comm, to, from, 'each', () => {
        const tag = draw.below(3);
        return this.#planOf(from, tag, from, draw.chance(0.5) ? tag : undefined);
      });
    }
    const only = ranks[(to + this.#seed) % ranks.length]!;
    return this.#find(comm, to, only, 'one', () => {
      const tag = draw.below(3);
      return this.#planOf(only, tag, draw.chance(0.5) ? only : undefined, draw.chance(0.5) ? tag : undefined);
    });
  }

  /** A stream with several senders: its messages are alike, as any receive may get any of them. */
  #common(comm: number, to: number, tag: number | undefined): StreamState {
    const draw = this.#draw;
    const model = draw.payload();
    const into = draw.bufferFor(model);
    const plan = (): Planned => {
      const label = tag ?? draw.below(3);
      const room = into && { ...into, seed: draw.seed() };
      return { tag: label, payload: varied(draw, model), source: undefined, tagPattern: tag, into: room };
    };
    return this.#find(comm, to, undefined, `any ${tag}`, plan);
  }

  #planOf(_from: number, tag: number, source: number | undefined, tagPattern: number | undefined): Planned {
    const payload = this.#draw.payload();
    return { tag, payload, source, tagPattern, into: this.#draw.bufferFor(payload) };
  }

  #find(comm: number, to: number, from: number | undefined, name: string, plan: () => Planned): StreamState {
    const key = `${comm} ${to} ${from} ${name}`;
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const senders = from === undefined ? this.#members.get(comm)!.ranks : [from];
    const counts = { sends: 0, receives: 0, isClosed: false };
    const made: StreamState = { number: this.#streams.size, comm, to, from, senders, plan, planned: [], ...counts };
    this.#streams.set(key, made);
    return made;
  }

  #shift(comm: number): void {
    if (this.#styles.get(comm) !== 'tags') return;
    const draw = this.#draw;
    const { ranks } = this.#members.get(comm)!;
    const to = new Array<number | null>(this.#size).fill(null);
    const targets = draw.chance(0.5) ? draw.shuffled(ranks) : [...ranks.slice(1), ranks[0]!];
    for (const [k, rank] of ranks.entries()) if (!draw.chance(0.15)) to[rank] = targets[k]!;
    const id = this.#ids++;
    this.#actions.push({
      do: 'shift',
      id,
      comm,
      to,
      tag: FIRST_OWN_TAG + id,
      buffer: draw.buffer(),
      isReplacing: draw.chance(0.3),
    });
    this.#openFor(comm, id);
  }

  #nothing(comm: number): void {
    const draw = this.#draw;
    const at = draw.pick(this.#members.get(comm)!.ranks);
    const id = this.#ids++;
    const call = draw.pick(['cancel', 'cancel', 'sendNull', 'recvNull'] as const);
    this.#actions.push({
      do: 'nothing',
      id,
      comm,
      at,
      call,
      tag: FIRST_OWN_TAG + id,
      buffer: draw.buffer(undefined, draw.below(9)),
    });
    this.#open[at]!.push({ id, comm, isReady: () => true });
  }

  // ---- collectives and communicators ---------------------------------------------------------------

  #collective(comm: number): void {
    const draw = this.#draw;
    // Several in flight, now and then.
    for (let times = draw.chance(0.3) ? 1 + draw.below(6) : 1; times > 0; times--) {
      const id = this.#ids++;
      this.#actions.push(drawCollective(draw, id, comm, this.#members.get(comm)!, this.#size));
      this.#openFor(comm, id);
    }
  }

  #openFor(comm: number, id: number): void {
    for (const rank of this.#members.get(comm)!.ranks) this.#open[rank]!.push({ id, comm, isReady: () => true });
  }

  #complete(at: number): void {
    const draw = this.#draw;
    const ready = draw.shuffled(this.#open[at]!.filter(({ isReady }) => isReady()));
    const some = draw.chance(0.4) ? ready : ready.slice(0, draw.below(ready.length + 1));
    this.#completeThese(at, some);
  }

  #completeThese(at: number, these: readonly Open[]): void {
    if (these.length === 0) return;
    const ids = these.map(({ id }) => id);
    this.#actions.push({ do: 'complete', at, ids, way: this.#draw.pick(COMPLETION_WAYS) });
    for (const { stream } of these)
      if (stream !== undefined && stream.from === undefined && stream.sends === stream.receives) stream.isClosed = true;
    this.#open[at] = this.#open[at]!.filter(({ id }) => !ids.includes(id));
  }

  #make(parent: number): void {
    if (this.#members.size >= MAX_COMMUNICATORS) return;
    const draw = this.#draw;
    const { ranks } = this.#members.get(parent)!;
    const how = draw.pick(['dup', 'split', 'split', 'create', 'splitShared', 'cartesian', 'cartesian'] as const);
    const colors = Array.from({ length: this.#size }, () => (draw.chance(0.15) ? null : draw.below(how === 'create' ? 2 : 3)));
    const places = draw.shuffled(Array.from({ length: this.#size }, (_, rank) => rank));
    // Equal keys, negative ones and fractions; in create() the key is the place in the group.
    const keys = places.map((place) => (how === 'create' ? place : draw.chance(0.3) ? draw.below(3) - 1.5 : place - 4));
    const dims = drawDims(draw, ranks.length);
    const periodic = dims.map(() => draw.chance(0.5));
    const action: MakeAction = { do: 'make', parent, how, made: [], colors, keys, dims, periodic };
    const groups = membersMade(action, this.#members.get(parent)!);
    const made = groups.map((_, k) => this.#communicators + k);
    this.#communicators += groups.length;
    this.#actions.push({ ...action, made });
    for (const [k, group] of groups.entries()) this.#addCommunicator(made[k]!, group);
  }

  #addCommunicator(number: number, members: Members): void {
    this.#members.set(number, members);
    this.#styles.set(number, this.#draw.pick(['tags', 'order'] as const));
  }

  /** Everything on a communicator comes to its end, then it is freed. */
  #free(comm: number): void {
    for (const stream of this.#streams.values()) if (stream.comm === comm) this.#balance(stream);
    for (const rank of this.#members.get(comm)!.ranks) {
      this.#completeThese(
        rank,
        this.#open[rank]!.filter((open) => open.comm === comm),
      );
    }
    this.#actions.push({ do: 'free', comm });
    this.#members.delete(comm);
  }
}

/** A message like `model`, which fits wherever that fits. */
function varied(draw: Draw, model: Payload): Payload {
  if (model.kind !== 'buffer') return { ...model, seed: draw.seed() };
  const { buffer } = model;
  // Bytes must make whole elements of whatever the receiver counts in.
  const count = draw.chance(0.5) ? buffer.count : Math.floor((buffer.count * draw.below(5)) / 16) * 4;
  return { kind: 'buffer', buffer: { ...buffer, count, seed: draw.seed() } };
}

/** Dimensions with that product. */
function drawDims(draw: Draw, size: number): number[] {
  const divisors = Array.from({ length: size }, (_, k) => k + 1).filter((divisor) => size % divisor === 0);
  const first = draw.pick(divisors);
  return draw.chance(0.3) ? [size] : [first, size / first];
}
