/**
 * ProfileReport: the profiles of all ranks put together, and as a table.
 */

import type { RankProfile, RegionTally } from '../p2p/profile.ts';

/** An operation within a region, over all ranks. */
export interface ProfiledOperation {
  /** Calls of all ranks. */
  readonly calls: number;
  /** Bytes that ranks gave to them: sent, or the data of a collective. */
  readonly bytes: number;
  /** Time in it, of the mean rank and of the one that took longest. */
  readonly seconds: number;
  readonly maxSeconds: number;
}

/** A region of the program, over all ranks. Its figures are without those of regions within it. */
export interface ProfiledRegion {
  /** The name given to region(); '' is what lies outside of all. */
  readonly name: string;
  /** Times that ranks entered it, together. */
  readonly calls: number;
  /** Time in it, of the mean rank and of the one that took longest. */
  readonly seconds: number;
  readonly maxSeconds: number;
  /** Share of that time in messages: posting them, waiting for them. From 0 to 1. */
  readonly messageShare: number;
  /** Imbalance of what is not messages: the longest rank's time over the mean one's; 1 is none. */
  readonly imbalance: number;
  /** By name, in the standard's spelling. */
  readonly operations: Readonly<Record<string, ProfiledOperation>>;
}

/** What was measured on all ranks. */
export interface ProfileReport {
  readonly size: number;
  /** Since the mean rank began to measure. */
  readonly seconds: number;
  /** As of a region, over all of them. */
  readonly messageShare: number;
  readonly imbalance: number;
  /** The most memory that the mean and the largest process of a rank have had, in bytes; a thread's is its share of the process. */
  readonly memoryBytes: number;
  readonly maxMemoryBytes: number;
  /** The longest first. */
  readonly regions: readonly ProfiledRegion[];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const NOTHING: RegionTally = { calls: 0, seconds: 0, operations: {} };

/** Put the profiles of all ranks together. */
export function mergeProfiles(ranks: readonly RankProfile[]): ProfileReport {
  const names = [...new Set(ranks.flatMap(({ regions }) => Object.keys(regions)))];
  const regions = names.map((name) =>
    mergeRegions(
      name,
      ranks.map(({ regions }) => regions[name] ?? NOTHING),
    ),
  );
  const seconds = ranks.map((rank) => rank.seconds);
  const inMessages = ranks.map(({ regions }) => sum(Object.values(regions).map(messageSeconds)));
  const memory = ranks.map(({ memoryBytes }) => memoryBytes);
  return {
    size: ranks.length,
    seconds: mean(seconds),
    ...compare(seconds, inMessages),
    memoryBytes: mean(memory),
    maxMemoryBytes: Math.max(...memory),
    regions: regions.sort((a, b) => b.seconds - a.seconds),
  };
}

function mergeRegions(name: string, tallies: readonly RegionTally[]): ProfiledRegion {
  const seconds = tallies.map((tally) => tally.seconds);
  const names = [...new Set(tallies.flatMap(({ operations }) => Object.keys(operations)))];
  const operations = names.map((operation) => {
    const each = tallies.map((tally) => tally.operations[operation] ?? { calls: 0, bytes: 0, seconds: 0 });
    const times = each.map((tally) => tally.seconds);
    const merged: ProfiledOperation = {
      calls: sum(each.map(({ calls }) => calls)),
      bytes: sum(each.map(({ bytes }) => bytes)),
      seconds: mean(times),
      maxSeconds: Math.max(...times),
    };
    return [operation, merged] as const;
  });
  return {
    name,
    calls: sum(tallies.map(({ calls }) => calls)),
    seconds: mean(seconds),
    maxSeconds: Math.max(...seconds),
    ...compare(seconds, tallies.map(messageSeconds)),
    operations: Object.fromEntries(operations.sort(([, a], [, b]) => b.seconds - a.seconds)),
  };
}

function compare(seconds: readonly number[], inMessages: readonly number[]): { messageShare: number; imbalance: number } {
  const total = sum(seconds);
  const own = seconds.map((value, rank) => Math.max(0, value - inMessages[rank]!));
  return {
    messageShare: total === 0 ? 0 : sum(inMessages) / total,
    imbalance: sum(own) === 0 ? 1 : Math.max(...own) / mean(own),
  };
}

function messageSeconds({ operations }: RegionTally): number {
  return sum(Object.values(operations).map(({ seconds }) => seconds));
}

/** Return the report as a table. */
export function formatProfile(report: ProfileReport): string {
  const mib = (bytes: number): string => (bytes / 1048576).toFixed(1);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const { size, seconds, messageShare, imbalance, memoryBytes, maxMemoryBytes } = report;
  const rows: string[][] = [['', 'calls', 'seconds', 'longest', 'in messages', 'max/mean', 'MiB']];
  for (const region of report.regions) {
    rows.push([
      region.name === '' ? '(outside of regions)' : region.name,
      String(region.calls),
      region.seconds.toFixed(3),
      region.maxSeconds.toFixed(3),
      percent(region.messageShare),
      region.imbalance.toFixed(2),
      '',
    ]);
    for (const [name, operation] of Object.entries(region.operations)) {
      const share = region.seconds === 0 ? '' : percent(operation.seconds / region.seconds);
      const { calls, seconds, maxSeconds, bytes } = operation;
      rows.push([`  ${name}`, String(calls), seconds.toFixed(3), maxSeconds.toFixed(3), share, '', mib(bytes)]);
    }
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]! + 2)))
      .join('')
      .trimEnd(),
  );
  const whose = size === 1 ? '1 rank' : `${size} ranks`;
  const memory = `memory of a rank ${mib(memoryBytes)} MiB, at most ${mib(maxMemoryBytes)}`;
  const head = `profile of ${whose}: ${seconds.toFixed(3)} s, ${percent(messageShare)} in messages, max/mean ${imbalance.toFixed(2)}, ${memory}`;
  return `tsmpi: ${[head, ...lines].join('\n')}`;
}
