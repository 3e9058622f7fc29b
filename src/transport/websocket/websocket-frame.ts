/**
 * The framing of RFC 6455: headers written and read, nothing of what is inside.
 *
 *     byte 0    FIN | RSV 3 | opcode 4
 *     byte 1    MASK | length 7: 0-125, 126: 2 bytes follow, 127: 8 bytes follow (big-endian, the shortest that fits)
 *     ...       4 bytes of key, if masked
 *
 * A client masks, a server does not; any other frame is a violation (1002). Our own client frames use key 0, so that
 * payload is not passed over: masking protects proxies of browsers, and there is none. Any key is understood.
 * Limits: a message may come in any fragments, but no message is put together here: MAX_MESSAGE_BYTES bounds what one may
 * claim (1009), and bytes go on as they come.
 */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Status codes of a close frame (RFC 6455, 7.4.1). */
export const CLOSE = { normal: 1000, goingAway: 1001, protocol: 1002, unsupported: 1003, policy: 1008, tooLong: 1009 } as const;

/** Longest message taken, over all its fragments. */
export const MAX_MESSAGE_BYTES: number = 16 << 20;
/** Longest payload of a ping, pong or close. */
export const CONTROL_PAYLOAD_BYTES = 125;
export const MAX_HEADER_BYTES = 14;

const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const TWO_32 = 4294967296;

/** Return the bytes of a header. */
export function headerLength(byteLength: number, isMasked: boolean): number {
  return (byteLength < 126 ? 2 : byteLength < 65536 ? 4 : 10) + (isMasked ? 4 : 0);
}

/** Write the header of a frame that is a whole message; `isMasked`: with key 0. Return its bytes. */
export function writeHeader(bytes: Uint8Array, at: number, opcode: number, byteLength: number, isMasked: boolean): number {
  const mask = isMasked ? MASKED : 0;
  bytes[at] = FINAL | opcode;
  let end = at + 2;
  if (byteLength < 126) bytes[at + 1] = mask | byteLength;
  else if (byteLength < 65536) {
    bytes[at + 1] = mask | 126;
    bytes[at + 2] = byteLength >> 8;
    bytes[at + 3] = byteLength;
    end = at + 4;
  } else {
    bytes[at + 1] = mask | 127;
    let rest = byteLength;
    for (let k = at + 9; k >= at + 2; k--) {
      bytes[k] = rest;
      rest = Math.floor(rest / 256);
    }
    end = at + 10;
  }
  if (!isMasked) return end - at;
  bytes.fill(0, end, end + 4);
  return end + 4 - at;
}

/** Undo the masking of bytes from..to, the first of which is number `phase` of its frame. */
export function unmask(bytes: Uint8Array, from: number, to: number, key: Uint8Array, phase: number): void {
  for (let k = from; k < to; k++) bytes[k]! ^= key[(phase + k - from) & 3]!;
}

/** Reads the headers of one direction of a connection and keeps their order. */
export class HeaderReader {
  /** Of the frame whose header was read last. */
  opcode = 0;
  byteLength = 0;
  readonly key: Uint8Array = new Uint8Array(4);
  /** Whether that frame's key changes anything. */
  isKeyed = false;
  /** What was wrong, after read() returned a negative number. */
  violation = '';
  readonly #expectsMask: boolean;
  #isInMessage = false;
  #messageByteLength = 0;

  /** `expectsMask`: the frames come from a client. */
  constructor(expectsMask: boolean) {
    this.#expectsMask = expectsMask;
  }

  /** Read a header. Return its bytes; 0: it is not all there yet; negative: the status code to close with. */
  read(bytes: Uint8Array, begin: number, end: number): number {
    if (end - begin < 2) return 0;
    const first = bytes[begin]!;
    const second = bytes[begin + 1]!;
    const opcode = first & 15;
    const isMasked = (second & MASKED) !== 0;
    const short = second & 127;
    if ((first & RESERVED) !== 0) return this.#refuse(CLOSE.protocol, 'reserved bits are set');
    if (isMasked !== this.#expectsMask) {
      return this.#refuse(CLOSE.protocol, isMasked ? 'a frame of a server is masked' : 'a frame of a client is not masked');
    }
    if (opcode >= OPCODE.close) {
      if (opcode > OPCODE.pong) return this.#refuse(CLOSE.protocol, `opcode ${opcode} is reserved`);
      if ((first & FINAL) === 0) return this.#refuse(CLOSE.protocol, 'a control frame is fragmented');
      if (short > CONTROL_PAYLOAD_BYTES) return this.#refuse(CLOSE.protocol, 'a control frame is longer than 125 bytes');
    } else if (opcode > OPCODE.binary) return this.#refuse(CLOSE.protocol, `opcode ${opcode} is reserved`);
    else if (opcode === OPCODE.text) return this.#refuse(CLOSE.unsupported, 'a text message came, only binary ones are taken');
    else if ((opcode === OPCODE.continuation) !== this.#isInMessage) {
      const what = this.#isInMessage ? 'a message begins inside another' : 'a message goes on that has not begun';
      return this.#refuse(CLOSE.protocol, what);
    }
    const length = short < 126 ? 2 : short === 126 ? 4 : 10;
    const total = length + (isMasked ? 4 : 0);
    if (end - begin < length) return 0;
    let byteLength = short;
    if (short === 126) byteLength = (bytes[begin + 2]! << 8) | bytes[begin + 3]!;
    else if (short === 127) {
      const high = readUint32(bytes, begin + 2);
      if (high >= 0x8000_0000) return this.#refuse(CLOSE.protocol, 'the highest bit of a length is set');
      byteLength = high * TWO_32 + readUint32(bytes, begin + 6);
    }
    if (byteLength < (short < 126 ? 0 : short === 126 ? 126 : 65536)) {
      return this.#refuse(CLOSE.protocol, 'a length is not written in the fewest bytes');
    }
    if (opcode < OPCODE.close && (this.#isInMessage ? this.#messageByteLength : 0) + byteLength > MAX_MESSAGE_BYTES) {
      return this.#refuse(CLOSE.tooLong, `a message is longer than ${MAX_MESSAGE_BYTES} bytes`);
    }
    if (end - begin < total) return 0;
    this.opcode = opcode;
    this.byteLength = byteLength;
    if (isMasked) {
      const at = begin + length;
      for (let k = 0; k < 4; k++) this.key[k] = bytes[at + k]!;
      this.isKeyed = (bytes[at]! | bytes[at + 1]! | bytes[at + 2]! | bytes[at + 3]!) !== 0;
    }
    if (opcode < OPCODE.close) {
      this.#messageByteLength = (this.#isInMessage ? this.#messageByteLength : 0) + byteLength;
      this.#isInMessage = (first & FINAL) === 0;
    }
    return total;
  }

  #refuse(code: number, violation: string): number {
    this.violation = violation;
    return -code;
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 16777216 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}
