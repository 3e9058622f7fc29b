/**
 * Runs whole jobs for the tests: starts the built launcher, waits with a deadline that prints where every rank waits, and
 * checks after each job that nothing of it is left: no process, no file.
 *
 * Every process of a job inherits one variable from the launcher, by which all of them are found in /proc.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const LAUNCHER: string = fileURLToPath(new URL('../../dist/tsmpirun.cjs', import.meta.url));
const PROGRAMS = fileURLToPath(new URL('../programs/', import.meta.url));
const MARK = 'TSMPI_TEST_JOB';
/** How long a killed job's processes may take to go. */
const LEAK_MS = 3000;
const DEFAULT_DEADLINE_MS = 30_000;

/** Path of a program in test/programs. */
export function program(name: string): string {
  return join(PROGRAMS, name);
}

export interface JobOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Given to the launcher as its standard input; undefined: /dev/null. */
  readonly input?: string | Buffer;
  /** Leave standard input open for the test to end. */
  readonly holdInput?: boolean;
  readonly deadlineMs?: number;
  /** Run this command instead of `node dist/tsmpirun.cjs`. */
  readonly command?: readonly string[];
  /** Leave stdout unread until readOutput() is called. */
  readonly holdOutput?: boolean;
}

export interface JobResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Last line of stderr. */
  readonly lastLine: string;
}

let count = 0;

/** A job under way. */
export class Job {
  readonly child: ChildProcess;
  readonly #mark = `${process.pid}-${++count}`;
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'tsmpi-test-'));
  readonly #deadline: NodeJS.Timeout;
  readonly #ended: Promise<JobResult>;
  readonly #listeners = new Set<() => void>();
  #isLate = false;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], options: JobOptions = {}) {
    const [file, ...before] = options.command ?? [process.execPath, LAUNCHER];
    const env = { ...process.env, TMPDIR: this.#folder, ...options.env, [MARK]: this.#mark };
    for (const name of Object.keys(env)) if (/^npm_/.test(name) && !(name in (options.env ?? {}))) delete env[name as never];
    const stdin = options.input === undefined && !options.holdInput ? 'ignore' : 'pipe';
    this.child = spawn(file!, [...before, ...args], { env, cwd: options.cwd, stdio: [stdin, 'pipe', 'pipe'] });
    this.child.stdin?.on('error', () => {});
    if (options.input !== undefined) this.child.stdin!.end(options.input);
    this.child.stdout!.setEncoding('utf8');
    if (!options.holdOutput) this.readOutput();
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      for (const look of this.#listeners) look();
    });
    this.#deadline = setTimeout(() => this.#onDeadline(), options.deadlineMs ?? DEFAULT_DEADLINE_MS);
    this.#ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        clearTimeout(this.#deadline);
        const lastLine = this.stderr.trimEnd().split('\n').at(-1) ?? '';
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr, lastLine });
      });
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  readOutput(): void {
    this.child.stdout!.on('data', (text: string) => {
      this.stdout += text;
      for (const look of this.#listeners) look();
    });
  }

  /** Resolve when stdout or stderr holds a match, that many times. */
  async output(pattern: RegExp, times = 1): Promise<RegExpExecArray[]> {
    const every = new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`);
    for (;;) {
      const found = [...`${this.stdout}\n${this.stderr}`.matchAll(every)] as RegExpExecArray[];
      if (found.length >= times) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`the job ended without ${times} × ${pattern}:\n${this.stdout}\n${this.stderr}`);
      }
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#listeners.delete(look);
          this.child.off('close', look);
          resolve();
        };
        this.#listeners.add(look);
        this.child.once('close', look);
      });
    }
  }

  /** Wait for the end of the launcher; then nothing of the job may be left. */
  async end(): Promise<JobResult> {
    const result = await this.#ended;
    const left = await this.leftovers();
    rmSync(this.#folder, { recursive: true, force: true });
    if (this.#isLate) throw new Error(`the job passed its deadline\n${this.stdout}\n${this.stderr}`);
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}\n${this.stdout}\n${this.stderr}`);
    return result;
  }

  /** Processes and files of the job that are still there, after some time to go. */
  async leftovers(): Promise<string[]> {
    const limit = performance.now() + LEAK_MS;
    for (;;) {
      const left = [...this.processes().map(describeProcess), ...readdirSync(this.#folder)];
      if (left.length === 0 || performance.now() > limit) return left;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Process ids of the job, the launcher's included. */
  processes(): number[] {
    const wanted = `${MARK}=${this.#mark}\0`;
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && readProc(name, 'environ').includes(wanted))
      .map(Number);
  }

  /** Process id of the launcher itself, where a command that enters a host stands before it. */
  launcher(): number {
    return this.find(/^[^\0]*node\0[^\0]*\/dist\/tsmpirun\.cjs/);
  }

  /** Process id of the agent. */
  agent(): number {
    return this.find(/\/dist\/agent\.cjs/);
  }

  /** Process id of the agent's watchdog. */
  watchdog(): number {
    return this.find(/tsmpi-watchdog/);
  }

  /** Process id of the job's process with that command line. */
  find(commandLine: RegExp): number {
    const found = this.processes().find((pid) => commandLine.test(readProc(pid, 'cmdline')));
    if (found === undefined) throw new Error(`no process of the job matches ${commandLine}`);
    return found;
  }

  #onDeadline(): void {
    this.#isLate = true;
    this.child.kill('SIGQUIT');
    setTimeout(() => {
      for (const pid of this.processes()) process.kill(pid, 'SIGKILL');
    }, 1000);
  }
}

/** Run a job to its end. */
export function runJob(args: readonly string[], options: JobOptions = {}): Promise<JobResult> {
  return new Job(args, options).end();
}

/** One letter: R running, S sleeping, T stopped, Z dead; empty: gone. */
export function processState(pid: number): string {
  const stat = readProc(pid, 'stat');
  return stat === '' ? '' : stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
}

function describeProcess(pid: number): string {
  return `${pid} (${processState(pid)}) ${readProc(pid, 'cmdline').replaceAll('\0', ' ')}`;
}

function readProc(pid: number | string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
