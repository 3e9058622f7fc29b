/**
 * Campaign: several sides, launched in turn for each program and number of ranks, forward and then backward (ABBA), so that
 * drift hits all alike. Every launch is kept.
 */

import type { ProgramEntry } from '../catalogue.ts';
import type { JobLine, RowLine, Settings } from '../records.ts';
import { compareFields, type FieldDifference, fieldsOf } from './fields.ts';
import { launch } from './launch.ts';
import type { Side } from './sides.ts';

/** One launch of a side. */
export interface LaunchRecord {
  readonly side: string;
  readonly program: string;
  readonly ranks: number;
  readonly job: JobLine | undefined;
  readonly rows: readonly RowLine[];
  readonly wallSeconds: number;
  readonly cpuSeconds: number | undefined;
  readonly failure?: string;
}

/** All that is known at the end: the JSON of a report. */
export interface CampaignResult {
  readonly title: string;
  readonly startedAt: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly system: string };
  readonly command: string;
  readonly sides: readonly string[];
  /** Sides and programs that were left out, and why. */
  readonly leftOut: readonly string[];
  readonly settings: Settings;
  readonly launchesPerSide: number;
  readonly records: readonly LaunchRecord[];
  /** Of programs that compute a flow. */
  readonly fieldDifferences: readonly FieldDifference[];
}

/** What is launched. */
export interface CampaignPlan {
  readonly sides: readonly Side[];
  readonly programs: readonly { readonly entry: ProgramEntry; readonly settings: Settings; readonly ranks: readonly number[] }[];
  readonly launches: number;
  readonly timeoutMs: number;
  /** Where flows are written and compared. */
  readonly folder: string;
}

/** Says how far it is. */
export type Progress = (done: number, total: number, what: string) => void;

/** Launch all. A side that fails in a program is left out of it from then on. */
export async function runCampaign(
  plan: CampaignPlan,
  progress: Progress,
): Promise<Pick<CampaignResult, 'records' | 'leftOut' | 'fieldDifferences'>> {
  const records: LaunchRecord[] = [];
  const leftOut: string[] = [];
  const works = plan.programs.flatMap(({ entry, settings, ranks }) => ranks.map((count) => ({ entry, settings, count })));
  const total = works.length * plan.launches * plan.sides.length;
  let done = 0;
  for (const { entry, settings, count } of works) {
    const absent = new Set<string>();
    for (let round = 0; round < plan.launches; round++) {
      for (const side of round % 2 === 0 ? plan.sides : plan.sides.toReversed()) {
        done++;
        if (absent.has(side.name)) continue;
        const fields = entry.figure === 'flow' ? { fields: fieldsOf(plan.folder, plan.sides.indexOf(side), count) } : {};
        const command = side.command(entry, { ...settings, ...fields }, count);
        let failure = typeof command === 'string' ? command : undefined;
        if (typeof command !== 'string') {
          progress(done, total, `${side.name} ${entry.name} on ${count} ranks, launch ${round + 1} of ${plan.launches}`);
          const record = await launchOnce(side, command, entry, count, plan.timeoutMs);
          records.push(record);
          failure = record.failure;
        }
        if (failure === undefined) continue;
        absent.add(side.name);
        leftOut.push(`${side.name}, ${entry.name} on ${count} ranks: ${failure}`);
      }
    }
  }
  const names = plan.sides.map(({ name }) => name);
  const flows = plan.programs.filter(({ entry }) => entry.figure === 'flow');
  const fieldDifferences = flows.flatMap(({ entry, settings, ranks }) =>
    compareFields(plan.folder, names, entry.name, ranks, settings.sizes),
  );
  return { records, leftOut, fieldDifferences };
}

type LaunchCommand = Exclude<ReturnType<Side['command']>, string>;

/** Launch a program of a side once. A program whose figure is the launch's own time gets a row of it. */
export async function launchOnce(
  side: Side,
  command: LaunchCommand,
  entry: ProgramEntry,
  ranks: number,
  timeoutMs: number,
  onLine?: Parameters<typeof launch>[2],
): Promise<LaunchRecord> {
  const { lines, wallSeconds, cpuSeconds, failure } = await launch(command, timeoutMs, onLine);
  const job = lines.find((line) => line.kind === 'job');
  const rows = lines.filter((line) => line.kind === 'row');
  const us = wallSeconds * 1e6;
  return {
    side: side.name,
    program: entry.name,
    ranks,
    job: job && { ...job, program: entry.name },
    rows: entry.figure === 'wall' ? rows.map((row) => ({ ...row, program: entry.name, us, tail: flat(us) })) : rows,
    wallSeconds,
    cpuSeconds,
    ...(failure === undefined ? {} : { failure }),
  };
}

const flat = (us: number): RowLine['tail'] => ({ min: us, p50: us, p90: us, p99: us, p999: us, max: us });
