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
}

/** Return the description as UTF-8 JSON. */
export function encodeJobDescription(job: AgentJob, host: HostFacts): Uint8Array {
  const threadsPerRank = job.threadsPerRank ?? Math.max(1, Math.floor(host.cores / host.localRanks.length));
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
    threadsPerRank,
    wait: job.wait,
    deterministic: job.deterministic,
    transports: job.transports,
    tls: job.tls,
    heartbeatMs: job.heartbeatMs,
    explain: job.explain,
    stdout: job.stdout,
    stderr: job.stderr,
  };
  return new TextEncoder().encode(JSON.stringify(description));
}
