/**
 * The agents' parts of the job, made from the options and the placement.
 */

import { randomBytes } from 'node:crypto';
import { travellingEnvironment } from '../agent/environment.ts';
import type { AgentJob } from '../agent/protocol.ts';
import { VERSION } from '../base/version.ts';
import type { TerminalFacts } from '../bootstrap/job.ts';
import type { LaunchOptions } from './options.ts';
import type { Placement } from './placement.ts';
import type { Stage } from './stage.ts';

/**
 * Variables that the agent of this machine runs without; the ranks get them back. Options of Node that the user set are
 * meant for the ranks: a debugger or profiler in the agent would collide with theirs. Reading certificates takes 30 ms of
 * a start, and the agent speaks to nobody who shows one.
 */
export const WITHHELD_FROM_AGENT: readonly string[] = ['NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS'];

/** What is the same for all agents. */
export type CommonJob = Omit<AgentJob, 'hostIndex' | 'env' | 'addresses'>;

/** Whose standard input comes how: one rank on this machine reads ours itself, unless ours is a terminal. */
export function planInput(
  stdin: LaunchOptions['stdin'],
  { size, hostOfRank }: Pick<Placement, 'size' | 'hostOfRank'>,
  local: number,
  isTerminal: boolean,
): AgentJob['stdin'] {
  if (stdin === 'none') return { ranks: [], from: 'forward' };
  if (stdin === 'all') return { ranks: Array.from({ length: size }, (_, rank) => rank), from: 'forward' };
  return { ranks: [stdin], from: isTerminal || hostOfRank[stdin] !== local ? 'forward' : 'inherit' };
}

/** Return what all agents are told alike. */
export function describeCommonJob(id: string, options: LaunchOptions, placement: Placement, stdin: AgentJob['stdin']): CommonJob {
  const withheld = Object.fromEntries(
    WITHHELD_FROM_AGENT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  return {
    id,
    version: VERSION,
    size: placement.size,
    key: randomBytes(32).toString('base64'),
    hosts: placement.hosts.map(({ name, slots }) => ({ name, slots })),
    ports: options.ports,
    hostOfRank: placement.hostOfRank,
    programs: options.blocks.map(({ program, args, exec, wdir, env, nodeArgs }) => ({
      program,
      args,
      exec,
      wdir,
      env: { ...withheld, ...env },
      nodeArgs,
    })),
    programOfRank: placement.programOfRank,
    rankKind: options.rankKind,
    bindTo: options.bindTo,
    threadsPerRank: options.threadsPerRank,
    wait: options.wait,
    deterministic: options.deterministic,
    transports: options.transports,
    tls: options.tls,
    heartbeatMs: options.heartbeatSeconds * 1000,
    explain: options.explain,
    profile: options.profile,
    hugePages: options.hugePages,
    stdin,
    stdout: terminalFacts(process.stdout),
    stderr: terminalFacts(process.stderr),
  };
}

/** Return what the agent of one host is told; `isLocal`: it is on this machine and has our environment already. */
export function describeAgentJob(
  common: CommonJob,
  hostIndex: number,
  user: string | undefined,
  isLocal: boolean,
  addresses: readonly string[],
  stage: Stage | undefined,
): AgentJob {
  if (isLocal) return { ...common, hostIndex, addresses, env: undefined };
  const staged = stage === undefined ? {} : { programs: stage.locate(common.programs), stageFolder: stage.folderOf(hostIndex) };
  return { ...common, ...staged, hostIndex, addresses, env: travellingEnvironment(process.env, user) };
}

function terminalFacts(stream: NodeJS.WriteStream): TerminalFacts {
  if (!stream.isTTY) return { isTTY: false, columns: 80, rows: 24, colorDepth: 1 };
  return { isTTY: true, columns: stream.columns, rows: stream.rows, colorDepth: stream.getColorDepth() };
}
