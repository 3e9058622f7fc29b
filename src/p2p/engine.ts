/**
 * Engine: sends, receives and probes of one rank, over whatever transports reach its peers.
 *
 * The idea: frames are active messages; the kind selects what happens here. A send tries to hand its frame to the route
 * of its destination; a frame refused as busy waits on that destination's pending queue, in order, and so do all later
 * ones. A receive takes a message that has arrived, or waits in its context's queue.
 *
 *     send, at most 32 bytes                  SHORT                       done when taken
 *     send, at most the route's eagerBytes    EAGER                       done when taken
 *     longer, ssend, or no credit left        ANNOUNCE(number) ->
 *         receiver can read the memory           fetch, <- FINISH(number)                 done
 *         else                                   <- CLEAR(number, own)    PIECE(own) ...  done when all are taken
 *
 * Invariants: handling a frame never waits; all frames of a pair that open messages go one route, in order; a message
 * that fails its receive (type, truncation) is consumed and its sender completes.
 */

import { nowMs } from '../base/clock.ts';
import { COPY_OUT } from '../datatype/copy-kernels.ts';
import type { ArrayLayout } from '../datatype/derived/array-layout.ts';
import { bytesOf, ELEMENT_BYTES, ELEMENT_SHIFT, isCompatible, OBJECT, type TypedArray } from '../datatype/element-type.ts';
import type { ElementViews } from '../datatype/element-views.ts';
import { ANNOUNCE, CLEAR, EAGER, FINISH, SHORT } from '../transport/frame.ts';
import { type FrameHandler, NO_CREDIT, type SendAnswer, TAKEN, type Transport } from '../transport/transport.ts';
import type { Membership } from './context.ts';
import { CopyChoices } from './copy-choice.ts';
import { DoneOperation } from './done-operation.ts';
import { NumberTable } from './number-table.ts';
import { PendingQueue } from './pending-queue.ts';
import { type Context, createContext, type OnPart, Probe, Receive, Send } from './point-to-point.ts';
import type { Profile } from './profile.ts';
import type { Progress } from './progress.ts';
import { mismatchError, receiveError } from './receive-errors.ts';
import { copyToSelf, detachedError, Fetch, Stream, TransferQueue } from './rendezvous.ts';
import type { Operation } from './request.ts';
import { PayloadPool, UnexpectedMessage } from './unexpected.ts';

/** In the place of an array, where a layout says where the elements lie. */
const NOTHING = new Uint8Array(0);

/** Arrays that lie inside V8's heap move, and have no address to announce: those of up to 64 bytes, with a margin. */
const MOVING_BYTES = 4096;

export class Engine implements FrameHandler {
  readonly progress: Progress;
  readonly worldRank: number;
  /** Whom it tells of sends, once the rank is profiled. */
  profile: Profile | undefined = undefined;
  /** Transport of each world rank. */
  #routes: readonly Transport[] = [];
  readonly #contexts = new Map<number, Context>();
  #lastContext: Context | undefined = undefined;
  /** Messages for contexts that this rank has not opened yet, in order of arrival. */
  readonly #early = new Map<number, UnexpectedMessage[]>();
  readonly #numbers = new NumberTable();
  readonly #pool = new PayloadPool();
  readonly #choices = new CopyChoices();
  readonly #fetches: TransferQueue;
  readonly #streams: TransferQueue;
  readonly #pending: PendingQueue;
  /** Any send that was taken at once. */
  readonly #sent: Operation<void>;

  constructor(progress: Progress, worldRank: number) {
    this.#sent = new DoneOperation<void>(undefined, 'send', undefined, progress);
    this.progress = progress;
    this.worldRank = worldRank;
    this.#pending = new PendingQueue(progress, (peer) => this.#routes[peer]!);
    this.#fetches = new TransferQueue((active) => progress.activate(active));
    this.#streams = new TransferQueue((active) => progress.activate(active));
  }

  /** Begin to send: `routes` holds the transport of each world rank; one may change while it has taken no frame for that rank. */
  start(routes: readonly Transport[]): void {
    this.#routes = routes;
  }

