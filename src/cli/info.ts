/**
 * tsmpi info: what this installation is, in words or as JSON.
 */

import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { VERSION } from '../base/version.ts';
import type { Addon } from '../native/addon.ts';
import { loadAddon } from '../native/loader.ts';
import type { RdmaDevice } from '../native/rdma.ts';
import { OPTIONS, variableOf, WITHOUT_VARIABLE } from './option-table.ts';

export interface Info {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly addon: { readonly isLoaded: boolean; readonly attempts: readonly { path: string; reason: string }[] };
  /** RDMA devices, or why there are none. */
  readonly rdma: readonly RdmaDevice[] | string;
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
  ['TSMPI_RDMA_ADDRESS', 'the IPv4 address of this host whose RDMA device is used (default: the first that has one)'],
  ['TSMPI_RDMA_BUFFERS', 'receives posted for each peer (16)'],
  ['TSMPI_RDMA_BUFFER_BYTES', 'bytes of each (4096), which is also the longest message that is sent at once'],
  ['TSMPI_RDMA_CACHE_BYTES', 'memory that stays registered for messages to come (64 MiB)'],
  ['TSMPI_RDMA_EVENTS', 'off: do as if the driver never told of completions'],
  ['TSMPI_RDMA_VERIFY', '1: a checksum for each message, not for the first thousand of each pair alone'],
  ['TSMPI_RDMA_PROOF', 'the file that tsmpi doctor --rdma leaves on this host (~/.config/tsmpi/rdma-<host>.json)'],
  ['TSMPI_RDMA_VERBS_LIBRARY', 'another libibverbs'],
  ['TSMPI_RDMA_CM_LIBRARY', 'another librdmacm'],
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
    rdma: listRdma(addon),
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    freeBytes: freemem(),
    hugePages: readHugePages(),
    variables: [...RANK_VARIABLES, ...ofOptions].map(([name, meaning]) => ({ name, meaning, value: process.env[name] })),
  };
}

function listRdma(addon: Addon | undefined): readonly RdmaDevice[] | string {
  if (addon === undefined) return 'it needs the addon';
  const problem = addon.rdmaProblem();
  if (problem !== undefined) return problem;
  const devices = addon.rdmaDevices();
  return typeof devices === 'number' || devices.length === 0 ? 'no device' : devices;
}

/** The kernel's setting of transparent huge pages: the word in brackets. */
export function readHugePages(): string {
  try {
    return /\[(\w+)\]/.exec(readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'not known on this system';
  }
}

function describeRdma(rdma: Info['rdma']): string[] {
  if (typeof rdma === 'string') return [`rdma        none: ${rdma}`];
  return rdma.map(({ name, nodeType, linkLayer, firmware, portState }, index) => {
    const state = portState === 4 ? 'active' : `in state ${portState}`;
    return `${index === 0 ? 'rdma' : '    '}        ${name}: ${nodeType} over ${linkLayer}, firmware ${firmware}, port ${state}`;
  });
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
    ...describeRdma(info.rdma),
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
