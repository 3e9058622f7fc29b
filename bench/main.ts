/**
 * tsmpi bench: parses, launches, prints. One program alone prints OSU's columns as they come; several sides are launched in
 * turn, and end in a table and a report (report.html, report.png, results.json).
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir, type } from 'node:os';
import { join } from 'node:path';
import { findProgram, type ProgramEntry } from './catalogue.ts';
import { median } from './lib/statistics.ts';
import type { Line } from './records.ts';
import { type CampaignResult, launchOnce, runCampaign } from './run/campaign.ts';
import { footerOf, headingOf, lineOf } from './run/columns.ts';
import { type BenchCommand, BenchUsageError, parseBenchCommand } from './run/command-line.ts';
import { describeWrong } from './run/fields.ts';
import { Interrupted, watchSignals } from './run/launch.ts';
import { findPeers, PEER_NAMES } from './run/peers.ts';
import { createProgress } from './run/progress.ts';
import { checkoutSide, INTERCONNECT_NAMES, interconnectSide, ourSide, type Side } from './run/sides.ts';
import { formatTables } from './run/table.ts';

/** Run `tsmpi bench` with these words; resolve with the exit code. */
export async function bench(words: readonly string[]): Promise<number> {
  try {
    const command = await parseBenchCommand(words);
    if (typeof command === 'string') {
      console.log(command);
      return 0;
    }
    watchSignals();
    return await (command.compare !== undefined || command.isAgainstPeers || command.pair !== undefined
      ? runSides(command, words)
      : runPrograms(command));
  } catch (error) {
    if (error instanceof Interrupted) return error.exitCode;
    if (!(error instanceof BenchUsageError)) throw error;
    process.stderr.write(`tsmpi bench: ${error.message}\n`);
    return 2;
  }
}

/** One program after the other, each launched once. */
async function runPrograms(command: BenchCommand): Promise<number> {
  const side = ourSide('tsmpi', command.launcherOptions);
  for (const [index, entry] of command.programs.entries()) {
    if (index > 0 && !command.isJson) console.log('');
    const failure = await runProgram(command, side, entry);
    if (failure === undefined) continue;
    process.stderr.write(`tsmpi bench: ${entry.name}: ${failure}\n`);
    return 1;
  }
  return 0;
}

/** Launch a program and print its lines. Return why there are no figures. */
async function runProgram(command: BenchCommand, side: Side, entry: ProgramEntry): Promise<string | undefined> {
  const settings = command.settings(entry);
  const ranks = command.ranks[0] ?? entry.ranks;
  const isStart = entry.figure === 'wall' || entry.figure === 'start';
  const print = (line: Line): void => {
    if (command.isJson) console.log(JSON.stringify(line));
    else if (line.kind === 'job') for (const text of headingOf(line, settings, command.columns)) console.log(text);
    else console.log(lineOf(line, command.columns));
  };
  const made = side.command(entry, settings, ranks);
  if (typeof made === 'string') return made;
  const launches = [];
  for (let k = 0; k < (isStart ? settings.repetitions : 1); k++) {
    const record = await launchOnce(side, made, entry, ranks, command.timeoutSeconds * 1000, isStart ? undefined : print);
    if (record.failure !== undefined) return record.failure;
    launches.push(record);
    if (isStart) for (const line of [...(k === 0 && record.job ? [record.job] : []), ...record.rows]) print(line);
  }
  const [{ job, rows }] = launches as [(typeof launches)[0]];
  if (command.isJson || job === undefined) return undefined;
  for (const text of footerOf(job, rows)) console.log(text);
  if (isStart)
    console.log(
      `# median of ${launches.length} launches: ${(median(launches.map(({ rows: [row] }) => row!.us)) / 1000).toFixed(1)} ms`,
    );
  return undefined;
}

