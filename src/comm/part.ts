/**
 * Part: what a rank becomes when communicators are constructed; known at the call, or found out by a phase before.
 */

import type { Port, Step } from '../collective/schedule.ts';
import type { Membership } from '../p2p/context.ts';

/** What a rank becomes in a construction. */
export interface Part<C> {
  /** Ranks of one color are together; undefined: no member of any. */
  readonly color: number | undefined;
  /** Their order. */
  readonly key: number;
  /** Make this rank's handle of the new communicator. */
  make(id: number, members: Membership): C;
}

/** A phase that ends with this rank's part. */
export type Decision<C> = (port: Port) => Generator<Step, Part<C>, void>;
