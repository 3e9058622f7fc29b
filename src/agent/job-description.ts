/**
 * The description that the ranks of this host find in their segment, made from the agent's part of the job.
 */

import type { JobDescription } from '../bootstrap/job.ts';
import type { AgentJob, RankKind } from './protocol.ts';

/** What the agent found out about its host. */
export interface HostFacts {
  readonly localRanks: readonly number[];
  readonly rankKind: RankKind;
  /** Cores that ranks may use. */
  readonly cores: number;
  /** Those to which threads are bound; empty: to none. */
  readonly boundCores: readonly number[];
}

/** Return how many threads each rank may use: what was asked for, or its share of the cores. */
export function threadsOf({ threadsPerRank }: AgentJob, localRanks: readonly number[], cores: number): number {
  return threadsPerRank ?? Math.max(1, Math.floor(cores / localRanks.length));
}

/** Return the description as UTF-8 JSON. */
export function encodeJobDescription(job: AgentJob, host: HostFacts): Uint8Array {
  const description: JobDescription = {
    id: job.id,
    version: job.version,
    size: job.size,
    key: job.key,
    hosts: job.hosts,
    addresses: job.addresses,
    ports: job.ports,
    hostOfRank: job.hostOfRank,
    programOfRank: job.programOfRank,
    hostIndex: job.hostIndex,
    localRanks: host.localRanks,
    rankKind: host.rankKind,
    agentPid: process.pid,
    cores: host.cores,
    threadsPerRank: threadsOf(job, host.localRanks, host.cores),
    boundCores: host.boundCores,
    wait: job.wait,
    deterministic: job.deterministic,
    transports: job.transports,
    tls: job.tls,
    heartbeatMs: job.heartbeatMs,
    explain: job.explain,
    profile: job.profile,
    stdout: job.stdout,
    stderr: job.stderr,
  };
  return new TextEncoder().encode(JSON.stringify(description));
}
