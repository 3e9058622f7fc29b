/**
 * A frame (../frame.ts) as bytes of a connection, and what payload costs of the receiver's credit.
 *
 *     byte  0         4             8        12    16        20 .. 27     28    32 ..
 *           credits   kind | type   source   tag   context   byteLength   aux   payload: SHORT, EAGER: byteLength bytes; PIECE: tag bytes
 *
 * Words are little-endian, as elements are on every platform that there is. Each binary message holds whole frames, one in
 * what this package sends. `credits` gives back what the other side may send again of unexpected payload (../credit.ts);
 * CREDIT is a frame that has nothing else to say. The fields of ANNOUNCE hold no address: memory is not read from afar here.
 */

export const HEAD_BYTES = 32;
/** Byte offsets in a frame's head. */
export const HEAD = { credits: 0, kindType: 4, source: 8, tag: 12, context: 16, lengthLow: 20, lengthHigh: 24, aux: 28 } as const;

/** Largest message inside a frame: what the engine keeps of one that is not expected. */
export const SHORT_BYTES = 32;
/** Largest message sent at once: one more half round trip costs more than a copy up to here (tsmpi bench latency). */
export const EAGER_BYTES = 65536;
/** Largest piece: more gain nothing (tsmpi bench bw). */
export const PIECE_BYTES: number = 256 << 10;
