/**
 * Summary: what came out of a run, as it stands in summary.json.
 */

import { createRequire } from 'node:module';
import { type Communicator, job } from 'tsmpi';
import type { Cost } from './cost.ts';
import { digestField, type Field } from './field.ts';
import type { Flow } from './flow.ts';
import { findExtrema, type Line } from './lines.ts';
import type { Settings } from './options.ts';
import { type Comparison, compareExtrema, compareProfiles, readTable } from './reference.ts';
import type { Vortices } from './stream-function.ts';

export type EndReason = 'steady' | 'not steady' | 'blown up';

/** How a run ended. */
export interface End {
  readonly reason: EndReason;
  readonly steps: number;
  readonly residual: number;
  readonly divergence: number;
}

/** Where a result came from. */
export interface Origin {
  readonly tsmpi: string;
  readonly node: string;
  readonly flags: readonly string[];
  readonly nodeFlags: readonly string[];
  /** The input file, as given. */
  readonly input: string | null;
  readonly hosts: readonly { readonly name: string; readonly slots: number }[];
  readonly job: string;
  /** ISO 8601. */
  readonly ended: string;
  readonly reason: EndReason;
}

export interface Summary {
  readonly end: End & { readonly time: number };
  readonly settings: Settings & { readonly dt: number };
  readonly ranks: { readonly size: number; readonly columns: number; readonly rows: number };
  readonly extrema: readonly Comparison[];
  readonly profiles: { readonly rms: number; readonly points: number } | undefined;
  readonly vortices: Vortices;
  readonly cost: Cost;
  readonly digest: string;
  readonly origin: Origin;
}

export function createSummary(
  comm: Communicator,
  settings: Settings,
  flow: Flow,
  field: Field,
  lines: readonly [Line, Line],
  vortices: Vortices,
  cost: Cost,
  end: End,
): Summary {
  return {
    end: { ...end, time: end.steps * flow.dt },
    settings: { ...settings, dt: flow.dt },
    ranks: { size: comm.size, columns: flow.domain.ranksX, rows: flow.domain.ranksY },
    extrema: compareExtrema(settings.reynolds, findExtrema(lines)),
    profiles: compareProfiles(readTable(settings.reynolds), lines),
    vortices,
    cost,
    digest: digestField(field),
    origin: {
      tsmpi: findVersion(),
      node: process.version,
      flags: process.argv.slice(2),
      nodeFlags: process.execArgv,
      input: settings.input ?? null,
      hosts: job.hosts.map(({ name, slots }) => ({ name, slots })),
      job: job.id,
      ended: new Date().toISOString(),
      reason: end.reason,
    },
  };
}

function findVersion(): string {
  return createRequire(import.meta.url)('tsmpi/package.json').version;
}
