/**
 * A whole application: steps of the lid-driven cavity of examples/cavity. The number of the first column is cells a side, so
 * that more ranks share the same flow (strong scaling). peers/cavity.c is the same in C.
 *
 * From rest it first makes steps that warm up and whose fields a comparison can have written to a file; then come those that
 * are timed. Every step costs the same: its sweeps and cycles are fixed.
 */

import { writeFileSync } from 'node:fs';
import type { Communicator } from 'tsmpi';
import { createDomain, layOutRanks } from '../../examples/cavity/domain.ts';
import { type Field, gatherField } from '../../examples/cavity/field.ts';
import { Flow } from '../../examples/cavity/flow.ts';
import { DEFAULTS } from '../../examples/cavity/options.ts';
import { Traffic } from '../../examples/cavity/traffic.ts';
import { FIRST_STEPS } from '../catalogue.ts';
import type { Settings } from '../records.ts';
import type { Operation } from './measure.ts';

/** What a cell takes, in nanoseconds, to say how many steps fill a repetition. */
const CELL_NS = 200;
const STEPS_NS = 1e9;

/** Return the step of a flow on so many cells a side. All ranks call this. */
export function createCavity(comm: Communicator, settings: Settings, cells: number): Operation {
  const layout = layOutRanks(comm);
  const traffic = new Traffic();
  const flow = new Flow(layout, createDomain(cells, layout), DEFAULTS.reynolds, DEFAULTS.cfl, traffic);
  for (let k = 0; k < FIRST_STEPS; k++) flow.step();
  if (settings.fields !== undefined) writeFields(`${settings.fields}-${cells}`, gatherField(layout, flow));

  const messageSeconds = (): number => traffic.exchangeSeconds + traffic.reductionSeconds;
  const before = messageSeconds();
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
    messageShare: () => (1000 * (messageSeconds() - before)) / ms,
    close: async () => {
      await layout.free();
    },
  };
}

/** u, v and p, one behind the other. */
function writeFields(file: string, field: Field | undefined): void {
  if (field !== undefined)
    writeFileSync(file, Buffer.concat([field.u, field.v, field.p].map(({ buffer }) => Buffer.from(buffer))));
}
