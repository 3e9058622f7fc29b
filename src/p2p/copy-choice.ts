/**
 * CopyChoice: which way the payload of announced messages moves, measured on this host while it runs.
 *
 * The idea: a single copy (fetch) wins on huge pages, two pipelined copies (stream) on small ones and where the reader's
 * system call is slow; where the border lies depends on host, pages and size. So for each size class each way is tried a
 * few times, then the one whose best time was shorter is taken, and the other is tried again now and then.
 *
 * Limits: times are taken by the receiver, from the match to the last byte. A sender that computes answers late, which
 * speaks for the fetch, rightly.
 */

/** Trials of each way before choosing; the first of each also pays for pages touched first. */
const TRIALS = 4;
/** The way not chosen is tried again once in so many messages. */
const RETRY_INTERVAL = 256;

/** What is known of one size class. */
class SizeClass {
  fetches = 0;
  streams = 0;
  fetchNsPerByte: number = Number.POSITIVE_INFINITY;
  streamNsPerByte: number = Number.POSITIVE_INFINITY;
  sinceRetry = 0;
}

export class CopyChoice {
  readonly #classes: (SizeClass | undefined)[] = [];
  #lastEndMs = 0;

  /** Return whether a message of that length is better fetched. */
  prefersFetch(byteLength: number): boolean {
    const known = this.#classOf(byteLength);
    if (known.fetches < TRIALS) return true;
    if (known.streams < TRIALS) return false;
    const isFetchBetter = known.fetchNsPerByte <= known.streamNsPerByte;
    if (++known.sinceRetry < RETRY_INTERVAL) return isFetchBetter;
    known.sinceRetry = 0;
    return !isFetchBetter;
  }

  /** Note from when to when a message moved, in milliseconds; it began no earlier than the one before it ended. */
  record(isFetch: boolean, byteLength: number, startMs: number, endMs: number): void {
    const known = this.#classOf(byteLength);
    const nsPerByte = ((endMs - Math.max(startMs, this.#lastEndMs)) * 1e6) / byteLength;
    this.#lastEndMs = endMs;
    if (isFetch) {
      known.fetches++;
      known.fetchNsPerByte = Math.min(known.fetchNsPerByte, nsPerByte);
    } else {
      known.streams++;
      known.streamNsPerByte = Math.min(known.streamNsPerByte, nsPerByte);
    }
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
