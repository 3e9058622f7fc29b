/**
 * MessageCalls: one rank's sends and receives of a program, and what each receive must have got.
 *
 * The idea: what a receive may get follows from its stream alone (program.ts). Its buffer is looked at when its request is
 * complete; from which sender it may have come is decided at the end, in the order in which receives were posted.
 */

import { isDeepStrictEqual } from 'node:util';
import * as tsmpi from 'tsmpi';
import {
  type BufferSpec,
  bytesOf,
  differenceOf,
  ELEMENT_SIZES,
  makeRoom,
  type Room,
  type TypedArray,
  valuesOf,
} from './buffer.ts';
import type { Clock } from './completion.ts';
import type { NothingAction, Payload, ReceiveAction, SendAction, ShiftAction } from './program.ts';
import type { Open, Standpoint } from './standpoint.ts';
import { objectOf } from './value.ts';

/** What a receive got. */
interface Received {
  readonly action: ReceiveAction;
  readonly status: tsmpi.Status;
  /** Bytes of a buffer, else the value. */
  readonly bytes: Uint8Array | undefined;
  readonly value: unknown;
}

/** A persistent operation, to be started again once its last start is complete. */
interface Handle {
  readonly persistent: tsmpi.Persistent<unknown>;
  readonly room: Room;
  last: tsmpi.Request<unknown> | undefined;
  settle: () => void;
}

export class MessageCalls {
  readonly #place: Standpoint;
  readonly #clock: Clock;
  readonly #open: Map<number, Open>;
  readonly #received = new Map<number, Received>();
  readonly #handles = new Map<string, Handle>();
  readonly #rooms: { readonly id: number; readonly room: Room; readonly sent?: TypedArray }[] = [];

  /** Operations are put into `open` as they are posted. */
  constructor(place: Standpoint, clock: Clock, open: Map<number, Open>) {
    this.#place = place;
    this.#clock = clock;
    this.#open = open;
  }

  send({ id, stream, tag, payload, isSynchronous, isPersistent }: SendAction): void {
    const { comm, to } = this.#place.streamOf(stream);
    const communicator = this.#place.comm(comm);
    const dest = this.#place.placeIn(comm, to);
    if (payload.kind === 'object') {
      const request = communicator.sendObject(objectOf(payload.seed, payload.size), dest, tag);
      this.#open.set(id, { request, take: () => undefined });
      return;
    }
    const values = valuesOfPayload(payload);
    if (payload.kind === 'scalar') {
      const request = isSynchronous ? communicator.ssend(values[0]!, dest, tag) : communicator.send(values[0]!, dest, tag);
      this.#open.set(id, { request, take: () => undefined });
      return;
    }
    const call = isSynchronous ? 'ssend' : 'send';
    const { buffer } = payload;
    if (isPersistent) {
      const key = `${call} ${comm} ${dest} ${tag} ${buffer.type} ${buffer.count} ${buffer.place}`;
      const make = (room: Room): tsmpi.Persistent<void> => communicator[`${call}Init`](room.data, dest, tag);
      const handle = this.#handle(key, buffer, make);
      handle.room.write(values);
      this.#open.set(id, { request: this.#start(handle), take: () => undefined });
      return;
    }
    const room = makeRoom(buffer, values);
    this.#rooms.push({ id, room, sent: values });
    this.#open.set(id, { request: communicator[call](room.data, dest, tag), take: () => undefined });
  }

