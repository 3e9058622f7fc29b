/**
 * What becomes of a program before it is started, and what can go wrong with it.
 */

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
