/**
 * Status: the outcome of a receive or probe, as API.md gives it.
 *
 * Counts are in elements of the receive buffer (of the sender's after a probe, 1 for an object).
 */

import { BYTES, ELEMENT_NAMES, type ElementType, OBJECT } from '../datatype/element-type.ts';

/** The outcome of a receive or probe. Standard: 3.2.5. */
export interface Status {
  /** Rank of the sender in the communicator; PROC_NULL for a receive from nobody. */
  readonly source: number;
  readonly tag: number;
  /** Elements received, of the receive buffer's type; of the sender's type after a probe; 1 for an object. */
  readonly count: number;
  readonly byteLength: number;
  /** The sender's element type. */
  readonly type: ElementType | 'bytes' | 'object';
  /** The receive was cancelled before it matched; nothing was received. */
  readonly cancelled: boolean;
}

/** Make a Status; `unitBytes` are the bytes of what is counted: whole ones are. */
export function createStatus(
  source: number,
  tag: number,
  byteLength: number,
  type: number,
  unitBytes: number,
  cancelled: boolean,
): Status {
  const count = type === OBJECT ? 1 : Math.floor(byteLength / unitBytes);
  return { source, tag, count, byteLength, type: ELEMENT_NAMES[type] as Status['type'], cancelled };
}

/** The status of an operation with PROC_NULL. Standard: 3.10. */
export function nullStatus(source: number, tag: number): Status {
  return createStatus(source, tag, 0, BYTES, 1, false);
}
