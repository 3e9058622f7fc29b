/**
 * LineAssembler: cuts one stream of one rank into whole lines, so that lines of ranks never mix.
 *
 * A line ends with a line feed or, for progress shown in place, a carriage return. What is not yet a line is held, up to
 * a bound; a longer line goes out in parts and may then be cut by others'.
 */

/** Longest line that is kept whole. */
const MAX_LINE_BYTES = 1 << 20;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export class LineAssembler {
  readonly #tag: Buffer | undefined;
  #held: Buffer[] = [];
  #heldByteLength = 0;
  /** The next byte begins a line, so it gets the tag. */
  #isAtStart = true;
  #endedInReturn = false;

  /** `tag` stands in front of each line. */
  constructor(tag: string | undefined) {
    this.#tag = tag === undefined ? undefined : Buffer.from(tag);
  }

  get heldByteLength(): number {
    return this.#heldByteLength;
  }

  /** Take the next bytes; return what can be shown, empty if nothing. */
  push(bytes: Buffer): Buffer {
    const end = Math.max(bytes.lastIndexOf(LINE_FEED), bytes.lastIndexOf(CARRIAGE_RETURN)) + 1;
    const isTooLong = end === 0 && this.#heldByteLength + bytes.byteLength > MAX_LINE_BYTES;
    const cut = isTooLong ? bytes.byteLength : end;
    const ready = cut === 0 ? Buffer.alloc(0) : this.#tagged(Buffer.concat([...this.#held, bytes.subarray(0, cut)]));
    if (cut > 0) {
      this.#held = [];
      this.#heldByteLength = 0;
    }
    if (cut < bytes.byteLength) {
      this.#held.push(bytes.subarray(cut));
      this.#heldByteLength += bytes.byteLength - cut;
    }
    return ready;
  }

  /** Return what is held, as it is: the stream has ended, or a prompt waits for its answer. */
  flush(): Buffer {
    if (this.#heldByteLength === 0) return Buffer.alloc(0);
    const ready = this.#tagged(Buffer.concat(this.#held));
    this.#held = [];
    this.#heldByteLength = 0;
    return ready;
  }

  #tagged(bytes: Buffer): Buffer {
    const tag = this.#tag;
    if (tag === undefined) return bytes;
    const parts: Buffer[] = [];
    for (let start = 0; start < bytes.byteLength; ) {
      const end = endOfLine(bytes, start);
      // The line feed of a line whose carriage return went out before belongs to that line.
      const continues = this.#endedInReturn && bytes[start] === LINE_FEED;
      if (this.#isAtStart && !continues) parts.push(tag);
      parts.push(bytes.subarray(start, end));
      this.#endedInReturn = bytes[end - 1] === CARRIAGE_RETURN;
      this.#isAtStart = this.#endedInReturn || bytes[end - 1] === LINE_FEED;
      start = end;
    }
    return Buffer.concat(parts);
  }
}

/** Return where the line that begins at `start` ends, its end included; a carriage return with a line feed is one end. */
function endOfLine(bytes: Buffer, start: number): number {
  for (let at = start; at < bytes.byteLength; at++) {
    if (bytes[at] === LINE_FEED) return at + 1;
    if (bytes[at] === CARRIAGE_RETURN) return bytes[at + 1] === LINE_FEED ? at + 2 : at + 1;
  }
  return bytes.byteLength;
}
