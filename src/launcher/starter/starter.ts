/**
 * StarterProcess: a process of ours that holds agents on other hosts: an ssh, a srun, a pbs_tmrsh.
 *
 * It runs in a session of its own, so that the terminal's Ctrl-C reaches the launcher alone. Its standard input, where it
 * takes any, stays open as long as its agents may live: the invitation is the first line of it, and its end is theirs.
 */

import { type ChildProcess, spawn } from 'node:child_process';

/** What is kept of its output: it is for people, who want its end. */
const MAX_OUTPUT_BYTES = 16_384;
/** What stands before an agent's last words. */
const AGENT_SAYS = 'tsmpi agent: ';
/** How long it may take to end once its input has. */
const END_MS = 500;

/** How it ended. */
export interface StarterEnd {
  /** In words. */
  readonly how: string;
  readonly code: number | null;
  /** It was not we who ended it. */
  readonly isOwn: boolean;
}

export class StarterProcess {
  /** Hosts whose agents it holds, as indices. */
  readonly hosts: readonly number[];
  readonly ended: Promise<StarterEnd>;
  readonly #child: ChildProcess;
  #end: StarterEnd | undefined;
  #isKilled = false;
  #output = '';

  /** Start that command; the invitation is given to it when it is known. undefined: it takes no input. */
  constructor(
    hosts: readonly number[],
    command: readonly string[],
    env: NodeJS.ProcessEnv,
    invitation: Promise<string> | undefined,
  ) {
    const [file, ...args] = command;
    this.hosts = hosts;
    const stdin = invitation === undefined ? 'ignore' : 'pipe';
    this.#child = spawn(file!, args, { env, detached: true, stdio: [stdin, 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-MAX_OUTPUT_BYTES);
      });
    }
    this.#child.stdin?.on('error', () => {}); // it has ended, which `ended` tells
    this.ended = new Promise((resolve) => {
      const settle = (how: string, code: number | null): void => {
        this.#end ??= { how: `${file} ${how}`, code, isOwn: !this.#isKilled };
        resolve(this.#end);
      };
      this.#child.once('error', (error) => settle(`could not be started: ${error.message}`, null));
      this.#child.once('close', (code, signal) => {
        settle(signal === null ? `exited with code ${code}` : `was killed by ${signal}`, code);
      });
      invitation?.then(
        (line) => this.#child.stdin?.write(`${line}\n`),
        (error: Error) => {
          settle(`was not used: ${error.message}`, null);
          this.kill();
        },
      );
    });
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** Why it ended, if it did so by itself: in the words of the one agent that it held, or else how. */
  get ownEnd(): string | undefined {
    if (this.#end?.isOwn !== true) return undefined;
    const said = this.hosts.length === 1 ? this.output.findLast((line) => line.startsWith(AGENT_SAYS)) : undefined;
    return said?.slice(AGENT_SAYS.length) ?? this.#end.how;
  }

  /** What it printed, line by line. */
  get output(): string[] {
    return this.#output.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trimEnd()]));
  }

  /** End it, and with it the agents that it still holds. */
  async stop(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.kill(), END_MS);
    await this.ended;
    clearTimeout(timer);
  }

  /** With whatever it has started in its session: that would hold its output, and we would wait for it. */
  kill(): void {
    this.#isKilled = true;
    const { pid } = this.#child;
    if (pid === undefined || this.isOver) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // All of them have ended.
    }
  }
}
