/**
 * Summary: what came out of a run, as it stands in summary.json.
 */

import { createHash } from 'node:crypto';
import type { Origin } from '../run/origin.ts';
import type { Cost } from './cost.ts';
import type { History } from './history.ts';
import { FIELDS } from './kernels.ts';
import type { Model } from './model.ts';
import type { Settings } from './options.ts';

export type EndReason = 'complete' | 'evicted';

export interface Summary {
  /** With the exit code of the ranks; a launcher that was told to end by SIGTERM has its own, 143. */
  readonly end: { readonly reason: EndReason; readonly code: number; readonly day: number; readonly steps: number };
  /** Where this run began: 0 and 0, or at a checkpoint. */
  readonly start: { readonly day: number; readonly steps: number };
  readonly title: string;
  readonly settings: Settings;
  /** Seconds of a step; elements and their nodes on the sphere; the longest side of an element, km. */
  readonly mesh: { readonly dt: number; readonly elements: number; readonly points: number; readonly width: number };
  readonly ranks: number;
  readonly threadsPerRank: number;
  /** Over their first values. `energyRise` is the largest from one diagnostic to the next, negative if it always fell; 0: one diagnostic. */
  readonly conservation: { readonly mass: number; readonly energy: number; readonly energyRise: number };
  /** Mean height of the free surface and mean depth at the end, m. */
  readonly mean: { readonly height: number; readonly depth: number };
  /** Of h, over its size at first: the error where the exact solution does not change. */
  readonly change: { readonly l1: number; readonly l2: number; readonly lInfinity: number };
  readonly steady: boolean;
  readonly cost: Cost;
  /** Of every bit of h, u₁, u₂ in the order of the elements. */
  readonly digest: string;
  readonly origin: Origin;
}

/** Return a digest of the whole state on rank 0: equal on any number of ranks. Collective. */
export function digestState({ comm, block, state }: Model): string | undefined {
  const { elements, order } = block;
  const length = FIELDS * order * order;
  const rows = new Float64Array((1 + length) * elements.length);
  for (let local = 0; local < elements.length; local += 1) {
    rows[local * (1 + length)] = elements[local];
    rows.set(state.subarray(local * length, (local + 1) * length), local * (1 + length) + 1);
  }
  const parts = comm.gatherv(rows).wait();
  if (parts === undefined) return undefined;
  const sorted: Float64Array[] = [];
  for (let at = 0; at < parts.data.length; at += 1 + length) {
    sorted[parts.data[at]] = parts.data.subarray(at + 1, at + 1 + length);
  }
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of sorted) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}

/** Return the conservation part of the summary. */
export function describeConservation({ records }: History): Summary['conservation'] {
  const first = records[0].integrals;
  const last = records[records.length - 1].integrals;
  const rises = records.slice(1).map(({ integrals }, k) => integrals.energy - records[k].integrals.energy);
  return {
    mass: (last.mass - first.mass) / first.mass,
    energy: (last.energy - first.energy) / first.energy,
    energyRise: rises.length === 0 ? 0 : Math.max(...rises) / first.energy,
  };
}
