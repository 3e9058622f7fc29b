/**
 * A whole application: steps of the lid-driven cavity of examples/cavity. The number of the first column is cells a side, so
 * that more ranks share the same flow (strong scaling). peers/cavity.c is the same in C.
 *
 * From rest it first makes steps that warm up and whose fields a comparison can have written to a file; then come those that
 * are timed. Every step costs the same: its sweeps and cycles are fixed.
 */

import { writeFileSync } from 'node:fs';
import { type Communicator, type ProfileReport, profile, startProfile } from 'tsmpi';
import { createDomain, layOutRanks } from '../../examples/cavity/domain.ts';
import { type Field, gatherField } from '../../examples/cavity/field.ts';
import { Flow } from '../../examples/cavity/flow.ts';
import { DEFAULTS } from '../../examples/cavity/options.ts';
import { FIRST_STEPS } from '../catalogue.ts';
import type { RowLine, Settings } from '../records.ts';
import type { Operation } from './measure.ts';

/** What a cell takes, in nanoseconds, to say how many steps fill a repetition. */
const CELL_NS = 200;
const STEPS_NS = 1e9;

/** Return the step of a flow on so many cells a side. All ranks call this. */
export function createCavity(comm: Communicator, settings: Settings, cells: number): Operation {
  startProfile();
  const layout = layOutRanks(comm);
  const flow = new Flow(layout, createDomain(cells, layout), DEFAULTS.reynolds, DEFAULTS.cfl);
  for (let k = 0; k < FIRST_STEPS; k++) flow.step();
  if (settings.fields !== undefined) writeFields(`${settings.fields}-${cells}`, gatherField(layout, flow));

  const before = profile().wait();
  let ms = 0;
  return {
    run: (count) => {
      const startMs = performance.now();
      for (let k = 0; k < count; k++) {
        if (!Number.isFinite(flow.step())) throw new Error('the flow blew up');
      }
      ms += performance.now() - startMs;
    },
    parts: 1,
    clock: 'slowest',
    isTimed: true,
    isCollective: false,
    iterations: Math.max(2, Math.floor((STEPS_NS * comm.size) / (CELL_NS * cells ** 2))),
    messageShare: () => shareOf(before, profile().wait(), ms / 1000),
    close: async () => {
      await layout.free();
    },
  };
}

/**
 * Return the part of those seconds that ranks spent in the flow's messages between two profiles: what its exchanges and reductions took, for the
 * mean rank and for the one that they took longest. Undefined but on rank 0.
 */
function shareOf(before: ProfileReport | undefined, after: ProfileReport | undefined, seconds: number): RowLine['messageShare'] {
  if (before === undefined || after === undefined) return undefined;
  const grown = (key: 'seconds' | 'maxSeconds'): number => sumOf(after, key) - sumOf(before, key);
  return { mean: grown('seconds') / seconds, max: grown('maxSeconds') / seconds };
}

function sumOf({ regions }: ProfileReport, key: 'seconds' | 'maxSeconds'): number {
  const parts = regions.filter(({ name }) => name === 'exchange' || name === 'reduction');
  return parts.reduce((sum, region) => sum + region[key], 0);
}

/** u, v and p, one behind the other. */
function writeFields(file: string, field: Field | undefined): void {
  if (field !== undefined)
    writeFileSync(file, Buffer.concat([field.u, field.v, field.p].map(({ buffer }) => Buffer.from(buffer))));
}
