/**
 * The transport contract: a way to move frames between this rank and its peers, as the engine uses it.
 *
 * A send is taken at once or refused: BUSY (no room now; the engine keeps the frame on its pending queue and tries again
 * in order) or NO_CREDIT (no place for the payload; the engine announces the message instead). Nothing here ever waits.
 * `type` is an element code, with 16 bits above it that are the engine's own and arrive as they are (frame.ts: check).
 * Peers are world ranks. Frames of one pair arrive in the order in which they were taken; non-overtaking rests on it.
 */

import type { TypedArray } from '../datatype/element-type.ts';
import type { ElementViews } from '../datatype/element-views.ts';

/** Answers of the send functions. */
export const TAKEN = 0;
export const BUSY = 1;
export const NO_CREDIT = 2;
/** Answer of fetch(): it is under way, ask again with the same arguments. */
export const UNDER_WAY = -115;
export type SendAnswer = typeof TAKEN | typeof BUSY | typeof NO_CREDIT;

/** What a transport can do, as data. */
export interface Capabilities {
  /** Largest message inside a frame. */
  readonly shortBytes: number;
  /** Largest message that is sent at once. */
  readonly eagerBytes: number;
  /** Largest piece of a longer message, a multiple of 16: all pieces but the last are so long. */
  readonly pieceBytes: number;
  /** The receiver can read the sender's memory. */
  readonly canFetch: boolean;
  /** A fetch goes on by itself while both ranks compute: it is given all bytes at once, and preferred. */
  readonly fetchesAlone: boolean;
  /** Time of a poll that finds nothing, in such polls of an inbox: who spins takes so many fewer. */
  readonly pollCost: number;
}

/** What the engine does with frames that arrive. Payload is valid during the call, that of EAGER until release(). */
export interface FrameHandler {
  /** SHORT, EAGER or ANNOUNCE: a message opens. */
  onEnvelope(
    transport: Transport,
    kind: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    byteLength: number,
    aux: number,
    views: ElementViews,
    payloadOffset: number,
  ): void;
  /** CLEAR: send the message `number` in pieces to the peer's request `peerNumber`. */
  onClear(number: number, peerNumber: number): void;
  /**
   * Pieces of the receive `number` come. Return the bytes of its array, for the transport to read them straight to where they
   * belong; undefined: they must be copied there.
   */
  pieceInto(number: number): Uint8Array | undefined;
  /** PIECE of the receive `number`. payloadOffset -1: its bytes lie in what pieceInto() returned. */
  onPiece(
    transport: Transport,
    number: number,
    offset: number,
    byteLength: number,
    aux: number,
    views: ElementViews,
    payloadOffset: number,
  ): void;
  /** FINISH: the message `number` was fetched or dropped. */
  onFinish(number: number): void;
}

export interface Transport {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Return undefined if frames can be sent to that world rank, else the reason why not. */
  canReach(peer: number): string | undefined;

  /** Send `count` elements of data (at most shortBytes) inside a frame. */
  sendShort(
    peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer;
  /** Send `count` elements (at most eagerBytes) through the transport's buffers; the data may change once it is taken. */
  sendEager(
    peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer;
  /** Announce message `number`. `data` is where the peer may fetch it from; undefined: it can only be sent in pieces. */
  sendAnnounce(
    peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    byteLength: number,
    number: number,
    data: TypedArray | undefined,
  ): SendAnswer;
  /** CLEAR or FINISH. */
  sendControl(peer: number, kind: number, number: number, peerNumber: number): SendAnswer;
  /**
   * Send bytes from .. from + byteLength of data as the piece of a message that begins at its byte `offset`, for the peer's
   * request; byteLength -1: there will be no more. A piece that is BUSY may have begun to move: until it is taken, no other
   * piece but the end goes to that peer, and the same bytes are given again, wherever they lie by then.
   */
  sendPiece(peer: number, peerNumber: number, data: Uint8Array, from: number, offset: number, byteLength: number): SendAnswer;

  /**
   * Frames for that peer come one after the other from now on, until `isGathering` is false: small ones may leave together
   * then. The engine does so with what was BUSY; a transport to which it is worth nothing leaves it out.
   */
  gather?(peer: number, isGathering: boolean): void;

  /** Return how a message in that peer's memory may be fetched: undefined = it may, else why not. */
  canFetch(peer: number): string | undefined;
  /** Read from a peer's memory into `into` at `offset`, one read of each peer at a time. Return the bytes read, UNDER_WAY, or -errno. */
  fetch(peer: number, address: number, into: Uint8Array, offset: number, byteLength: number): number;

  /** A SHORT message of that peer was matched: it counts no longer against the peer's credit. */
  returnCredit(peer: number): void;
  /** Copy payload of a frame (at a byte offset of the views it came with) into `into` at `at`. */
  copyPayload(payloadOffset: number, into: Uint8Array, at: number, byteLength: number): void;
  /** The payload of an EAGER or PIECE frame is not needed any more. */
  release(peer: number, aux: number): void;

  /** Handle frames that arrived, a bounded number. Return whether there were any. */
  poll(handler: FrameHandler): boolean;
  /**
   * The rank is about to sleep with work refused as BUSY: make sure that it is rung when there is room. Return whether that
   * was not made sure of before: then it looks once more.
   */
  prepareSleep(): boolean;
  /**
   * The event loop gets control, without the last look that goes before a sleep: a transport that can be woken for only what it
   * has asked about does so here, and looks. Return whether anything moved.
   */
  enterLoop?(handler: FrameHandler): boolean;
  /** Whether nothing that was taken would be lost if this process ended now. */
  isFlushed(): boolean;
}
