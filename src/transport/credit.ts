/**
 * Credit: how much payload of messages that nobody has asked for one rank may have at another, and what it counts in.
 *
 * The idea: a sender has WINDOW units of 1 KiB of the receiver's memory; what it has not got back it cannot use: then its
 * messages are announced. The receiver keeps eager payload in buffers of four sizes (eager-pool.ts) and gives units back as
 * messages are matched. Shared memory has credits of its own, since its buffers are the sender's.
 */

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
