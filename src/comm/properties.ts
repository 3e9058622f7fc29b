/**
 * Properties: what a communicator of either kind carries besides its message space: name, attributes, hints, and what
 * becomes of errors. The interface that programs see; attributes.ts, hints.ts and error-handling.ts stand behind it.
 */

/** A key for attributes; made by createKeyval. */
export interface Keyval<in out T> {
  /** For messages about it. */
  readonly name: string;
  /** The new communicator's value when dup() is called, undefined for none. */
  readonly copy: (value: T, from: Properties) => T | undefined;
  /** Called with each value that is given up. */
  readonly delete: (value: T, from: Properties) => void;
}

/** What becomes of values under a key. */
export interface KeyvalOptions<T> {
  /** For messages about it. */
  readonly name?: string;
  /**
   * Whether dup() hands the value on: `true` as it is, or a function that returns the new communicator's value, undefined
   * for none. Called at the call of dup(), which fails with what it throws. Default: false.
   */
  readonly copy?: boolean | ((value: T, from: Properties) => T | undefined);
  /** Called when a value is deleted or replaced, or its communicator freed or disposed. */
  readonly delete?: (value: T, from: Properties) => void;
}

/** Hints by name, as the standard's info: text for text. */
export type Info = Readonly<Record<string, string>>;

/** What becomes of an error on a communicator. */
export type ErrorHandling = 'throw' | 'abort';

/** What intra- and intercommunicators carry. */
export interface Properties {
  /** This process's rank in its group, from 0. */
  readonly rank: number;
  /** Number of ranks in its group. */
  readonly size: number;
  /** Shown in errors and reports; need not be unique. Standard: 7.8. */
  name: string;
  /**
   * The hints in use. Assign a record to set some: those not understood are passed over, others stay. Understood are
   * `mpi_assert_no_any_source` and `mpi_assert_no_any_tag` ('true', 'false'): what was promised is then held against each
   * receive and probe. dup() hands no hints on, but takes some. Errors: ERR_MPI_INFO_VALUE. Standard: 7.4.4.
   */
  info: Info;
  /**
   * 'throw', the default: calls throw, requests reject. 'abort': an error on this communicator ends the job at once,
   * naming it; a time-out, a cancelled request and a signal are none. Communicators made from it begin alike. Standard: 9.3.
   */
  errors: ErrorHandling;
  /** Keep a value under a key; one that was there is deleted first. Errors: ERR_MPI_KEYVAL for predefined keys. Standard: 7.7.2. */
  setAttribute<T>(key: Keyval<T>, value: T): void;
  /** The value under a key, undefined when there is none. Local. Standard: 7.7.2. */
  attribute<T>(key: Keyval<T>): T | undefined;
  /** Delete the value under a key. Return whether there was one. Errors: as setAttribute. Standard: 7.7.2. */
  deleteAttribute<T>(key: Keyval<T>): boolean;
}
