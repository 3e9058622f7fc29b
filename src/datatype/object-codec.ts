/**
 * ObjectCodec: any value as an object message: a head, and the large arrays of the value beside it.
 *
 * The idea: msgpackr writes the list of nodes that stands for the value (object-node.ts); arrays of BESIDE_BYTES and more
 * never pass through it. In front stands what the receiver must know before the arrays can come: their lengths.
 *
 *     0        uint32   how many arrays travel beside the head
 *     4        uint32   zero
 *     8 + 8i   float64  byte length of array i
 *     then     msgpack
 *
 * Little-endian. Limits: a head is at most 4 GiB; arrays have no limit but memory.
 * msgpackr is loaded with the first object, not with the program: evaluating it takes 1.6 ms of every start, in the bundle
 * or not, and 5 ms at its first use from its own file. Its build without `eval` also looks for no native part.
 */

import { createRequire } from 'node:module';
import type { Packr } from 'msgpackr';
import { MpiError } from '../base/errors.ts';
import { ObjectDecoder } from './object-decoder.ts';
import { ObjectEncoder } from './object-encoder.ts';

/** An encoded value. */
export interface EncodedObject {
  /** Memory of its own, over an ArrayBuffer that holds nothing else but `prefixBytes` in front. */
  readonly head: Uint8Array<ArrayBuffer>;
  /** Views of the user's memory, each exactly an array's bytes: lent until they have been sent. */
  readonly arrays: readonly Uint8Array[];
}

const COUNT_BYTES = 8;
const LENGTH_BYTES = 8;
/** msgpackr's option to write over its buffer the next time; we copy what it returns at once. */
const RESET_BUFFER_MODE = 1024;
/** Above this a buffer that msgpackr has grown is given up after use. */
const KEEP_BUFFER_BYTES = 1 << 20;
const FIRST_BUFFER_BYTES = 8192;

let packr: Packr | undefined;

function loadPackr(): Packr {
  const { Packr } = createRequire(import.meta.url)('msgpackr/index-no-eval') as typeof import('msgpackr');
  // Arrays, primitives and bytes only: nothing of msgpackr's own extensions is wanted, in either direction.
  packr = new Packr({ useRecords: false, mapsAsObjects: false, structuredClone: false, moreTypes: false });
  return packr;
}

/**
 * Encode a value that structuredClone would take, leaving `prefixBytes` zero bytes in front of the head for the caller.
 *
 * @throws MpiError ERR_MPI_TYPE that names the place of a function, symbol or other thing that cannot be sent.
 */
export function encodeObject(value: unknown, prefixBytes = 0): EncodedObject {
  const encoder = new ObjectEncoder();
  const list = encoder.encode(value);
  const codec = packr ?? loadPackr();
  const packed = codec.pack(list, RESET_BUFFER_MODE);
  const { arrays } = encoder;
  const tableBytes = COUNT_BYTES + LENGTH_BYTES * arrays.length;
  const head = new Uint8Array(prefixBytes + tableBytes + packed.byteLength);
  head.set(packed, prefixBytes + tableBytes);
  const table = new DataView(head.buffer, prefixBytes, tableBytes);
  table.setUint32(0, arrays.length, true);
  for (const [i, array] of arrays.entries()) table.setFloat64(COUNT_BYTES + LENGTH_BYTES * i, array.byteLength, true);
  if (packed.buffer.byteLength > KEEP_BUFFER_BYTES) codec.useBuffer(Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES));
  return { head, arrays };
}

/**
 * Return the byte lengths of the arrays that travel beside a head, in their order.
 *
 * @throws MpiError ERR_MPI_TYPE when the head cannot be one.
 */
export function outOfBandLengths(head: Uint8Array): readonly number[] {
  const table = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const count = head.byteLength < COUNT_BYTES ? Number.NaN : table.getUint32(0, true);
  if (!(COUNT_BYTES + LENGTH_BYTES * count <= head.byteLength)) throw undecodable('its head is cut short');
  return Array.from({ length: count }, (_, i) => {
    const byteLength = table.getFloat64(COUNT_BYTES + LENGTH_BYTES * i, true);
    if (!Number.isSafeInteger(byteLength) || byteLength < 0) throw undecodable(`array ${i} has ${byteLength} bytes`);
    return byteLength;
  });
}

/**
 * Decode a head and the arrays that came beside it, each in memory of its own that becomes part of the value.
 *
 * @throws MpiError ERR_MPI_TYPE when they are not what encodeObject makes.
 */
export function decodeObject(head: Uint8Array, arrays: readonly Uint8Array[]): unknown {
  const lengths = outOfBandLengths(head);
  if (arrays.length !== lengths.length) throw undecodable(`${arrays.length} arrays came with a head for ${lengths.length}`);
  for (const [i, byteLength] of lengths.entries()) {
    if (arrays[i]!.byteLength !== byteLength)
      throw undecodable(`array ${i} has ${arrays[i]!.byteLength} bytes, not ${byteLength}`);
  }
  try {
    // A Buffer, since msgpackr reads text from it several times as fast.
    const packed = Buffer.from(head.buffer, head.byteOffset, head.byteLength).subarray(
      COUNT_BYTES + LENGTH_BYTES * lengths.length,
    );
    return new ObjectDecoder(arrays).decode((packr ?? loadPackr()).unpack(packed));
  } catch (cause) {
    throw undecodable(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function undecodable(why: string, cause?: unknown): MpiError {
  return new MpiError('ERR_MPI_TYPE', `object message cannot be decoded: ${why}`, { cause });
}
