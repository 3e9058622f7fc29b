/**
 * The job of an agent that a test drives itself: two ranks of a shell script.
 */

import type { AgentJob } from '../../src/agent/protocol.ts';
import { VERSION } from '../../src/base/version.ts';

const terminal = { isTTY: false, columns: 80, rows: 24, colorDepth: 1 };

/** Describe that job, with these changes. */
export function describeAgentJob(script: string, changes: Partial<AgentJob> = {}): AgentJob {
  return {
    id: 'test',
    version: VERSION,
    size: 2,
    key: '',
    addresses: [],
    env: undefined,
    hosts: [{ name: 'here', slots: 2 }],
    hostOfRank: [0, 0],
    hostIndex: 0,
    programs: [{ program: 'sh', args: ['-c', script], exec: true, wdir: '/', env: {}, nodeArgs: [] }],
    programOfRank: [0, 0],
    rankKind: 'process',
    bindTo: 'none',
    threadsPerRank: 1,
    wait: 'auto',
    deterministic: false,
    transports: [],
    tls: false,
    heartbeatMs: 10_000,
    explain: false,
    profile: undefined,
    hugePages: false,
    stdin: { ranks: [], from: 'forward' },
    stdout: terminal,
    stderr: terminal,
    ...changes,
  };
}
