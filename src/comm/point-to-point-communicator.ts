/**
 * PointToPointCommunicator: a communicator's messages between two ranks, as intra- and intercommunicators have them.
 *
 * It checks arguments and posts operations; the engine moves them. `members` holds those to whom messages go: the other
 * group of an intercommunicator.
 */

import { MpiError } from '../base/errors.ts';
import { operationCode } from '../base/operation.ts';
import type { Data, SendData } from '../datatype/data.ts';
import type { ArrayLayout } from '../datatype/derived/array-layout.ts';
import { elementCode, type TypedArray } from '../datatype/element-type.ts';
import { SendrecvOperation } from '../p2p/combined.ts';
import { type Membership, OBJECT_ARRAYS, POINT_TO_POINT } from '../p2p/context.ts';
import { DoneOperation } from '../p2p/done-operation.ts';
import type { Engine } from '../p2p/engine.ts';
import { MappedOperation } from '../p2p/mapped-operation.ts';
import { ANY_SOURCE, ANY_TAG, PROC_NULL } from '../p2p/matching-queue.ts';
import { dropUnwantedObjects, type ObjectContexts, ObjectReceive, ObjectSend } from '../p2p/object-message.ts';
import type { Context, Probe } from '../p2p/point-to-point.ts';
import type { Operation, Options, Request } from '../p2p/request.ts';
import { nullStatus, type Status } from '../p2p/status.ts';
import type { UnexpectedMessage } from '../p2p/unexpected.ts';
import { bufferElements, checkOverlap, type Elements, sendElements } from './buffer.ts';
import { checkDest, checkOptions, checkRecvTag, checkSendTag, checkSource } from './checks.ts';
import type { RecvOptions, SendOptions, SendrecvOptions } from './communicator.ts';
import { ClaimedMessage, type Message, statusOf } from './message.ts';
import { type Persistent, PersistentOperation } from './persistent.ts';
import { PropertyHolder } from './property-holder.ts';
import type { RankEnvironment } from './rank-environment.ts';

const SEND_OPTIONS = ['tag', 'signal', 'timeoutMs'] as const;
const RECV_OPTIONS = ['source', 'tag', 'signal', 'timeoutMs'] as const;
const SENDRECV_OPTIONS = ['sendTag', 'recvTag', 'signal', 'timeoutMs'] as const;

const SEND = operationCode('send');
const SSEND = operationCode('ssend');
const RECV = operationCode('recv');
const SENDRECV = operationCode('sendrecv');
const PROBE = operationCode('probe');
const MPROBE = operationCode('mprobe');
const SEND_OBJECT = operationCode('sendObject');
const RECV_OBJECT = operationCode('recvObject');

export abstract class PointToPointCommunicator extends PropertyHolder {
  readonly #engine: Engine;
  readonly #context: Context;
  readonly #objects: ObjectContexts;

