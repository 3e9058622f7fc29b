/**
 * What the command hands to the ranks, and the lines of JSON that come back: one of the job, one of each size.
 *
 * The peers' programs (peers/osu.c, peers/osu.py) take the same settings and print the same lines.
 */

/** What the ranks of a benchmark are told, as JSON in their first argument. */
export interface Settings {
  readonly program: string;
  /** Bytes; [0] for a program without sizes. */
  readonly sizes: readonly number[];
  /** Operations of a repetition; undefined: by size, and no more than fit into 0.1 s. */
  readonly iterations: number | undefined;
  /** Operations before anything counts; undefined: until three blocks agree within 3 %, at most `settleMs`. */
  readonly warmup: number | undefined;
  /** Repetitions that count; as many again, twice, are tried where some were disturbed. */
  readonly repetitions: number;
  /** Messages in flight of bandwidths. */
  readonly window: number;
  /** Calls of test() while overlapped computation runs. */
  readonly tests: number;
  readonly isAwaited: boolean;
  /** Messages are objects that hold an array of that size. */
  readonly isObject: boolean;
  /** Received data is summed within the time. */
  readonly isTouched: boolean;
  /** Each operation uses other buffers, over four times the last cache. */
  readonly isRotating: boolean;
  /** The root of rooted collectives goes round. */
  readonly isRootRotating: boolean;
  readonly settleMs: number;
  /** What begins the name of the file to which a flow's fields are written; undefined: they are not. */
  readonly fields?: string;
}

/** Facts of a job, once. */
export interface JobLine {
  readonly kind: 'job';
  readonly program: string;
  readonly ranks: number;
  /** What runs it, with its version: tsmpi 0.1.0, Open MPI v4.1.4. */
  readonly library: string;
  readonly node?: string;
  readonly hosts: number;
  readonly cores: number;
  readonly isOversubscribed: boolean;
  readonly isPinned: boolean;
  readonly rankKind: string;
  /** What says whether a repetition was disturbed. */
  readonly reference: 'C ping-pong' | 'SharedArrayBuffer ping-pong' | 'fixed work';
}

/** One repetition. Times in microseconds. */
export interface Repetition {
  readonly us: number;
  /** The bare reference before and after it. */
  readonly reference: readonly [before: number, after: number];
  /** Why it does not count; absent: it counts. */
  readonly rejected?: string;
}

/** Times of single operations, or of batches where one is too short to be timed, in microseconds. */
export interface Tail {
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** The figures of a size. */
export interface RowLine {
  readonly kind: 'row';
  readonly program: string;
  readonly size: number;
  /** Time of an operation: half a round trip, a message of a window, a collective. Median of the repetitions' means. */
  readonly us: number;
  /** MB/s (10⁶) and messages per second, of bandwidths. */
  readonly megabytesPerSecond?: number;
  readonly messagesPerSecond?: number;
  readonly tail: Tail;
  /** Operations that were timed as one. */
  readonly batch: number;
  readonly iterations: number;
  readonly repetitions: readonly Repetition[];
  readonly rejectedShare: number;
  /** Why the figures are those of a disturbed run; empty: they are not. */
  readonly disturbed: readonly string[];
  /** Three blocks agreed before the time began. */
  readonly isSettled: boolean;
  readonly firstUs: number;
  readonly firstHundredUs: number;
  /** Collectives: the lowest and highest mean of a rank; the slowest rank of each operation after a common start. */
  readonly ranks?: { readonly min: number; readonly max: number };
  readonly slowest?: Tail & { readonly mean: number };
  readonly overlap?: { readonly overall: number; readonly compute: number; readonly pure: number; readonly percent: number };
  /** Part of a flow's time that the mean rank spent in messages. */
  readonly messageShare?: number;
  /** Collections of garbage in rank 0 during the size, and their time. */
  readonly garbage?: { readonly count: number; readonly ms: number };
  /** Cores that others than the ranks took meanwhile; absent: not known. */
  readonly othersCores?: number;
  /** Bytes of rank 0 in huge pages that are not of files. */
  readonly anonHugePages?: number;
}

export type Line = JobLine | RowLine;
