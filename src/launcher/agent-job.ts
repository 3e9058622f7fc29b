/**
 * The agent's part of the job, made from the options and the placement.
 */

import { randomBytes } from 'node:crypto';
import type { AgentJob } from '../agent/protocol.ts';
import { VERSION } from '../base/version.ts';
import type { TerminalFacts } from '../bootstrap/job.ts';
import type { LaunchOptions } from './options.ts';
import type { Placement } from './placement.ts';

/**
 * Variables that the agent runs without; the ranks get them back. Options of Node that the user set are meant for the
 * ranks: a debugger or profiler in the agent would collide with theirs. Reading certificates takes 30 ms of a start, and
 * the agent speaks to nobody who shows one.
 */
export const WITHHELD_FROM_AGENT: readonly string[] = ['NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS'];

/** Bytes of a job's secret. */
const KEY_BYTES = 32;

/** Whose standard input comes how: one rank reads ours itself, unless ours is a terminal. */
export function planInput(stdin: LaunchOptions['stdin'], size: number, isTerminal: boolean): AgentJob['stdin'] {
  if (stdin === 'none') return { ranks: [], from: 'forward' };
  if (stdin === 'all') return { ranks: Array.from({ length: size }, (_, rank) => rank), from: 'forward' };
  return { ranks: [stdin], from: isTerminal ? 'forward' : 'inherit' };
}

/** Return what the agent of this host is told. */
export function describeAgentJob(
  id: string,
  hostName: string,
  options: LaunchOptions,
  placement: Placement,
  stdin: AgentJob['stdin'],
): AgentJob {
  const withheld = Object.fromEntries(
    WITHHELD_FROM_AGENT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  return {
    id,
    version: VERSION,
    size: placement.size,
    hosts: [{ name: hostName, slots: placement.size }],
    hostOfRank: new Array<number>(placement.size).fill(0),
    hostIndex: 0,
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
    key: randomBytes(KEY_BYTES).toString('base64'),
    explain: options.explain,
    hugePages: options.hugePages,
    stdin,
    stdout: terminalFacts(process.stdout),
    stderr: terminalFacts(process.stderr),
  };
}

function terminalFacts(stream: NodeJS.WriteStream): TerminalFacts {
  if (!stream.isTTY) return { isTTY: false, columns: 80, rows: 24, colorDepth: 1 };
  return { isTTY: true, columns: stream.columns, rows: stream.rows, colorDepth: stream.getColorDepth() };
}