  constructor(environment: RankEnvironment, id: number, members: Membership) {
    super(environment, members);
    const { engine } = environment;
    this.#engine = engine;
    this.#context = engine.openContext(id + POINT_TO_POINT, members);
    this.#objects = { heads: this.#context, arrays: engine.openContext(id + OBJECT_ARRAYS, members) };
    dropUnwantedObjects(engine, this.#objects);
  }

  // ---- point to point ----------------------------------------------------------------------------

  send(data: SendData, dest: number, tag?: number | SendOptions, options?: Options): Request<void> {
    // The common case first: a typed array and a number or nothing for the tag.
    const code = elementCode(data);
    if (code > 0 && options === undefined && (tag === undefined || typeof tag === 'number')) {
      const array = data as TypedArray;
      return this.#post(array, code, array.length, dest, tag ?? 0, false, undefined);
    }
    return this.#send('send', data, dest, tag, options, false);
  }

  ssend(data: SendData, dest: number, tag?: number | SendOptions, options?: Options): Request<void> {
    return this.#send('ssend', data, dest, tag, options, true);
  }

  recv(into: Data, source?: number | RecvOptions, tag?: number | Options, options?: Options): Request<Status> {
    const code = elementCode(into);
    if (code > 0 && options === undefined && typeof source === 'number' && (tag === undefined || typeof tag === 'number')) {
      const array = into as TypedArray;
      return this.#receive(array, code, array.byteLength, source, tag ?? ANY_TAG, undefined);
    }
    const elements = bufferElements(into, 'recv');
    const envelope = this.#envelope('recv', source, tag, options);
    return this.#receiveElements(elements, envelope.source, envelope.tag, envelope.options);
  }

  sendrecv(data: SendData, dest: number, into: Data, source: number, options?: SendrecvOptions): Request<Status> {
    checkOptions(options, 'sendrecv', SENDRECV_OPTIONS);
    const out = sendElements(data, 'sendrecv');
    const inward = bufferElements(into, 'sendrecv');
    checkOverlap(out.array, inward.array, 'sendrecv');
    return this.#sendrecv(out, dest, inward, source, options);
  }

  sendrecvReplace(data: Data, dest: number, source: number, options?: SendrecvOptions): Request<Status> {
    checkOptions(options, 'sendrecvReplace', SENDRECV_OPTIONS);
    const elements = bufferElements(data, 'sendrecvReplace');
    const array = elements.layout?.toArray() ?? elements.array.slice();
    return this.#sendrecv({ ...elements, array, layout: undefined }, dest, elements, source, options);
  }

  probe(source?: number | RecvOptions, tag?: number | Options, options?: Options): Request<Status> {
    return this.#probe('probe', source, tag, options, (probe) => statusOf(probe.value));
  }

  tryProbe(source?: number, tag?: number): Status | undefined {
    const message = this.#look('tryProbe', source, tag, false);
    return message === undefined ? undefined : statusOf(message);
  }

  mprobe(source?: number | RecvOptions, tag?: number | Options, options?: Options): Request<Message> {
    return this.#probe('mprobe', source, tag, options, (probe) => this.#claim(probe.value));
  }

  tryMprobe(source?: number, tag?: number): Message | undefined {
    const message = this.#look('tryMprobe', source, tag, true);
    return message === undefined ? undefined : this.#claim(message);
  }

  sendInit(data: Data, dest: number, tag = 0): Persistent<void> {
    return this.#persistentSend('sendInit', data, dest, tag, false);
  }

  ssendInit(data: Data, dest: number, tag = 0): Persistent<void> {
    return this.#persistentSend('ssendInit', data, dest, tag, true);
  }

  recvInit(into: Data, source: number = ANY_SOURCE, tag: number = ANY_TAG): Persistent<Status> {
    const elements = bufferElements(into, 'recvInit');
    this.#checkEnvelope(source, tag);
    return new PersistentOperation(() => this.#receiveElements(elements, source, tag, undefined));
  }

  sendObject(value: unknown, dest: number, tag?: number | SendOptions, options?: Options): Request<void> {
    const given = typeof tag === 'object' && tag !== null ? tag : options;
    checkOptions(given, 'sendObject', SEND_OPTIONS);
    const number = this.#sendTag(tag, given);
    this.checkOpen();
    checkDest(dest, this.members);
    if (dest === PROC_NULL) return new DoneOperation<void>(undefined, 'sendObject to PROC_NULL');
    this.environment.note(SEND_OBJECT, dest, number);
    return this.#limit(new ObjectSend(this.#engine, this.#objects, value, dest, number), given);
  }

  recvObject<T = unknown>(source?: number | RecvOptions, tag?: number | Options, options?: Options): Request<T> {
    const envelope = this.#envelope('recvObject', source, tag, options);
    this.checkOpen();
    if (envelope.source === PROC_NULL) {
      return new DoneOperation(undefined as T, 'recvObject from PROC_NULL', nullStatus(PROC_NULL, ANY_TAG));
    }
    this.environment.note(RECV_OBJECT, envelope.source, envelope.tag);
    return this.#limit(new ObjectReceive<T>(this.#engine, this.#objects, envelope.source, envelope.tag), envelope.options);
  }

  messages<T = unknown>(
    source?: number | RecvOptions,
    tag?: number | Options,
    options?: Options,
  ): AsyncIterableIterator<{ value: T; status: Status }> {
    // Not in the generator, which begins at the first next(): wrong arguments throw at the call.
    const envelope = this.#envelope('messages', source, tag, options);
    return this.#receiveEach<T>(envelope.source, envelope.tag, envelope.options);
  }

  async *#receiveEach<T>(source: number, tag: number, options: RecvOptions | undefined) {
    for (;;) {
      const request = this.recvObject<T>(source, tag, options);
      const value = await request;
      yield { value, status: request.status };
    }
  }

  // ---- inside ------------------------------------------------------------------------------------------

  #send(
    call: string,
    data: SendData,
    dest: number,
    tag: number | SendOptions | undefined,
    options: Options | undefined,
    isSynchronous: boolean,
  ): Request<void> {
    const { array, code, count, layout } = sendElements(data, call);
    const given = typeof tag === 'object' && tag !== null ? tag : options;
    checkOptions(given, call, SEND_OPTIONS);
    return this.#post(array, code, count, dest, this.#sendTag(tag, given), isSynchronous, given, layout);
  }

