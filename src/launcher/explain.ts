/**
 * What --explain says of the launcher's part: who runs where, over which memory. Routes and algorithms are a rank's to tell.
 */

import { listRanks } from './verdict.ts';

export interface ExplainedHost {
  readonly name: string;
  /** Address by which ranks of other hosts reach it; empty: there are none. */
  readonly address: string;
  readonly ranks: readonly number[];
  readonly agentPid: number;
  readonly rankKind: 'process' | 'thread';
  readonly cores: number;
  readonly segmentByteLength: number;
  readonly pids: readonly number[];
}

export interface ExplainedJob {
  readonly id: string;
  readonly hosts: readonly ExplainedHost[];
  readonly programs: readonly string[];
  readonly programOfRank: readonly number[];
  readonly bindTo: 'none' | 'core';
}

/** Return the lines of --explain. */
export function explainJob(job: ExplainedJob): string[] {
  const size = job.programOfRank.length;
  const bound = job.bindTo === 'core' ? ', each bound to a core' : '';
  const lines = [`job ${job.id}: ${count(size, 'rank')} on ${count(job.hosts.length, 'host')}`];
  for (const host of job.hosts) {
    const kind = host.rankKind === 'process' ? 'processes' : 'threads of one process';
    const at = host.address === '' ? '' : ` (${host.address})`;
    lines.push(
      `host ${host.name}${at}: ranks ${listRanks(host.ranks)} as ${kind} on ${count(host.cores, 'core')}${bound}`,
      `agent: pid ${host.agentPid}, segment of ${(host.segmentByteLength / (1 << 20)).toFixed(1)} MiB`,
    );
  }
  job.programs.forEach((program, index) => {
    const ranks = job.programOfRank.flatMap((of, rank) => (of === index ? [rank] : []));
    lines.push(`program ${program}: ranks ${listRanks(ranks)}`);
  });
  lines.push(`pids: ${job.hosts.flatMap(({ pids }) => pids).join(' ')}`);
  return lines;
}

function count(number: number, thing: string): string {
  return `${number} ${number === 1 ? thing : `${thing}s`}`;
}
