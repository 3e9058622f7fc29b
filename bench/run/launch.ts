/**
 * Launches: one benchmark from its start to its end, with the lines of JSON that it prints and the CPU time that it took.
 *
 * What is launched is a group of processes of its own. On Ctrl-C and on SIGTERM it is told to end, and what is still there
 * after some seconds is killed; the command then ends as by the signal. CPU time is that of all its processes, launchers
 * included, as the kernel adds up children that were waited for.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import type { Line } from '../records.ts';

/** How long a launch may take to end once it was told. */
const GRACE_MS = 5000;
const TICKS_PER_SECOND = 100;

/** What is launched. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What came of it. */
export interface Launch {
  readonly lines: readonly Line[];
  readonly wallSeconds: number;
  /** CPU time of all its processes; undefined where there is no /proc. */
  readonly cpuSeconds: number | undefined;
  /** Why there are no figures; undefined: it ended well. */
  readonly failure: string | undefined;
}

/** The command was told to end by a signal. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

let running: ChildProcess | undefined;
let interrupted: NodeJS.Signals | undefined;

/** From now on Ctrl-C ends what is launched first, then the command. */
export function watchSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted ??= signal;
      if (running !== undefined) endGroup(running, signal);
    });
  }
}

/** Throw if the command was told to end. */
export function throwIfInterrupted(): void {
  if (interrupted !== undefined) throw new Interrupted(interrupted);
}

/** Launch it; `onLine` sees each line when it comes. Rejects with Interrupted after a signal. */
export async function launch(command: Command, timeoutMs: number, onLine: (line: Line) => void = () => {}): Promise<Launch> {
  throwIfInterrupted();
  const cpuBefore = childrenCpuSeconds();
  const start = performance.now();
  const child = spawn(command.file, command.args, {
    env: { ...process.env, ...command.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running = child;
  let isLate = false;
  const deadline = setTimeout(() => {
    isLate = true;
    endGroup(child, 'SIGTERM');
  }, timeoutMs);
  const lines: Line[] = [];
  let stray = '';
  let stderr = '';
  readLines(child.stdout!, (text) => {
    const line = parseLine(text);
    if (line === undefined) stray = text;
    else {
      lines.push(line);
      onLine(line);
    }
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  const { code, signal, error } = await new Promise<{ code: number | null; signal: string | null; error?: Error }>((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  clearTimeout(deadline);
  killGroup(child);
  running = undefined;
  throwIfInterrupted();
  const wallSeconds = (performance.now() - start) / 1000;
  const cpuAfter = childrenCpuSeconds();
  const last =
    stderr
      .trimEnd()
      .split('\n')
      .filter((text) => text.trim() !== '' && !/^-+$/.test(text))
      .at(-1) ?? stray;
  const thrown = /^(?:.*\] )?\w*Error: (.+)$/m.exec(stderr)?.[1];
  let failure: string | undefined;
  if (error !== undefined) failure = error.message;
  else if (isLate) failure = `it did not end within ${timeoutMs / 1000} s`;
  else if (code !== 0)
    failure = `${thrown === undefined ? '' : `${thrown}; `}${last === '' ? 'it said nothing' : last} (${code === null ? signal : `exit code ${code}`})`;
  return {
    lines,
    wallSeconds,
    cpuSeconds: cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore,
    failure,
  };
}

/** Tell a group to end; kill it if it does not. */
function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  child.kill(signal);
  setTimeout(() => killGroup(child), GRACE_MS).unref();
}

/** End what is left of a group. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing is left: the rule.
  }
}

function parseLine(text: string): Line | undefined {
  if (!text.startsWith('{"kind":')) return undefined;
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const parts = (rest + decoder.write(chunk)).split('\n');
    rest = parts.pop()!;
    for (const part of parts) onLine(part);
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}

/** Seconds of CPU time of children that have ended, theirs included; undefined where there is no /proc. */
function childrenCpuSeconds(): number | undefined {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}
