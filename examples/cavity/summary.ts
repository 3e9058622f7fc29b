/**
 * Summary: what came out of a run, as it stands in summary.json.
 */

import type { Communicator } from 'tsmpi';
import { createOrigin, type Origin } from '../run/origin.ts';
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

export interface Summary {
  readonly end: End & { readonly time: number };
  readonly settings: Settings & { readonly dt: number };
  readonly ranks: { readonly size: number; readonly columns: number; readonly rows: number };
  readonly extrema: readonly Comparison[];
  readonly profiles: { readonly rms: number; readonly points: number } | undefined;
  readonly vortices: Vortices;
  readonly cost: Cost;
  readonly digest: string;
  readonly origin: Origin & { readonly reason: EndReason };
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
    origin: { ...createOrigin(settings.input), reason: end.reason },
  };
}