  /** Open one message space; messages that came before it was known are delivered. */
  openContext(id: number, members: Membership): Context {
    const context = createContext(id, members);
    this.#contexts.set(id, context);
    const early = this.#early.get(id);
    if (early !== undefined) {
      this.#early.delete(id);
      for (const message of early) context.queue.keep(message);
    }
    return context;
  }

  closeContext(context: Context): void {
    this.#contexts.delete(context.id);
    if (this.#lastContext === context) this.#lastContext = undefined;
  }

  /** Sends whose frames or payload have not left yet: a rank's end waits for them. */
  openSends(): Send[] {
    const announced = this.#numbers.open.filter((operation) => operation instanceof Send);
    return [...new Set([...announced, ...this.#pending.sends()])];
  }

  // ---- posting -------------------------------------------------------------------------------
  /** Post a send. `data` holds `count` elements of type `code` (Uint8Array for bytes and objects). `check`: a collective's, or 0. */
  send(
    context: Context,
    data: TypedArray,
    code: number,
    count: number,
    dest: number,
    tag: number,
    isSynchronous: boolean,
    check = 0,
  ): Operation<void> {
    const byteLength = count * ELEMENT_BYTES[code]!;
    if (this.profile?.isTimedSend(byteLength)) {
      return this.profile.timeSend(() => this.send(context, data, code, count, dest, tag, isSynchronous, check));
    }
    const peer = context.members.worldOf[dest]!;
    const isFree = this.#pending.isEmpty(peer);
    // Most sends are taken at once: nothing of them need be kept, and one request stands for all.
    const type = code | (check << 8);
    if (isFree && !isSynchronous && this.#sendAtOnce(context, data, type, count, byteLength, peer, tag) === TAKEN) {
      return this.#sent;
    }
    const send = new Send(this.progress, context, data, code, count, byteLength, dest, tag, isSynchronous, undefined, check);
    this.#begin(send, peer);
    return send;
  }

  /** Post a send of what a layout describes. */
  sendLayout(
    context: Context,
    layout: ArrayLayout,
    dest: number,
    tag: number,
    isSynchronous: boolean,
    check = 0,
  ): Operation<void> {
    const { code, count, byteLength } = layout;
    const peer = context.members.worldOf[dest]!;
    // What fits into the transport's buffers is copied once more here; what does not is packed piece by piece.
    const isSmall = byteLength <= this.#routes[peer]!.capabilities.eagerBytes;
    const array = layout.contiguous ?? (isSmall ? layout.toArray() : undefined);
    if (array !== undefined) return this.send(context, array, code, array.length, dest, tag, isSynchronous, check);
    const send = new Send(this.progress, context, NOTHING, code, count, byteLength, dest, tag, isSynchronous, layout, check);
    if (this.profile?.isTimedSend(byteLength)) this.profile.timeSend(() => this.#begin(send, peer));
    else this.#begin(send, peer);
    return send;
  }

  /** Hand a send over, or keep it for later, behind those that wait. */
  #begin(send: Send, peer: number): void {
    if (this.#pending.isEmpty(peer) && this.#handOver(send, peer) === TAKEN) return;
    send.isPending = true;
    this.#pending.add(peer, send, () => {
      if (send.done) {
        if (send.number >= 0) this.#numbers.release(send); // withdrawn
        return TAKEN;
      }
      const answer = this.#handOver(send, peer);
      if (answer === TAKEN) send.isPending = false;
      return answer;
    });
  }

  /** Post a receive of up to `capacity` bytes; code OBJECT: of an object's head, into an array made at the match. */
  receive(
    context: Context,
    into: TypedArray | undefined,
    code: number,
    capacity: number,
    source: number,
    tag: number,
    layout?: ArrayLayout,
    onPart?: OnPart,
    check = 0,
  ): Receive {
    const receive = new Receive(this.progress, context, into, code, capacity, source, tag, layout, check);
    receive.onPart = onPart;
    const message = context.queue.unexpectedCount === 0 ? null : context.queue.findMessage(source, tag, true);
    if (message === null) context.queue.post(receive);
    else this.#acceptKept(receive, message);
    return receive;
  }

  /** Receive a message that a matched probe claimed. */
  receiveClaimed(
    context: Context,
    message: UnexpectedMessage,
    into: TypedArray | undefined,
    code: number,
    capacity: number,
    layout?: ArrayLayout,
  ): Receive {
    const receive = new Receive(this.progress, context, into, code, capacity, message.source, message.tag, layout);
    this.#acceptKept(receive, message);
    return receive;
  }

  /** Post a probe; it is done at once when a message is there. */
  probe(context: Context, source: number, tag: number, isClaiming: boolean): Probe {
    const probe = new Probe(this.progress, context, source, tag, isClaiming);
    const message = this.findMessage(context, source, tag, isClaiming);
    if (message === undefined) context.probes.push(probe);
    else {
      probe.message = message;
      probe.complete();
    }
    return probe;
  }

  findMessage(context: Context, source: number, tag: number, take: boolean): UnexpectedMessage | undefined {
    return context.queue.findMessage(source, tag, take) ?? undefined;
  }

  // ---- frames that arrive ------------------------------------------------------------------------

  onEnvelope(
    transport: Transport,
    kind: number,
    type: number,
    source: number,
    tag: number,
    id: number,
    byteLength: number,
    aux: number,
    views: ElementViews,
    payloadOffset: number,
  ): void {
    let context = this.#lastContext;
    if (context === undefined || context.id !== id) {
      context = this.#contexts.get(id);
      if (context === undefined) {
        const message = this.#keep(transport, kind, type, source, tag, byteLength, aux, views, payloadOffset);
        const early = this.#early.get(id);
        if (early === undefined) this.#early.set(id, [message]);
        else early.push(message);
        return;
      }
      this.#lastContext = context;
    }
    const receive = context.queue.takeReceive(source, tag);
    if (receive !== null) {
      this.#accept(receive, transport, kind, type, source, tag, byteLength, aux, views, payloadOffset);
      return;
    }
    context.queue.keep(this.#keep(transport, kind, type, source, tag, byteLength, aux, views, payloadOffset));
    if (context.probes.length !== 0) this.#answerProbes(context);
    if (context.guard !== undefined) context.guard.onUnexpected(source, tag, type >>> 8);
  }

  onClear(number: number, peerNumber: number): void {
    const send = this.#numbers.at(number) as Send;
    const peer = send.context.members.worldOf[send.dest]!;
    const end = (): void => {
      this.#numbers.release(send);
      send.complete();
    };
    this.#streams.add(peer, new Stream(this.#routes[peer]!, peer, peerNumber, send, end));
  }

  pieceInto(number: number): Uint8Array | undefined {
    const { pieces, taken } = this.#numbers.at(number) as Receive;
    // What a fetch that failed half-way has brought stays as it is.
    return taken === 0 ? pieces!.bytes : undefined;
  }

  onPiece(
    transport: Transport,
    number: number,
    offset: number,
    byteLength: number,
    aux: number,
    views: ElementViews,
    payloadOffset: number,
  ): void {
    const receive = this.#numbers.at(number) as Receive;
    const peer = receive.context.members.worldOf[receive.from]!;
    const pieces = receive.pieces!;
    // A fetch that failed half-way has brought the first part already.
    const skipped = Math.max(0, receive.taken - offset);
    if (byteLength > skipped) {
      if (pieces.bytes === undefined) receive.layout!.unpack(offset, byteLength, views, payloadOffset);
      else if (payloadOffset >= 0)
        transport.copyPayload(payloadOffset + skipped, pieces.bytes, offset + skipped, byteLength - skipped);
      if (receive.onPart !== undefined) receive.notePart(offset + skipped, byteLength - skipped);
    }
    transport.release(peer, aux);
    pieces.received += byteLength;
    if (byteLength >= 0 && pieces.received < receive.byteLength) return;
    this.#numbers.release(receive);
    receive.pieces = undefined;
    if (byteLength >= 0) {
      this.#choices.record(transport, false, receive, pieces.since, nowMs());
      receive.complete();
    } else
      receive.fail(
        receiveError('ERR_MPI_BUFFER', receive, `the sender's buffer was detached while ${receive.describe()} was under way`),
      );
  }

  onFinish(number: number): void {
    const send = this.#numbers.at(number) as Send;
    this.#numbers.release(send);
    if (send.isDetached) send.fail(detachedError(send));
    else send.complete();
  }

  // ---- inside ------------------------------------------------------------------------------------

  /** Send a message as SHORT or EAGER if it is one; NO_CREDIT: it must be announced. */
  #sendAtOnce(
    { id, members }: Context,
    data: TypedArray,
    type: number,
    count: number,
    byteLength: number,
    peer: number,
    tag: number,
  ): SendAnswer {
    const route = this.#routes[peer]!;
    const { shortBytes, eagerBytes } = route.capabilities;
    if (byteLength <= shortBytes) return route.sendShort(peer, type, members.rank, tag, id, data, count, byteLength);
    if (byteLength <= eagerBytes) return route.sendEager(peer, type, members.rank, tag, id, data, count, byteLength);
    return NO_CREDIT;
  }

  #handOver(send: Send, peer: number): SendAnswer {
    const { context, count, byteLength, tag, data } = send;
    const type = send.code | (send.check << 8);
    // Once a number stands, an announcement was refused as busy: it must be that one which goes out.
    if (send.number < 0 && !send.isSynchronous) {
      const answer = this.#sendAtOnce(context, data, type, count, byteLength, peer, tag);
      if (answer === TAKEN) send.complete();
      if (answer !== NO_CREDIT) return answer;
    }
    const route = this.#routes[peer]!;
    const number = send.number < 0 ? this.#numbers.acquire(send) : send.number;
    const fetched =
      byteLength > Math.min(route.capabilities.eagerBytes, MOVING_BYTES) && send.layout === undefined ? data : undefined;
    return route.sendAnnounce(peer, type, context.members.rank, tag, context.id, byteLength, number, fetched);
  }

  /** Send CLEAR or FINISH, after whatever waits for that peer. */
  #control(peer: number, kind: number, number: number, peerNumber: number): void {
    if (this.#pending.isEmpty(peer) && this.#routes[peer]!.sendControl(peer, kind, number, peerNumber) === TAKEN) return;
    this.#pending.add(peer, undefined, () => this.#routes[peer]!.sendControl(peer, kind, number, peerNumber));
  }

  #keep(
    transport: Transport,
    kind: number,
    type: number,
    source: number,
    tag: number,
    byteLength: number,
    aux: number,
    views: ElementViews,
    payloadOffset: number,
  ): UnexpectedMessage {
    if (kind === EAGER) return new UnexpectedMessage(transport, kind, type, source, tag, byteLength, aux, views, payloadOffset);
    const slot = this.#pool.keep(views, payloadOffset);
    const kept = this.#pool.viewsOf(slot);
    return new UnexpectedMessage(transport, kind, type, source, tag, byteLength, aux, kept, this.#pool.offsetOf(slot));
  }

  #acceptKept(receive: Receive, message: UnexpectedMessage): void {
    const { transport, kind, type, source, tag, byteLength, aux, views, payloadOffset } = message;
    this.#accept(receive, transport, kind, type, source, tag, byteLength, aux, views, payloadOffset);
    if (kind !== EAGER) this.#pool.release(views, payloadOffset);
  }

  /** Pair a receive with a message whose frame lies at that place. */
  #accept(
    receive: Receive,
    transport: Transport,
    kind: number,
    typeAndCheck: number,
    source: number,
    tag: number,
    byteLength: number,
    aux: number,
    views: ElementViews,
    payloadOffset: number,
  ): void {
    receive.isMatched = true;
    receive.from = source;
    receive.fromTag = tag;
    receive.byteLength = byteLength;
    const type = typeAndCheck & 0xff;
    receive.type = type;
    const { code } = receive;
    const shift = ELEMENT_SHIFT[code]!;
    const peer = receive.context.members.worldOf[source]!;
    let isWanted =
      type === code || isCompatible(type, code)
        ? byteLength <= receive.capacity && (byteLength & ((1 << shift) - 1)) === 0
        : false;
    receive.sentCheck = typeAndCheck >>> 8;
    if (receive.sentCheck !== receive.check) isWanted = false;
    if (type === OBJECT) {
      if (code !== OBJECT) {
        this.#acceptUnwanted(receive, transport, kind, source, tag, byteLength, aux, views, payloadOffset);
        return;
      }
      receive.into = new Uint8Array(byteLength);
    }
    if (kind === ANNOUNCE) {
      this.#acceptAnnounced(receive, transport, peer, aux, isWanted, views.f64[payloadOffset >> 3]!);
      return;
    }
    if (isWanted && byteLength !== 0) {
      if (receive.layout !== undefined) receive.layout.unpack(0, byteLength, views, payloadOffset);
      else COPY_OUT[code]!(views, payloadOffset, receive.into!, 0, byteLength >> shift);
      if (receive.onPart !== undefined) receive.notePart(0, byteLength);
    }
    if (kind === SHORT) transport.returnCredit(peer);
    else transport.release(peer, aux);
    if (isWanted) receive.complete();
    else receive.fail(mismatchError(receive));
  }

