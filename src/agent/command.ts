/**
 * The command by which a rank of a block is started as a process.
 */

import { constants } from 'node:os';
import type { PreparedProgram } from './prepared-program.ts';
import type { AgentProgram } from './protocol.ts';

/** First port of a debugger when none is named, as Node's own. */
const INSPECT_PORT = 9229;

export interface RankCommand {
  readonly file: string;
  readonly args: readonly string[];
}

/** Return what to execute for that local rank. */
export function rankCommand(block: AgentProgram, prepared: PreparedProgram, localRank: number): RankCommand {
  if (block.exec) return { file: prepared.file, args: block.args };
  const nodeArgs = block.nodeArgs.map((argument) => spreadInspectPort(argument, localRank));
  return { file: process.execPath, args: [...nodeArgs, ...prepared.nodeArgs, prepared.file, ...block.args] };
}

/** Return the exit code by which a shell tells a death by that signal. */
export function signalCode(signal: NodeJS.Signals): number {
  return 128 + (constants.signals[signal] ?? 0);
}

/** Give each rank a debugger port of its own: `--inspect` and its kin, with or without host and port. */
function spreadInspectPort(argument: string, localRank: number): string {
  const match = /^(--inspect(?:-brk|-wait)?)(?:=(?:(.*):)?(\d*)|=(.*))?$/.exec(argument);
  if (match === null) return argument;
  const [, option, host, port, hostAlone] = match;
  if (port === '0') return argument;
  const name = host ?? hostAlone;
  return `${option}=${name === undefined ? '' : `${name}:`}${Number(port || INSPECT_PORT) + localRank}`;
}
