/**
 * Backings: where random programs run. One row of BACKINGS each; a transport more is one more row.
 *
 * A variant is what else is set for a job, drawn from its number: how ranks wait, which algorithms are forced, whether
 * there are shared areas, whether there is the addon.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OperationName, RESTRICTIONS } from '../../src/collective/restrictions.ts';
import { forceVariable } from '../../src/collective/selection.ts';
import { Job } from '../jobs/run-job.ts';
import { makeRanks } from '../unit/ranks.ts';
import { type Batch, BatchError, performBatch } from './batch.ts';
import { Draw } from './draw.ts';
import type { Program } from './program.ts';

export interface Variant {
  readonly number: number;
  readonly wait: 'park' | 'spin' | 'auto';
  readonly withoutAreas: boolean;
  readonly withoutAddon: boolean;
  /** Variables that force algorithms. */
  readonly forced: Readonly<Record<string, string>>;
}

/** The first program that failed, and how. More than one where it is not known which of them. */
export interface Failure {
  readonly suspects: readonly number[];
  readonly message: string;
}

export interface Backing {
  readonly name: string;
  /** Ranks of a job, so the largest program that it runs. */
  readonly ranks: number;
  run(programs: readonly Program[], variant: Variant, ranks: number, limitMs: number): Promise<Failure | undefined>;
}

const RANK = fileURLToPath(new URL('./programs/rank.ts', import.meta.url));

/** Every backing. The first is the quickest: all ranks in this thread. */
export const BACKINGS: readonly Backing[] = [
  { name: 'one thread', ranks: 8, run: runInThread },
  { name: 'processes', ranks: 8, run: job(['--ranks', 'process']) },
  { name: 'threads', ranks: 8, run: job(['--ranks', 'thread']) },
  { name: 'processes over WebSocket', ranks: 8, run: job(['--transport', 'websocket,self']) },
  { name: 'self', ranks: 1, run: job(['--transport', 'self']) },
];

/** Return the variant of that number; number 0 is what users have. */
export function variantOf(number: number): Variant {
  const draw = new Draw(number);
  if (number === 0) return { number, wait: 'auto', withoutAreas: false, withoutAddon: false, forced: {} };
  const forced: Record<string, string> = {};
  for (const operation of Object.keys(RESTRICTIONS) as OperationName[]) {
    // Those that need nothing: a forced algorithm that cannot run is an error.
    const able = Object.entries(RESTRICTIONS[operation]).filter(([, needs]) =>
      Object.keys(needs).every((need) => need === 'keepsTree'),
    );
    if (draw.chance(0.4)) forced[forceVariable(operation)] = draw.pick(able)[0];
  }
  return {
    number,
    wait: draw.pick(['park', 'auto', 'auto', 'spin'] as const),
    withoutAreas: draw.chance(0.4),
    withoutAddon: draw.chance(0.4),
    forced,
  };
}

/** Say what a variant is. */
export function describeVariant({ number, wait, withoutAreas, withoutAddon, forced }: Variant): string {
  const set = Object.entries(forced).map(([name, value]) => `${name}=${value}`);
  const parts = [
    `--wait ${wait}`,
    ...(withoutAreas ? ['without areas'] : []),
    ...(withoutAddon ? ['without the addon where it can'] : []),
    ...set,
  ];
  return `variant ${number}: ${parts.join(', ')}`;
}

async function runInThread(
  programs: readonly Program[],
  variant: Variant,
  size: number,
  limitMs: number,
): Promise<Failure | undefined> {
  Object.assign(process.env, variant.forced);
  const ranks = makeRanks(size, { wait: 'park', areaCount: variant.withoutAreas ? 0 : 4 });
  for (const name of Object.keys(variant.forced)) delete process.env[name];
  const batch: Batch = { programs, limitMs, withoutAreas: false };
  try {
    await Promise.all(ranks.map(({ world }) => performBatch(world, batch, false, () => undefined)));
    return undefined;
  } catch (error) {
    if (!(error instanceof BatchError)) throw error;
    return { suspects: [error.index], message: error.message };
  } finally {
    for (const { progress } of ranks) progress.stop();
  }
}

function job(args: readonly string[]): Backing['run'] {
  return async (programs, { wait, withoutAreas, withoutAddon, forced }, size, limitMs) => {
    const folder = mkdtempSync(join(tmpdir(), 'tsmpi-random-'));
    try {
      const file = join(folder, 'batch.json');
      const batch: Batch = { programs, limitMs, withoutAreas };
      writeFileSync(file, JSON.stringify(batch));
      const isThread = args.includes('thread');
      const env = { ...forced, ...(isThread && withoutAddon ? { TSMPI_NATIVE: 'off' } : {}) };
      const deadlineMs = 2 * limitMs + 60_000 + 1000 * programs.length;
      const started = new Job(['-n', String(size), '--quiet', ...args, '--wait', wait, RANK, file], { env, deadlineMs });
      try {
        const { code, stderr } = await started.end();
        if (code === 0 && stderr === '') return undefined;
        return failureOf(started.stdout, `${stderr.trim()}\nexit code ${code}`);
      } catch (error) {
        // It passed its deadline, or left something behind.
        return failureOf(started.stdout, (error as Error).message);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

function failureOf(stdout: string, otherwise: string): Failure {
  const failed = /^failed (.*)$/m.exec(stdout);
  const indices = (word: string): number[] =>
    [...stdout.matchAll(new RegExp(`^${word} (\\d+)$`, 'gm'))].map(([, index]) => Number(index));
  if (failed !== null) {
    const { index, message } = JSON.parse(failed[1]!) as { index: number; message: string };
    if (index >= 0) return { suspects: [index], message };
  }
  const ended = new Set(indices('end'));
  return { suspects: [...new Set(indices('begin'))].filter((index) => !ended.has(index)), message: otherwise };
}