  #post(
    array: TypedArray,
    code: number,
    count: number,
    dest: number,
    tag: number,
    isSynchronous: boolean,
    options: Options | undefined,
    layout?: ArrayLayout,
  ): Request<void> {
    checkDest(dest, this.members);
    checkSendTag(tag, this.members);
    this.checkOpen();
    if (dest === PROC_NULL) return new DoneOperation<void>(undefined, 'send to PROC_NULL', undefined, this.#engine.progress);
    this.environment.note(isSynchronous ? SSEND : SEND, dest, tag);
    const send =
      layout === undefined
        ? this.#engine.send(this.#context, array, code, count, dest, tag, isSynchronous)
        : this.#engine.sendLayout(this.#context, layout, dest, tag, isSynchronous);
    return options === undefined ? send : this.#limit(send, options);
  }

  #receive(
    array: TypedArray,
    code: number,
    byteLength: number,
    source: number,
    tag: number,
    options: Options | undefined,
    layout?: ArrayLayout,
  ): Request<Status> {
    this.#checkEnvelope(source, tag);
    this.checkOpen();
    if (source === PROC_NULL) {
      const status = nullStatus(PROC_NULL, ANY_TAG);
      return new DoneOperation(status, 'recv from PROC_NULL', status, this.#engine.progress);
    }
    this.environment.note(RECV, source, tag);
    const receive = this.#engine.receive(this.#context, array, code, byteLength, source, tag, layout);
    return options === undefined ? receive : this.#limit(receive, options);
  }

  #receiveElements(elements: Elements, source: number, tag: number, options: Options | undefined): Request<Status> {
    const { array, code, byteLength, layout } = elements;
    return this.#receive(array, code, byteLength, source, tag, options, layout);
  }

  #sendNow({ array, code, count, layout }: Elements, dest: number, tag: number): Operation<void> {
    if (layout !== undefined) return this.#engine.sendLayout(this.#context, layout, dest, tag, false);
    return this.#engine.send(this.#context, array, code, count, dest, tag, false);
  }

  #sendrecv(
    out: Elements,
    dest: number,
    inward: Elements,
    source: number,
    options: SendrecvOptions | undefined,
  ): Request<Status> {
    const { sendTag = 0, recvTag = ANY_TAG } = options ?? {};
    checkDest(dest, this.members);
    checkSendTag(sendTag, this.members);
    this.#checkEnvelope(source, recvTag);
    this.checkOpen();
    if (dest === PROC_NULL || source === PROC_NULL) {
      // One half is missing: the other one is all there is, and the send's result becomes the null status.
      if (dest === PROC_NULL) return this.#receiveElements(inward, source, recvTag, options);
      const send = this.#sendNow(out, dest, sendTag);
      const status = nullStatus(PROC_NULL, ANY_TAG);
      return this.#limit(new MappedOperation(send, () => status, status), options);
    }
    this.environment.note(SENDRECV, dest, sendTag);
    const { array, code, byteLength, layout } = inward;
    const receive = this.#engine.receive(this.#context, array, code, byteLength, source, recvTag, layout);
    const send = this.#sendNow(out, dest, sendTag);
    return this.#limit(new SendrecvOperation(this.#engine.progress, send, receive), options);
  }

  #probe<T>(
    call: string,
    source: number | RecvOptions | undefined,
    tag: number | Options | undefined,
    options: Options | undefined,
    map: (probe: Probe) => T,
  ): Request<T> {
    const envelope = this.#envelope(call, source, tag, options);
    this.checkOpen();
    this.environment.note(call === 'mprobe' ? MPROBE : PROBE, envelope.source, envelope.tag);
    const probe = this.#engine.probe(this.#context, envelope.source, envelope.tag, call === 'mprobe');
    return this.#limit(new MappedOperation(probe, () => map(probe)), envelope.options);
  }

  #look(call: string, source: number = ANY_SOURCE, tag: number = ANY_TAG, take: boolean) {
    this.#checkEnvelope(source, tag);
    this.checkOpen();
    void call;
    this.#engine.progress.test();
    return this.#engine.findMessage(this.#context, source, tag, take);
  }

  #persistentSend(call: string, data: Data, dest: number, tag: number, isSynchronous: boolean): Persistent<void> {
    const { array, code, count, layout } = bufferElements(data, call);
    checkDest(dest, this.members);
    checkSendTag(tag, this.members);
    return new PersistentOperation(() => this.#post(array, code, count, dest, tag, isSynchronous, undefined, layout));
  }

  /** Bring `(source?, tag?, options?)` into order; options may stand in the place of either. */
  #envelope(
    call: string,
    source: number | RecvOptions | undefined,
    tag: number | Options | undefined,
    options: Options | undefined,
  ): { source: number; tag: number; options: RecvOptions | undefined } {
    const given = (isOptions(source) ? source : isOptions(tag) ? tag : options) as RecvOptions | undefined;
    checkOptions(given, call, RECV_OPTIONS);
    checkPlace('source', source);
    checkPlace('tag', tag);
    const named: RecvOptions = given ?? {};
    const from = typeof source === 'number' ? source : (named.source ?? ANY_SOURCE);
    const label = typeof tag === 'number' ? tag : (named.tag ?? ANY_TAG);
    this.#checkEnvelope(from, label);
    return { source: from, tag: label, options: given };
  }

  #claim(message: UnexpectedMessage): Message {
    return this.watched(new ClaimedMessage(this.#engine, this.#objects, message));
  }

  #checkEnvelope(source: number, tag: number): void {
    checkSource(source, this.members);
    checkRecvTag(tag, this.members);
    this.checkPromises(source, tag);
  }

  #sendTag(tag: number | SendOptions | undefined, given: SendOptions | undefined): number {
    const number = typeof tag === 'object' || tag === undefined ? (given?.tag ?? 0) : tag;
    checkSendTag(number, this.members);
    return number;
  }

  #limit<T>(operation: Operation<T>, options: Options | undefined): Request<T> {
    if (options?.signal !== undefined || options?.timeoutMs !== undefined) this.#engine.progress.limit(operation, options);
    return operation;
  }

  /** Give up this rank's handle. */
  protected override close(): void {
    if (this.isClosed) return;
    super.close();
    for (const context of [this.#context, this.#objects.arrays]) this.#engine.closeContext(context);
  }
}

/** Refuse what is neither a number, nor options, nor left out. */
function checkPlace(what: string, value: unknown): void {
  if (value === undefined || typeof value === 'number' || isOptions(value)) return;
  throw new MpiError(what === 'tag' ? 'ERR_MPI_TAG' : 'ERR_MPI_RANK', `${what} is ${String(value)}: expected an integer`);
}

function isOptions(value: unknown): value is Options {
  return typeof value === 'object' && value !== null;
}
