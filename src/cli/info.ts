/**
 * tsmpi info: what this installation is, in words or as JSON.
 */

import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { VERSION } from '../base/version.ts';
import { loadAddon } from '../native/loader.ts';
import { OPTIONS, variableOf, WITHOUT_VARIABLE } from './option-table.ts';

export interface Info {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly addon: { readonly isLoaded: boolean; readonly attempts: readonly { path: string; reason: string }[] };
  readonly cores: number;
  readonly cpu: string;
  readonly memoryBytes: number;
  readonly freeBytes: number;
  readonly hugePages: string;
  readonly variables: readonly { name: string; meaning: string; value: string | undefined }[];
}

/** The collectives, as variables name them. */
const COLLECTIVES: readonly string[] = [
  ...['BARRIER', 'BCAST', 'REDUCE', 'ALLREDUCE', 'GATHER', 'GATHERV', 'SCATTER', 'SCATTERV', 'ALLGATHER', 'ALLGATHERV'],
  ...['ALLTOALL', 'ALLTOALLV', 'REDUCE_SCATTER', 'SCAN', 'EXSCAN'],
];

/** Variables that ranks read or are given, besides those of options. */
const RANK_VARIABLES: readonly [string, string][] = [
  ['TSMPI_RANK', 'set for each rank: its number in the job'],
  ['TSMPI_SIZE', 'set for each rank: the number of ranks'],
  ['TSMPI_LOCAL_RANK', 'set for each rank: its number on its host'],
  ['TSMPI_NATIVE', 'the addon to load, or off'],
  ['TSMPI_CALL_SITES', '1: a collective, a failure that nobody looked at, and a long await name the line of the call'],
  ...COLLECTIVES.map((name): [string, string] => [
    `TSMPI_COLLECTIVE_${name}`,
    'the algorithm to force for this collective (tsmpi info --collectives)',
  ]),
];

/** Collect the facts. */
export function collectInfo(): Info {
  const { addon, attempts } = loadAddon();
  const ofOptions = OPTIONS.filter(({ name }) => !WITHOUT_VARIABLE.has(name)).map((entry): [string, string] => [
    variableOf(entry),
    entry.text,
  ]);
  return {
    version: VERSION,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    addon: { isLoaded: addon !== undefined, attempts },
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    freeBytes: freemem(),
    hugePages: readHugePages(),
    variables: [...RANK_VARIABLES, ...ofOptions].map(([name, meaning]) => ({ name, meaning, value: process.env[name] })),
  };
}

/** The kernel's setting of transparent huge pages: the word in brackets. */
export function readHugePages(): string {
  try {
    return /\[(\w+)\]/.exec(readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'not known on this system';
  }
}

/** Return the facts as text. */
export function formatInfo(info: Info): string {
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const addon = info.addon.isLoaded ? 'loaded' : 'not loaded, so ranks are threads';
  const lines = [
    `tsmpi       ${info.version}`,
    `node        ${info.node} on ${info.platform}`,
    `addon       ${addon}`,
    ...info.addon.attempts.map(({ path, reason }) => `            ${path}: ${reason}`),
    `cores       ${info.cores} (${info.cpu})`,
    `memory      ${gib(info.memoryBytes)}, ${gib(info.freeBytes)} free`,
    `huge pages  ${info.hugePages}`,
    'variables',
  ];
  const width = Math.max(...info.variables.map(({ name }) => name.length));
  for (const { name, meaning, value } of info.variables) {
    lines.push(`  ${name.padEnd(width)}  ${value === undefined ? '' : `= ${value}  `}${meaning}`);
  }
  return lines.join('\n');
}
