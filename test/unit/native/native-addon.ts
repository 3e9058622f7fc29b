/**
 * The addon under test, and small programs that run beside a test in a process of their own.
 *
 * A program gets the addon's path as its first argument and talks in lines. Every wait has a deadline that says what was
 * waited for and what the program had said by then. Whatever still runs at the end of a test is killed.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Addon } from '../../../src/native/addon.ts';
import { loadAddon } from '../../../src/native/loader.ts';

const DEADLINE_MS = 20_000;

const { addon: loaded, attempts } = loadAddon();

/** Undefined where the addon is there, else why the tests that need it are skipped. */
export const missing: string | undefined = loaded
  ? undefined
  : attempts.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
/** Only to be touched inside suites that `missing` skips. */
export const addon: Addon = loaded as Addon;
export const addonPath: string = attempts.at(-1)?.path ?? '';

/** Name a suite that needs the addon; vitest shows the reason when it is skipped. */
export const named = (title: string): string => (missing === undefined ? title : `${title} (no addon: ${missing})`);

/** Turn the event loop until the condition holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS} ms until ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Return how many descriptors this process has open. */
export const countDescriptors = (): number => readdirSync('/proc/self/fd').length;

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Program {
  readonly child: ChildProcess;
  readonly end: Promise<ProgramEnd>;
  stderr = '';
  readonly #lines: string[] = [];
  #ended: ProgramEnd | undefined;

  constructor(child: ChildProcess) {
    this.child = child;
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.#lines.push(...lines);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.end = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        this.#ended = { code, signal };
        resolve(this.#ended);
      });
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Return the next line that the program prints. */
  async line(): Promise<string> {
    await until(() => this.#lines.length > 0 || this.#ended !== undefined, `the program prints a line; stderr: ${this.stderr}`);
    const line = this.#lines.shift();
    if (line === undefined)
      throw new Error(`the program ended (${JSON.stringify(this.#ended)}) without a line; stderr: ${this.stderr}`);
    return line;
  }

  /** Return how the program ended. */
  async ended(): Promise<ProgramEnd> {
    await until(() => this.#ended !== undefined, `the program ends; stderr: ${this.stderr}`);
    return this.end;
  }

  say(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }
}

/** Start test/unit/native/programs/<name>.mjs. `detached`: in a session and process group of its own. */
export function startProgram(name: string, args: readonly (string | number)[], options: { detached?: boolean } = {}): Program {
  const path = fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [path, addonPath, ...args.map(String)], {
    stdio: 'pipe',
    detached: options.detached ?? false,
  });
  const program = new Program(child);
  onTestFinished(async () => {
    child.stdin?.destroy();
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await program.ended();
  });
  return program;
}
