/**
 * A whole application: steps of the lid-driven cavity of examples/cavity. The number of the first column is cells a side, so
 * that more ranks share the same flow (strong scaling). peers/cavity.c is the same in C.
 *
 * From rest it first makes steps that warm up and whose fields a comparison can have written to a file; then come those that
 * are timed. Every step costs the same: its sweeps and cycles are fixed.
 */

import { writeFileSync } from 'node:fs';
import { type Communicator, type ProfileReport, profile, region, startProfile } from 'tsmpi';
import { createDomain, layOutRanks } from '../../examples/cavity/domain.ts';
import { type Field, gatherField } from '../../examples/cavity/field.ts';
import { Flow } from '../../examples/cavity/flow.ts';
import { DEFAULTS } from '../../examples/cavity/options.ts';
import { FIRST_STEPS } from '../catalogue.ts';
import type { Settings } from '../records.ts';
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
  return {
    run: (count) => {
      for (let k = 0; k < count; k++) {
        if (!Number.isFinite(region('computing', () => flow.step()))) throw new Error('the flow blew up');
      }
    },
    parts: 1,
    clock: 'slowest',
    isTimed: true,
    isCollective: false,
    iterations: Math.max(2, Math.floor((STEPS_NS * comm.size) / (CELL_NS * cells ** 2))),
    messageShare: () => shareOf(before, profile().wait()),
    close: async () => {
      await layout.free();
    },
  };
}

const MESSAGES: readonly string[] = ['exchange', 'reduction'];

/** Return the part of the steps between two profiles that the mean rank spent in messages. Undefined but on rank 0. */
function shareOf(before: ProfileReport | undefined, after: ProfileReport | undefined): number | undefined {
  if (before === undefined || after === undefined) return undefined;
  const grown = (names: readonly string[]): number => secondsIn(after, names) - secondsIn(before, names);
  return grown(MESSAGES) / grown(['computing', ...MESSAGES]);
}

/** A region's seconds are without those of regions within it. */
function secondsIn({ regions }: ProfileReport, names: readonly string[]): number {
  return regions.filter(({ name }) => names.includes(name)).reduce((sum, { seconds }) => sum + seconds, 0);
}

/** u, v and p, one behind the other. */
function writeFields(file: string, field: Field | undefined): void {
  if (field !== undefined)
    writeFileSync(file, Buffer.concat([field.u, field.v, field.p].map(({ buffer }) => Buffer.from(buffer))));
}
