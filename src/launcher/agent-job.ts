/**
 * The agent's part of the job, made from the options and the placement.
 */

import type { AgentJob } from '../agent/protocol.ts';
import { VERSION } from '../base/version.ts';
import type { TerminalFacts } from '../bootstrap/job.ts';
import type { LaunchOptions } from './options.ts';
import type { Placement } from './placement.ts';

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
  // The agent runs without NODE_OPTIONS; the ranks get them back.
  const nodeOptions = process.env.NODE_OPTIONS === undefined ? {} : { NODE_OPTIONS: process.env.NODE_OPTIONS };
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
      env: { ...nodeOptions, ...env },
      nodeArgs,
    })),
    programOfRank: placement.programOfRank,
    rankKind: options.rankKind,
    bindTo: options.bindTo,
    threadsPerRank: options.threadsPerRank,
    wait: options.wait,
    deterministic: options.deterministic,
    transports: options.transports,
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
