/**
 * What --explain says of the launcher's part: who runs where, over which memory. Routes and algorithms are a rank's to tell.
 */

import { listRanks } from './verdict.ts';

export interface ExplainedJob {
  readonly id: string;
  readonly hostName: string;
  readonly agentPid: number;
  readonly rankKind: 'process' | 'thread';
  readonly cores: number;
  readonly segmentByteLength: number;
  readonly pids: readonly number[];
  readonly programs: readonly string[];
  readonly programOfRank: readonly number[];
  readonly bindTo: 'none' | 'core';
}

/** Return the lines of --explain. */
export function explainJob(job: ExplainedJob): string[] {
  const size = job.programOfRank.length;
  const kind = job.rankKind === 'process' ? 'processes' : 'threads of one process';
  const bound = job.bindTo === 'core' ? ', each bound to a core' : '';
  const lines = [
    `job ${job.id}: ${size} ${size === 1 ? 'rank' : 'ranks'} on 1 host`,
    `host ${job.hostName}: ranks ${listRanks(job.programOfRank.map((_, rank) => rank))} as ${kind} on ${job.cores} ${job.cores === 1 ? 'core' : 'cores'}${bound}`,
    `agent: pid ${job.agentPid}, segment of ${(job.segmentByteLength / (1 << 20)).toFixed(1)} MiB`,
  ];
  job.programs.forEach((program, index) => {
    const ranks = job.programOfRank.flatMap((of, rank) => (of === index ? [rank] : []));
    lines.push(`program ${program}: ranks ${listRanks(ranks)}`);
  });
  lines.push(`pids: ${job.pids.join(' ')}`);
  return lines;
}
