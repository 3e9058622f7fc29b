/**
 * Explain: what only a rank knows of its routes, in words, for `tsmpirun --explain`.
 */

import { boundCore, type JobDescription } from '../bootstrap/job.ts';
import type { Rank } from './rank.ts';

/** Describe the routes of this rank and what its memory is like. */
export function explainRank({ routes, world, segment, addon, description, worldRank, localRank }: Rank): string {
  const { cellCount, smallCount, largeCount, areaCount, byteLength } = segment.layout;
  const lines = [
    `rank ${worldRank} of ${world.size}: ranks are ${description.rankKind === 'process' ? 'processes' : 'threads'}, segment of ${(byteLength / 1048576).toFixed(1)} MiB`,
    `  per rank: inbox of ${cellCount} cells, ${smallCount} buffers of 16 KiB, ${largeCount} of 128 KiB; ${areaCount} areas for collectives`,
    `  addon: ${addon === undefined ? 'not loaded, so long messages take two copies' : 'loaded'}`,
    `  waiting: ${description.wait}, ${description.localRanks.length} ranks on ${description.cores} cores`,
    `  threads: ${describeThreads(description, localRank)}`,
  ];
  const byRoute = new Map<string, number[]>();
  for (const [rank, { transport, notTaken }] of routes.chosen.entries()) {
    const route = `${transport.name}\n${notTaken}`;
    const ranks = byRoute.get(route);
    if (ranks === undefined) byRoute.set(route, [rank]);
    else ranks.push(rank);
  }
  for (const [route, ranks] of byRoute) {
    const [name, notTaken] = route.split('\n');
    const why = notTaken === '' ? '' : ` (${notTaken})`;
    lines.push(`  route ${name}: rank${ranks.length > 1 ? 's' : ''} ${summarize(ranks)}${why}`);
  }
  return lines.join('\n');
}

/** What a team of this rank is, unless it is told otherwise. */
function describeThreads(description: JobDescription, localRank: number): string {
  const { threadsPerRank, boundCores, localRanks, cores } = description;
  const count = `${threadsPerRank} for each rank`;
  const crowd = threadsPerRank * localRanks.length > cores ? ', more than cores' : '';
  if (boundCores.length === 0) return `${count}${crowd}`;
  const own = Array.from({ length: threadsPerRank }, (_, member) => boundCore(description, localRank, member));
  return `${count}${crowd}; those of this one on cores ${own.join(' ')}`;
}

/** Write 0, 1, 2, 5 as `0-2, 5`. */
function summarize(ranks: readonly number[]): string {
  const parts: string[] = [];
  for (let k = 0; k < ranks.length; ) {
    let end = k;
    while (ranks[end + 1] === ranks[end]! + 1) end++;
    parts.push(end === k ? `${ranks[k]}` : `${ranks[k]}-${ranks[end]}`);
    k = end + 1;
  }
  return parts.join(', ');
}