  /** An object came where an array was expected: take its head all the same, so that its arrays can be consumed. */
  #acceptUnwanted(
    receive: Receive,
    transport: Transport,
    kind: number,
    source: number,
    tag: number,
    byteLength: number,
    aux: number,
    views: ElementViews,
    payloadOffset: number,
  ): void {
    const { context } = receive;
    const head = new Receive(this.progress, context, undefined, OBJECT, byteLength, source, tag);
    head.owner = context.unwantedObjects;
    this.#accept(head, transport, kind, OBJECT, source, tag, byteLength, aux, views, payloadOffset);
    receive.fail(mismatchError(receive));
  }

  #acceptAnnounced(
    receive: Receive,
    transport: Transport,
    peer: number,
    number: number,
    isWanted: boolean,
    address: number,
  ): void {
    if (!isWanted || receive.byteLength === 0) {
      this.#control(peer, FINISH, number, 0);
      if (isWanted) receive.complete();
      else receive.fail(mismatchError(receive));
      return;
    }
    if (peer === this.worldRank) {
      copyToSelf(this.#numbers.at(number) as Send, receive);
      if (receive.onPart !== undefined) receive.notePart(0, receive.byteLength);
      this.onFinish(number);
      receive.complete();
      return;
    }
    if (
      address === 0 ||
      receive.layout !== undefined ||
      transport.canFetch(peer) !== undefined ||
      !this.#choices.prefersFetch(transport, receive)
    ) {
      this.#clear(receive, peer, number);
      return;
    }
    const start = nowMs();
    const end = (errno: number): void => {
      if (errno !== 0) {
        this.#clear(receive, peer, number);
        return;
      }
      this.#choices.record(transport, true, receive, start, nowMs());
      this.#control(peer, FINISH, number, 0);
      receive.complete();
    };
    this.#fetches.add(peer, new Fetch(transport, peer, address, receive, end));
  }

  /** Ask the sender for the payload in pieces. */
  #clear(receive: Receive, peer: number, number: number): void {
    const bytes = receive.layout === undefined ? bytesOf(receive.into!) : undefined;
    receive.pieces = { bytes, since: nowMs(), received: 0 };
    this.#control(peer, CLEAR, number, this.#numbers.acquire(receive));
  }

  #answerProbes(context: Context): void {
    for (const probe of [...context.probes]) {
      const message = this.findMessage(context, probe.source, probe.tag, probe.isClaiming);
      if (message === undefined) continue;
      probe.message = message;
      probe.withdraw();
      probe.complete();
    }
  }
}
