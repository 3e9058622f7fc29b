/**
 * What a job asks of this host's memory, for those who want to know before they start one.
 */

import { roomForProcesses } from '../segment/backing.ts';
import { layOut, shapesFor } from '../segment/layout.ts';

/** Bytes of the segment of so many ranks. */
export interface SegmentNeeds {
  readonly wanted: number;
  /** Of the smallest shape: slower, but it works. */
  readonly least: number;
  /** What the host, its cgroups and this process's limits leave for it. */
  readonly available: number;
}

/** Return what a segment of that many ranks needs, and what is there. */
export function segmentNeeds(ranks: number): SegmentNeeds {
  const sizes = shapesFor(ranks, 4096).map((shape) => layOut(shape).byteLength);
  return { wanted: sizes[0]!, least: sizes.at(-1)!, available: roomForProcesses() };
}
