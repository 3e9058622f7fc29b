/**
 * A frame (../frame.ts) as bytes of a connection, and what payload costs of the receiver's credit.
 *
 *     byte  0         4             8        12    16        20 .. 27     28    32 ..
 *           credits   kind | type   source   tag   context   byteLength   aux   payload: SHORT, EAGER: byteLength bytes; PIECE: tag bytes
 *
 * Words are little-endian, as elements are on every platform that there is. Each binary message holds whole frames, one in
 * what this package sends. `credits` gives back what the other side may send again of unexpected payload; CREDIT is a frame
 * that has nothing else to say. The fields of ANNOUNCE hold no address: memory is not read from afar here.
 *
 * Credit is counted in units of 1 KiB of the receiver's memory. A sender has WINDOW of them; what it has not got back it
 * cannot use: then its messages are announced.
 */

/** A frame that only gives credits back. */
export const CREDIT = 16;

export const HEAD_BYTES = 32;
/** Byte offsets in a frame's head. */
export const HEAD = { credits: 0, kindType: 4, source: 8, tag: 12, context: 16, lengthLow: 20, lengthHigh: 24, aux: 28 } as const;

/** Largest message inside a frame: what the engine keeps of one that is not expected. */
export const SHORT_BYTES = 32;
/** Largest message sent at once: one more half round trip costs more than a copy up to here (bench/osu/latency). */
export const EAGER_BYTES = 65536;
/** Largest piece: more gain nothing (bench/osu/bw). */
export const PIECE_BYTES: number = 256 << 10;

/** Units that a sender may have in use at one receiver. */
export const WINDOW = 512;
/** A receiver that has nothing else to send gives units back when it owes so many. */
export const RETURN_AT = 128;
const UNIT_SHIFT = 10;

/** Sizes of the buffers in which eager payload waits: 1, 4, 16 and 64 KiB. */
export const BUFFER_CLASSES = 4;

/** Return the class of the smallest buffer for so many bytes. */
export function bufferClass(byteLength: number): number {
  return byteLength <= 1024 ? 0 : byteLength <= 4096 ? 1 : byteLength <= 16384 ? 2 : 3;
}

/** Return the size of a buffer of that class in bytes. */
export function bufferBytes(index: number): number {
  return 1 << (UNIT_SHIFT + 2 * index);
}

/** Units that a buffer of that class costs; a SHORT costs one. */
export function unitsOf(index: number): number {
  return 1 << (2 * index);
}
