/**
 * tsmpi agent --listen: starts an agent that waits for a launcher, for platforms that run one command on every host.
 *
 * The command returns only once the agent listens, and the agent goes on in the background, since such a platform (Azure
 * Batch) begins the job itself when the command has returned everywhere. With --foreground it stays instead, for those
 * that watch over what they start.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { WaitingPlan } from '../agent/waiting.ts';

/** How long the agent may take to listen. */
const START_MS = 20_000;
/** 23 days: a longer timer of Node fires at once. */
const MAX_IDLE_SECONDS = 2e6;

/** The command's options as they were typed. */
export interface WaitingOptions {
  readonly port: string;
  readonly idle: string;
  readonly secretFile: string | undefined;
  readonly stay: boolean;
  readonly foreground: boolean;
}

/** Start the agent; resolve with the exit code. Says how it went. */
export async function startWaitingAgent(options: WaitingOptions): Promise<number> {
  const { stay, foreground } = options;
  const port = /^\d{1,5}$/.test(options.port) ? Number(options.port) : 0;
  if (port < 1 || port > 65_535) return refuse(`--port got ${options.port}: expected a port from 1 to 65535`);
  const idle = /^\d+(\.\d+)?$/.test(options.idle) ? Number(options.idle) : 0;
  if (idle <= 0 || idle > MAX_IDLE_SECONDS) {
    return refuse(`--idle got ${options.idle}: expected seconds, more than 0 and at most ${MAX_IDLE_SECONDS}`);
  }
  const secretFile = options.secretFile === undefined ? undefined : resolve(options.secretFile);
  const agent = spawnAgent({ port, secretFile, idleMs: idle * 1000, stays: stay }, foreground);
  const failure = await firstReport(agent);
  if (failure !== '') {
    process.stderr.write(`tsmpi agent: ${failure}\n`);
    return 1;
  }
  const end = stay ? `after ${idle} s without a job` : `with its job, or after ${idle} s without one`;
  console.log(`tsmpi agent: process ${agent.pid} waits on port ${port}; it leaves ${end}`);
  if (!foreground) {
    agent.unref();
    return 0;
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => agent.kill(signal));
  return new Promise((done) => agent.once('exit', (code) => done(code ?? 1)));
}

function refuse(message: string): number {
  process.stderr.write(`tsmpi agent: ${message}\n`);
  return 2;
}

function spawnAgent(plan: WaitingPlan, isForeground: boolean): ChildProcess {
  const entry = fileURLToPath(new URL('./agent.cjs', import.meta.url));
  // Nothing of ours stays open in it: a platform may wait for the end of what it reads from us.
  return spawn(process.execPath, [entry, 'listen', JSON.stringify(plan)], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'ignore', isForeground ? 'inherit' : 'ignore', 'pipe'],
  });
}

/** Resolve with why the agent does not listen; empty: it does. */
function firstReport(agent: ChildProcess): Promise<string> {
  const pipe = agent.stdio[3] as Readable;
  return new Promise((done) => {
    let text = '';
    const timer = setTimeout(() => {
      agent.kill('SIGKILL');
      done(`it did not listen within ${START_MS / 1000} s`);
    }, START_MS);
    const settle = (failure: string): void => {
      clearTimeout(timer);
      done(failure);
    };
    pipe.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    pipe.on('close', () => settle(text.endsWith('\n') ? text.trimEnd() : 'it ended before it listened'));
    agent.on('error', (error) => settle(`it could not be started: ${error.message}`));
  });
}
