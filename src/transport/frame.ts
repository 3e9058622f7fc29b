/**
 * Frame: the fixed fields that every transport carries, and what the kinds mean.
 *
 * Three kinds open a message and are matched by (context, source, tag): SHORT and EAGER bring their payload, ANNOUNCE
 * only says that there is one. The others belong to a message already matched and find their request by a number.
 * Over shared memory a frame is one inbox cell; the words are the same everywhere:
 *
 *     word  0     1                          2        3     4         5 .. 6         7     8 .. 15
 *           mark  kind | type << 8 | check   source   tag   context   byteLength     aux   payload
 *
 *     SHORT     payload: the message (at most 32 bytes)
 *     EAGER     aux: where the transport keeps the payload until release()
 *     ANNOUNCE  aux: the sender's request number · payload: Float64 address, or 0 when it cannot be read from afar
 *     CLEAR     source: the sender's number · tag: the receiver's number: send the payload in pieces
 *     PIECE     source: the receiver's number · tag: bytes in this piece · byteLength: its offset · aux: as EAGER
 *     FINISH    source: the sender's number: the payload was read, or is not wanted
 *     CREDIT    what a transport tells its other end for itself: payload was matched (credit.ts)
 *     CALL      by the relay: that rank cannot be connected to; it may try from its side
 *     SIGNAL    before an RDMA connection (rdma/signals.ts): source: what | port << 8 · tag: IPv4 address · context: from which world rank
 *     PULL      to a rank's relay: source: number of the pull · byteLength · payload: Float64 address there, and here
 *     PULL_DATA from it: payload for that address here; PULLED: source: the number, tag: 0 when all is there, else an errno
 *
 * In cells of the relay the last two words say to and from which world rank, which leaves 24 bytes of payload; those that it
 * puts into a rank's inbox have the bit RELAYED in their kind.
 *
 * `check`, in the 16 high bits, is 0 but in messages of collectives: they carry what was called (base/collective-call.ts).
 * `source` is the sender's rank in the communicator; byte lengths have 53 bits: low word unsigned, high word signed.
 */

export const SHORT = 1;
export const EAGER = 2;
export const ANNOUNCE = 3;
export const CLEAR = 4;
export const PIECE = 5;
export const FINISH = 6;
export const CREDIT = 16;
export const CALL = 17;
export const PULL = 18;
export const PULL_DATA = 19;
export const PULLED = 20;
export const SIGNAL = 21;
/** Set in the kind of a cell that came by the relay. */
export const RELAYED = 64;

/** Int32 word offsets in a frame. */
export const FRAME = {
  mark: 0,
  kindType: 1,
  source: 2,
  tag: 3,
  context: 4,
  lengthLow: 5,
  lengthHigh: 6,
  aux: 7,
  payload: 8,
  to: 14,
  from: 15,
} as const;

const TWO_32 = 4294967296;

/** Return the high word of a byte length; the low one is `length | 0`. */
export function highWord(byteLength: number): number {
  return byteLength < TWO_32 ? 0 : Math.floor(byteLength / TWO_32);
}

/** Return a byte length from its words. */
export function joinLength(low: number, high: number): number {
  return high * TWO_32 + (low >>> 0);
}
