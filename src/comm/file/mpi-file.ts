/**
 * MpiFile: a file that all ranks of a communicator have open, as programs see it. OpenFile (open-file.ts) implements it.
 */

import type { Data } from '../../datatype/data.ts';
import type { BaseType } from '../../datatype/derived/datatype.ts';
import type { Options, Request } from '../../p2p/request.ts';
import type { Status } from '../../p2p/status.ts';

/**
 * How a file is opened, as for node:fs: `r` to read; `r+` to read and write a file that is there; `w` to write, emptied or
 * made; `w+` the same and to read; `a` to write behind what is there, or made: offset 0 is its end as it was then.
 */
export type FileMode = 'r' | 'r+' | 'w' | 'w+' | 'a';

/**
 * A file that all ranks of a communicator have open. Offsets count bytes until setView gives another unit. Data is any typed
 * array, buffer or layout; a status counts its elements, fewer than asked for where the file ends (memory behind them stays
 * as it is). Files hold the machine's byte order.
 *
 * Calls that say so are collective: one rank's failure is everyone's, with that rank's reason, and the file stays in use.
 * Errors: ERR_MPI_NO_SUCH_FILE, ERR_MPI_ACCESS, ERR_MPI_NO_SPACE, ERR_MPI_QUOTA, ERR_MPI_READ_ONLY, ERR_MPI_BAD_FILE,
 * ERR_MPI_IO for what the system says; ERR_MPI_FILE once it was closed; ERR_MPI_AMODE for a call that the mode excludes.
 * Standard: 14.
 */
export interface MpiFile extends Disposable, AsyncDisposable {
  readonly path: string;
  readonly mode: FileMode;
  /** Read into `into` from `offset` on. Standard: 14.4.2, MPI_File_read_at. */
  readAt(offset: number, into: Data, options?: Options): Request<Status>;
  /** Write `data` from `offset` on. Ranks that write the same bytes at once leave either's. Standard: 14.4.2, MPI_File_write_at. */
  writeAt(offset: number, data: Data, options?: Options): Request<Status>;
  /**
   * As readAt, by all ranks at once, each with its offset, view and data (which may be empty): one rank of each host reads
   * long stretches for all. Collective. Standard: 14.4.2, MPI_File_read_at_all.
   */
  readAtAll(offset: number, into: Data, options?: Options): Request<Status>;
  /**
   * As writeAt, by all ranks at once: one rank of each host writes, whole blocks of 1 MiB that are no other host's. Where
   * several ranks write a byte, the highest rank's stands. Collective. Standard: 14.4.2, MPI_File_write_at_all.
   */
  writeAtAll(offset: number, data: Data, options?: Options): Request<Status>;
  /**
   * Choose what this rank sees of the file: from byte `displacement` on `fileType` again and again, of which offsets count
   * elements `element`. A file type without an element type of its own (`subarray([n, m], …)`) takes `element`'s; none
   * is the element itself; no element is bytes: `setView(0)` is how a file begins. Data must have the element's type, or be
   * bytes. This rank's alone: nothing travels. Errors: ERR_MPI_ARG, ERR_MPI_TYPE. Standard: 14.3.
   */
  setView(displacement: number, element?: BaseType, fileType?: BaseType): void;
  /** Bytes in the file now. Standard: 14.2.6. */
  size(): number;
  /** Cut the file off, or lengthen it by zeros. Collective; all ranks give the same size in bytes. Standard: 14.2.4. */
  setSize(byteLength: number, options?: Options): Request<void>;
  /** All that ranks have written is on the disk, and seen by all of them. Collective. Standard: 14.6.1. */
  sync(options?: Options): Request<void>;
  /** Close it. Collective, idempotent. Disposal closes this rank's part without waiting for others. Standard: 14.2.2. */
  close(options?: Options): Request<void>;
}