/** Several sides in turn. */
async function runSides(command: BenchCommand, words: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'tsmpi-bench-'));
  const progress = createProgress(process.stderr);
  try {
    const { sides, leftOut } = await findSides(command, folder);
    if (sides.length < (command.compare === undefined ? 2 : 1)) {
      const why = leftOut.map((text) => `\n  ${text}`).join('');
      process.stderr.write(`tsmpi bench: there is nothing to compare with${why}\n`);
      return 1;
    }
    const startedAt = new Date().toISOString();
    const programs = command.programs.map((entry) => ({
      entry,
      settings: command.settings(entry),
      ranks: ranksOf(command, entry),
    }));
    const plan = { sides, programs, launches: command.launches, timeoutMs: command.timeoutSeconds * 1000, folder };
    const { records, leftOut: failed, fieldDifferences } = await runCampaign(plan, progress.report);
    progress.end();
    const result: CampaignResult = {
      title: titleOf(command),
      startedAt,
      machine: {
        cpu: cpus()[0]?.model.trim() ?? 'unknown',
        cores: cpus().length,
        system: `${type()} ${release()}, Node ${process.version}`,
      },
      command: `tsmpi bench ${words.join(' ')}`,
      sides: sides.map(({ name }) => name),
      leftOut: [...leftOut, ...failed],
      settings: programs[0]!.settings,
      launchesPerSide: command.launches,
      records,
      fieldDifferences,
    };
    if (command.isJson) console.log(JSON.stringify(result));
    else console.log(formatTables(result, command.basis));
    if (!records.some(({ failure }) => failure === undefined)) return 1;
    const { writeReport } = (await import(
      new URL('./bench-report.js', import.meta.url).href
    )) as typeof import('./report/main.ts');
    const files = await writeReport(result, command.basis, command.output);
    process.stderr.write(`tsmpi bench: wrote ${files.join(', ')}\n`);
    const wrong = describeWrong(fieldDifferences, sides[0]!.name);
    for (const text of wrong) process.stderr.write(`tsmpi bench: ${text}\n`);
    return wrong.length > 0 ? 1 : 0;
  } finally {
    progress.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

const titleOf = ({ compare, pair }: BenchCommand): string =>
  compare !== undefined ? 'Interconnects of tsmpi' : pair !== undefined ? 'Two builds of tsmpi' : 'tsmpi and its peers';

/** Collectives of interconnects are compared over ranks, unless -n says otherwise; two ranks do for the rest. */
function ranksOf({ ranks, compare }: BenchCommand, entry: ProgramEntry): readonly number[] {
  if (!entry.isForMany) return [ranks[0] ?? 2];
  if (ranks.length > 0) return ranks;
  if (entry.figure === 'flow') return [1, 2];
  if (compare === undefined || /^(mbw_mr|multi_lat|init|hello|noise.*)$/.test(entry.name)) return [entry.ranks];
  return entry.leastRanks === 1 ? [1, 2, 4, 8] : [2, 4, 8];
}

/** Find the sides that are there; of the others say why not. */
async function findSides(command: BenchCommand, folder: string): Promise<{ sides: Side[]; leftOut: string[] }> {
  const { launcherOptions } = command;
  if (command.pair !== undefined) {
    try {
      return { sides: command.pair.map((checkout) => checkoutSide(checkout, launcherOptions)), leftOut: [] };
    } catch (error) {
      throw new BenchUsageError((error as Error).message);
    }
  }
  if (command.compare !== undefined) return findInterconnects(command.compare, launcherOptions);
  const unknown = command.peers.find((name) => !PEER_NAMES.includes(name));
  if (unknown !== undefined) throw new BenchUsageError(`--peers got ${unknown}: expected some of ${PEER_NAMES.join(', ')}`);
  const isOverTcp = launcherOptions.join(' ').includes('websocket');
  const { programs, peers } = command;
  const { isObject } = command.settings(programs[0]!);
  const { sides, missing } = findPeers(peers.length > 0 ? peers : PEER_NAMES, { programs, isOverTcp, isObject, folder });
  return { sides: [ourSide('tsmpi', launcherOptions), ...sides], leftOut: [...missing].map(([name, why]) => `${name}: ${why}`) };
}

/** An interconnect is there if a job of two ranks starts over it. */
async function findInterconnects(
  names: readonly string[],
  launcherOptions: readonly string[],
): Promise<{ sides: Side[]; leftOut: string[] }> {
  const [sides, leftOut]: [Side[], string[]] = [[], []];
  const probe = findProgram('init')!;
  for (const name of names) {
    const side = interconnectSide(name, launcherOptions);
    if (side === undefined) throw new BenchUsageError(`--compare got ${name}: expected some of ${INTERCONNECT_NAMES.join(', ')}`);
    const made = side.command(probe, {} as never, 2);
    // What Node has of its own knows no such job, and is there.
    const { failure } = typeof made === 'string' ? {} : await launchOnce(side, made, probe, 2, PROBE_MS);
    if (failure === undefined) sides.push(side);
    else leftOut.push(`${name}: ${failure}`);
  }
  return { sides, leftOut };
}

/** How long a job that only starts may take. */
const PROBE_MS = 30_000;