  async receive(action: ReceiveAction): Promise<void> {
    const { id, stream, into, way } = action;
    const { comm } = this.#place.streamOf(stream);
    const communicator = this.#place.comm(comm);
    const source = action.source === undefined ? tsmpi.ANY_SOURCE : this.#place.placeIn(comm, action.source);
    const tag = action.tag ?? tsmpi.ANY_TAG;
    if (way === 'recvInit' && into !== undefined) {
      const key = `recv ${comm} ${source} ${tag} ${into.type} ${into.count} ${into.place}`;
      const handle = this.#handle(key, into, (room) => communicator.recvInit(room.data, source, tag));
      handle.room.clear();
      const request = this.#start(handle);
      this.#open.set(id, { request, take: () => this.#keep(action, request, handle.room) });
      handle.settle = () => this.#keepEarly(id);
      return;
    }
    const room = into && makeRoom(into);
    if (room !== undefined) this.#rooms.push({ id, room });
    let request: tsmpi.Request<unknown>;
    if (way === 'mprobe' || way === 'tryMprobe') {
      const message =
        way === 'mprobe'
          ? await this.#clock.wait(communicator.mprobe(source, tag), id % 2 === 0)
          : await this.#clock.repeat(() => communicator.tryMprobe(source, tag));
      request = room === undefined ? message.recvObject() : message.recv(room.data);
      this.#expectProbed(message.status, request, action, room);
      return;
    }
    if (way === 'probe' || way === 'tryProbe') {
      const status =
        way === 'probe'
          ? await this.#clock.wait(communicator.probe(source, tag), id % 2 === 0)
          : await this.#clock.repeat(() => communicator.tryProbe(source, tag));
      const { source: from, tag: label } = status;
      request = room === undefined ? communicator.recvObject(from, label) : communicator.recv(room.data, from, label);
      this.#expectProbed(status, request, action, room);
      return;
    }
    request = room === undefined ? communicator.recvObject(source, tag) : communicator.recv(room.data, source, tag);
    this.#open.set(id, { request, take: (result) => this.#keep(action, request, room, result) });
  }

