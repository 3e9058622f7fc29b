/**
 * How the program of a block becomes what is started: found, checked, and turned into a file that Node runs.
 */

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import type { AgentProgram } from './protocol.ts';

/** A program that cannot be started, with the exit code that shells use for it. */
export class ProgramError extends Error {
  override readonly name: string = 'ProgramError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface PreparedProgram {
  /** File to start: a module for Node, or an executable. */
  readonly file: string;
  /** Arguments that Node needs to run it, before the file. */
  readonly nodeArgs: readonly string[];
  /** Remove what was made for it. */
  dispose(): void;
}

/** What preparing needs from the agent. */
export interface ProgramHost {
  readonly jobId: string;
  /** Have a path removed if this process dies; called before it is made. */
  addPath(path: string): void;
}

/** Find the program of a block and make it ready to run on this host. */
export async function prepareProgram(block: AgentProgram, _host: ProgramHost): Promise<PreparedProgram> {
  const file = block.exec ? findExecutable(block) : resolve(block.wdir, block.program);
  if (!block.exec && !isFile(file)) throw new ProgramError(127, `program not found: ${file}`);
  return { file, nodeArgs: [], dispose: () => {} };
}

function findExecutable(block: AgentProgram): string {
  const { program, wdir } = block;
  const path = block.env.PATH ?? process.env.PATH ?? '';
  const candidates = program.includes('/')
    ? [resolve(wdir, program)]
    : path.split(delimiter).map((folder) => resolve(wdir, folder, program));
  const found = candidates.filter(isFile);
  if (found.length === 0) throw new ProgramError(127, `program not found: ${program}`);
  const executable = found.find(isExecutable);
  if (executable === undefined) throw new ProgramError(126, `program not executable: ${found[0]}`);
  return executable;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
