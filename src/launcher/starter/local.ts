/**
 * The local starter: the agent of this host as a child process, over an inherited socket pair.
 *
 * The agent gets a session of its own, so that the terminal's signals reach the launcher alone. Its stderr is ours, for
 * the words of a Node that cannot start; ranks' output comes over the connection.
 */

import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Connection, StreamConnection } from '../../agent/connection.ts';
import { countOomKills, KILLED_FOR_MEMORY } from '../../agent/exit-note.ts';
import type { FromAgent, ToAgent } from '../../agent/protocol.ts';
import { WITHHELD_FROM_AGENT } from '../agent-job.ts';

export interface StartedAgent {
  readonly pid: number;
  readonly connection: Connection<ToAgent, FromAgent>;
  /** Resolves when its process has ended: with how, in words. */
  readonly ended: Promise<string>;
  /** kill -9: its watchdog and the ranks' lifelines end the ranks. */
  kill(): void;
}

/** Start the agent; `inheritInput`: it gets our standard input, for a rank to read directly. */
export function startLocalAgent(inheritInput: boolean): StartedAgent {
  const env = { ...process.env };
  for (const name of WITHHELD_FROM_AGENT) delete env[name];
  const oomKills = countOomKills();
  const entry = fileURLToPath(new URL('./agent.cjs', import.meta.url));
  const child = spawn(process.execPath, [entry], {
    detached: true,
    cwd: '/',
    env,
    stdio: [inheritInput ? 'inherit' : 'ignore', 'ignore', 'inherit', 'pipe'],
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      const note = signal === 'SIGKILL' && countOomKills() > oomKills ? ` (${KILLED_FOR_MEMORY})` : '';
      resolve(signal === null ? `exited with code ${code}` : `killed by ${signal}${note}`);
    });
  });
  return {
    pid: child.pid ?? 0,
    connection: new StreamConnection<ToAgent, FromAgent>(child.stdio[3] as Duplex),
    ended,
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}
