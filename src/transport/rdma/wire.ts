/**
 * A frame (../frame.ts) as one SEND, and the frames that the two ends of a connection exchange for themselves.
 *
 *     byte  0         4       8             12       16    20        24 .. 31     32    36      40        44       48 ..
 *           credits   units   kind | type   source   tag   context   byteLength   aux   flags   CRC-32C   number   payload
 *
 * `credits`: receives that the sender of this frame may use again (credit-window.ts); `units`: unexpected payload likewise
 * (../credit.ts). `number` counts the frames of a connection. The checksum, where flags say that there is one, is that of the
 * whole frame with zeros in its place.
 *
 *     HELLO     payload: the proof that the connector has seen the listener's nonce; its first frame
 *     GRANT     source: the sender's number of an announced message · payload: a grant
 *     EXPOSE    source: that number · payload: Float64 offset from which on the receiver wants a grant
 *     NOTIFY    source: what a rank tells another behind its WRITEs
 *     GOODBYE   tag 0: I leave, and send nothing more; 1: I have heard it
 *
 * A grant: Float64 offset in the message, bytes (0: they cannot be registered), address, key, then Int32 checksum of those
 * bytes, Int32 1 where there is one. An ANNOUNCE is followed by the first.
 */

export const HEAD_BYTES = 48;
/** Int32 words of a head. */
export const HEAD = {
  credits: 0,
  units: 1,
  kindType: 2,
  source: 3,
  tag: 4,
  context: 5,
  lengthLow: 6,
  lengthHigh: 7,
  aux: 8,
  flags: 9,
  crc: 10,
  number: 11,
} as const;
/** The frame has a checksum. */
export const CHECKED = 1;

export const HELLO = 32;
export const GRANT = 33;
export const EXPOSE = 34;
export const NOTIFY = 35;
export const GOODBYE = 36;

/** Largest message inside a frame: what the engine keeps of one that is not expected. */
export const SHORT_BYTES = 32;
export const GRANT_BYTES = 40;
/** An announcement's payload: its address, then a grant. */
export const ANNOUNCE_BYTES: number = 8 + GRANT_BYTES;
export const PROOF_BYTES = 16;
/** Messages of a connection that are checked whether or not that was asked for. */
export const CHECKED_MESSAGES = 1000;
