/**
 * CopyChoice: which way the payload of announced messages moves, measured on this host while it runs.
 *
 * The idea: a single copy (fetch) wins on huge pages, two pipelined copies (stream) on small ones and where the reader's
 * system call is slow; where the border lies depends on host, pages and size. So for each size class both ways are tried,
 * a few messages each, and the one whose best time was shorter is taken until the next trial. Trials become seldom, but
 * never end: pages change, and young code is slow, most of all the stream's.
 *
 *     fetch x TRIALS, stream x TRIALS, the better x 16, fetch x TRIALS, stream x TRIALS, the better x 32, ... x 4096
 *
 * Only a message that was matched after its phase began counts in it: one matched before may have run beside the other way.
 *
 * Limits: times are taken by the receiver, from the match to the last byte. A sender that computes answers late, which
 * speaks for the fetch, rightly.
 */

import type { Transport } from '../transport/transport.ts';
import type { Receive } from './point-to-point.ts';

/** Messages tried of each way. */
const TRIALS = 4;
/** Messages between two trials: at first, and at most. */
const FIRST_INTERVAL = 16;
const LONGEST_INTERVAL = 4096;

const FETCHES = 0;
const STREAMS = 1;
const CHOSEN = 2;

/** What is known of one size class. */
class SizeClass {
  phase = FETCHES;
  /** Messages of this phase so far. */
  count = 0;
  sinceMs = 0;
  interval = FIRST_INTERVAL;
  /** Best time in the trial of each way, in nanoseconds per byte. */
  fetchBest = 0;
  streamBest = 0;

  /** Go on to the next phase when this one has its messages. */
  advance(nowMs: number): void {
    if (this.count < (this.phase === CHOSEN ? this.interval : TRIALS)) return;
    if (this.phase === CHOSEN) this.interval = Math.min(2 * this.interval, LONGEST_INTERVAL);
    this.phase = this.phase === CHOSEN ? FETCHES : this.phase + 1;
    this.count = 0;
    this.sinceMs = nowMs;
  }
}

export class CopyChoice {
  readonly #classes: (SizeClass | undefined)[] = [];
  #lastEndMs = 0;

  /** Return whether a message of that length is better fetched. */
  prefersFetch(byteLength: number): boolean {
    const { phase, fetchBest, streamBest } = this.#classOf(byteLength);
    return phase === FETCHES || (phase === CHOSEN && fetchBest <= streamBest);
  }

  /** Note from when to when a message moved, in milliseconds; it began no earlier than the one before it ended. */
  record(isFetch: boolean, byteLength: number, startMs: number, endMs: number): void {
    const known = this.#classOf(byteLength);
    const nsPerByte = ((endMs - Math.max(startMs, this.#lastEndMs)) * 1e6) / byteLength;
    this.#lastEndMs = endMs;
    if (startMs < known.sinceMs) return;
    if (known.phase === FETCHES) {
      if (!isFetch) return;
      known.fetchBest = known.count === 0 ? nsPerByte : Math.min(known.fetchBest, nsPerByte);
    } else if (known.phase === STREAMS) {
      if (isFetch) return;
      known.streamBest = known.count === 0 ? nsPerByte : Math.min(known.streamBest, nsPerByte);
    }
    known.count++;
    known.advance(endMs);
  }

  #classOf(byteLength: number): SizeClass {
    const index = Math.floor(Math.log2(byteLength));
    let known = this.#classes[index];
    if (known === undefined) {
      while (this.#classes.length < index) this.#classes.push(undefined);
      known = new SizeClass();
      this.#classes[index] = known;
    }
    return known;
  }
}

/** The choices of a rank. Receives whose parts are worked on as they come have their own: that takes time, too. */
export class CopyChoices {
  readonly #whole = new CopyChoice();
  readonly #inParts = new CopyChoice();

  /** Return whether what that receive was matched with is better fetched. */
  prefersFetch({ capabilities }: Transport, { byteLength, onPart }: Receive): boolean {
    // What is worked on part by part comes in pieces from a transport that fetches all at once.
    if (capabilities.fetchesAlone) return onPart === undefined;
    return this.#of(onPart).prefersFetch(byteLength);
  }

  /** Note how a receive's payload moved, where times decide. */
  record({ capabilities }: Transport, isFetch: boolean, { byteLength, onPart }: Receive, startMs: number, endMs: number): void {
    if (capabilities.canFetch && !capabilities.fetchesAlone) this.#of(onPart).record(isFetch, byteLength, startMs, endMs);
  }

  #of(onPart: Receive['onPart']): CopyChoice {
    return onPart === undefined ? this.#whole : this.#inParts;
  }
}
