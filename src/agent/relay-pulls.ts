/**
 * RelayPulls: long messages from memory to memory, which move while both ranks compute.
 *
 * The receiving rank asks by a frame PULL to the sender's relay, which reads the sender's memory straight into its link's
 * batches; the receiver's relay writes it to where it belongs as it comes, so that nothing of it is kept anywhere. PULLED
 * follows behind the last byte. A system that refuses is no failure: the errno goes to the rank, which asks for pieces instead.
 *
 * Limits: a link's pulls take turns, a part each. Both ranks keep their arrays until the message is done.
 */

import { constants } from 'node:os';
import type { Addon } from '../native/addon.ts';
import { CONTROL, LARGE_BYTES } from '../segment/layout.ts';
import type { Segment } from '../segment/segment.ts';
import { FRAME, joinLength, PULL_DATA, PULLED } from '../transport/frame.ts';
import { HEAD_BYTES, type RelayLink } from './relay-link.ts';

/** Bytes of the two addresses in a frame's payload words. */
const ADDRESS = FRAME.payload << 2;

interface Pull {
  /** Local rank whose memory is read. */
  readonly local: number;
  /** World ranks: who asks, and of whom. */
  readonly asker: number;
  readonly owner: number;
  readonly address: number;
  readonly target: number;
  readonly byteLength: number;
  done: number;
}

export class RelayPulls {
  readonly #segment: Segment;
  readonly #addon: Addon | undefined;
  readonly #send: (words: Int32Array) => void;
  readonly #queues = new Map<RelayLink, Pull[]>();
  /** Errno of writes that failed, by local rank and the rank that was asked. */
  readonly #failures = new Map<string, number>();

  /** `send` sends a frame without payload. */
  constructor(segment: Segment, addon: Addon | undefined, send: (words: Int32Array) => void) {
    this.#segment = segment;
    this.#addon = addon;
    this.#send = send;
  }

  /** A rank behind that link asks for memory of a local rank. */
  add(link: RelayLink, local: number, bytes: Buffer, at: number): void {
    const word = (index: number): number => bytes.readInt32LE(at + (index << 2));
    const pull: Pull = {
      ...{ local, asker: word(FRAME.from), owner: word(FRAME.to), done: 0 },
      address: bytes.readDoubleLE(at + ADDRESS),
      target: bytes.readDoubleLE(at + ADDRESS + 8),
      byteLength: joinLength(word(FRAME.lengthLow), word(FRAME.lengthHigh)),
    };
    const queue = this.#queues.get(link);
    if (queue !== undefined) queue.push(pull);
    else this.#queues.set(link, [pull]);
  }

  /** Fill what room the link has. Return whether there was any. */
  serve(link: RelayLink): boolean {
    const queue = this.#queues.get(link);
    if (queue === undefined) return false;
    let hasMoved = false;
    while (queue.length > 0) {
      const pull = queue[0]!;
      const byteLength = Math.min(LARGE_BYTES, pull.byteLength - pull.done);
      if (!link.canTake(byteLength)) return hasMoved;
      hasMoved = true;
      queue.shift();
      const errno = this.#read(link, pull, byteLength);
      if (errno !== 0 || pull.done === pull.byteLength) this.#tell(pull, errno);
      else queue.push(pull);
    }
    this.#queues.delete(link);
    return hasMoved;
  }

  /** The link is no more. */
  drop(link: RelayLink): void {
    this.#queues.delete(link);
  }

  /** Bytes came for a local rank that asked for them. */
  write(local: number, bytes: Buffer, at: number, byteLength: number): void {
    const name = `${local} ${bytes.readInt32LE(at + (FRAME.from << 2))}`;
    if (this.#failures.has(name)) return;
    const target = bytes.readDoubleLE(at + ADDRESS);
    const written = this.#addon?.writeMemory(this.#pidOf(local), target, bytes, at + HEAD_BYTES, byteLength);
    if (written !== byteLength) this.#failures.set(name, -(written ?? -constants.errno.ENOSYS) || constants.errno.EFAULT);
  }

  /** A pull of a local rank is over, says that frame: it says also if it failed here. */
  finish(local: number, bytes: Buffer, at: number): void {
    const name = `${local} ${bytes.readInt32LE(at + (FRAME.from << 2))}`;
    const errno = this.#failures.get(name);
    if (errno === undefined) return;
    this.#failures.delete(name);
    bytes.writeInt32LE(errno, at + (FRAME.tag << 2));
  }

  /** Read the next part of a pull into the link. Return 0 or an errno. */
  #read(link: RelayLink, pull: Pull, byteLength: number): number {
    if (this.#addon === undefined) return constants.errno.ENOSYS;
    const { bytes, at } = link.reserve(byteLength);
    const { address, done, local, target, asker, owner } = pull;
    const read = this.#addon.readMemory(this.#pidOf(local), address + done, bytes, at + HEAD_BYTES, byteLength);
    if (read !== byteLength) {
      link.unreserve(byteLength);
      return read < 0 ? -read : constants.errno.EFAULT;
    }
    bytes.fill(0, at + 4, at + HEAD_BYTES);
    bytes.writeInt32LE(PULL_DATA, at + (FRAME.kindType << 2));
    bytes.writeInt32LE(asker, at + (FRAME.to << 2));
    bytes.writeInt32LE(owner, at + (FRAME.from << 2));
    bytes.writeDoubleLE(target + done, at + ADDRESS);
    pull.done += byteLength;
    return 0;
  }

  #tell({ asker, owner }: Pull, errno: number): void {
    const words = new Int32Array(HEAD_BYTES >> 2);
    words[FRAME.kindType] = PULLED;
    words[FRAME.tag] = errno;
    words[FRAME.to] = asker;
    words[FRAME.from] = owner;
    this.#send(words);
  }

  #pidOf(local: number): number {
    return this.#segment.i32[this.#segment.control(local, CONTROL.pid)]!;
  }
}