  /** The receive must get the message that the probe saw. */
  #expectProbed(seen: tsmpi.Status, request: tsmpi.Request<unknown>, action: ReceiveAction, room: Room | undefined): void {
    const take = (result: unknown): string | undefined => {
      const { source, tag, byteLength, type } = request.status;
      if (source !== seen.source || tag !== seen.tag || type !== seen.type) return `got another message than the probe saw`;
      if (room !== undefined && byteLength !== seen.byteLength)
        return `got ${byteLength} bytes, the probe saw ${seen.byteLength}`;
      return this.#keep(action, request, room, result);
    };
    this.#open.set(action.id, { request, take });
  }

  #keep(action: ReceiveAction, request: tsmpi.Request<unknown>, room: Room | undefined, value?: unknown): string | undefined {
    const bytes = room && bytesOf(room.read());
    this.#received.set(action.id, { action, status: request.status, bytes, value });
    return undefined;
  }

  /** A persistent receive's buffer is used again: what came is taken now. */
  #keepEarly(id: number): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    open.take(undefined);
    this.#open.set(id, { request: open.request, take: () => undefined });
  }

  #handle(key: string, spec: BufferSpec, make: (room: Room) => tsmpi.Persistent<unknown>): Handle {
    const known = this.#handles.get(key);
    if (known?.last?.done === true) {
      known.settle();
      known.settle = () => undefined;
      return known;
    }
    const room = makeRoom(spec);
    this.#rooms.push({ id: this.#rooms.length, room });
    const handle: Handle = { persistent: make(room), room, last: undefined, settle: () => undefined };
    this.#handles.set(key, handle);
    return handle;
  }

  #start(handle: Handle): tsmpi.Request<unknown> {
    handle.last = handle.persistent.start();
    return handle.last;
  }

  shift({ id, comm, to, tag, buffer, isReplacing }: ShiftAction): void {
    const { ranks } = this.#place.members.get(comm)!;
    const dest = to[this.#place.rank]!;
    const source = ranks.find((rank) => to[rank] === this.#place.rank);
    const places = [dest, source ?? null].map((rank) => (rank === null ? tsmpi.PROC_NULL : this.#place.placeIn(comm, rank))) as [
      number,
      number,
    ];
    const mine = valuesOf(buffer.type, buffer.count, buffer.seed + this.#place.rank);
    const room = makeRoom(buffer, mine);
    const into = isReplacing ? room : makeRoom(buffer);
    const before = into.read();
    const communicator = this.#place.comm(comm);
    const tags = { sendTag: tag, recvTag: tag };
    const request = isReplacing
      ? communicator.sendrecvReplace(room.data, places[0], places[1], tags)
      : communicator.sendrecv(room.data, places[0], into.data, places[1], tags);
    this.#rooms.push({ id, room: into }, isReplacing ? { id, room } : { id, room, sent: mine });
    const expected = source === undefined ? before : valuesOf(buffer.type, buffer.count, buffer.seed + source);
    const take = (status: unknown): string | undefined => {
      const { source: from } = status as tsmpi.Status;
      return from === places[1] ? differenceOf(into.read(), expected) : `its status names source ${from}, expected ${places[1]}`;
    };
    this.#open.set(id, { request, take });
  }

  nothing({ id, comm, call, tag, buffer }: NothingAction): void {
    const communicator = this.#place.comm(comm);
    const room = makeRoom(buffer);
    this.#rooms.push({ id, room, sent: room.read() });
    if (call === 'sendNull') {
      this.#open.set(id, { request: communicator.send(room.data, tsmpi.PROC_NULL, tag), take: () => undefined });
      return;
    }
    if (call === 'recvNull') {
      const take = (status: unknown): string | undefined =>
        (status as tsmpi.Status).source === tsmpi.PROC_NULL ? undefined : 'a receive from PROC_NULL names a source';
      this.#open.set(id, { request: communicator.recv(room.data, tsmpi.PROC_NULL), take });
      return;
    }
    const source = tag % 2 === 0 ? tsmpi.ANY_SOURCE : 0;
    const take = (status: unknown): string | undefined =>
      (status as tsmpi.Status).cancelled ? undefined : 'a receive that nothing matches was not cancelled';
    this.#open.set(id, { request: communicator.recv(room.data, source, tag), isCancelled: true, take });
  }

  /** Hold what came against the messages of each stream, in the order of posting. */
  judgeReceives(): void {
    const { actions, streams } = this.#place.program;
    for (const stream of streams) {
      if (stream.to !== this.#place.rank) continue;
      const sent = actions.filter((action): action is SendAction => action.do === 'send' && action.stream === stream.number);
      const receives = actions.filter(
        (action): action is ReceiveAction => action.do === 'receive' && action.stream === stream.number,
      );
      for (const { id } of receives) {
        const received = this.#received.get(id)!;
        const from = this.#place.members.get(stream.comm)!.ranks[received.status.source];
        // Messages of one sender come in the order sent; which sender's turn it was is free.
        const next = sent.findIndex((send) => send.from === from);
        const [send] = next < 0 ? [] : sent.splice(next, 1);
        const wrong = send === undefined ? `came from rank ${from}, which has sent no more` : judge(received, send);
        if (wrong !== undefined) throw new Error(`operation ${id}: ${wrong}${send === undefined ? '' : ` (message ${send.id})`}`);
      }
    }
  }

  /** Throw if memory was written that should not have been. */
  checkMemory(): void {
    for (const { id, room, sent } of this.#rooms) {
      if (!room.isGuarded()) throw new Error(`operation ${id}: memory beside its buffer was written`);
      const changed = sent && differenceOf(room.read(), sent);
      if (changed !== undefined) throw new Error(`operation ${id}: what was sent has changed: ${changed}`);
    }
  }
}

function valuesOfPayload(payload: Exclude<Payload, { kind: 'object' }>): TypedArray {
  return payload.kind === 'scalar'
    ? valuesOf(payload.type, 1, payload.seed)
    : valuesOf(payload.buffer.type, payload.buffer.count, payload.buffer.seed);
}

/** Say what is wrong with a receive, given the message that it must have got. */
function judge({ action, status, bytes, value }: Received, { tag, payload }: SendAction): string | undefined {
  if (status.tag !== tag) return `its tag is ${status.tag}, expected ${tag}`;
  if (status.cancelled) return 'it was cancelled';
  if (payload.kind === 'object')
    return isDeepStrictEqual(value, objectOf(payload.seed, payload.size)) ? undefined : 'another value than was sent';
  const type = payload.kind === 'scalar' ? payload.type : payload.buffer.type;
  const sent = bytesOf(valuesOfPayload(payload));
  if (status.type !== type) return `its type is ${status.type}, expected ${type}`;
  if (status.byteLength !== sent.byteLength) return `its length is ${status.byteLength} bytes, expected ${sent.byteLength}`;
  const count = sent.byteLength / ELEMENT_SIZES[action.into!.type];
  if (status.count !== count) return `its count is ${status.count}, expected ${count}`;
  const untouched = makeRoom(action.into!);
  const expected = bytesOf(untouched.read());
  expected.set(sent);
  const at = expected.findIndex((byte, i) => byte !== bytes![i]);
  return at < 0 ? undefined : `byte ${at} is ${bytes![at]}, expected ${expected[at]}`;
}
