/**
 * Entry of the agent's process: `node dist/agent.js`, started by a starter with the control connection as descriptor 3, or
 * `node dist/agent.js dial [FILE]` on another host, with an invitation on standard input or in that file.
 *
 * The agent is in a session of its own, so no terminal signal reaches it; SIGTERM and its kin, sent to it by name, end it
 * and its ranks. Loads few and small modules: ranks start only after this file has run.
 */

import { Socket } from 'node:net';
import { Agent } from './agent.ts';
import { StreamConnection } from './connection.ts';
import type { FromAgent, ToAgent } from './protocol.ts';

const CONNECTION_FD = 3;

let agent: Agent | undefined;
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (agent === undefined) process.exit(1);
    agent.abandon(`it got ${signal}`);
  });
}
process.on('uncaughtException', (error) => {
  if (agent === undefined) {
    process.stderr.write(`tsmpi agent: ${error.stack ?? error}\n`);
    process.exit(1);
  }
  agent.fail(`the agent failed: ${error.stack ?? error}`);
});

const [, , mode, file] = process.argv;
if (mode === 'dial') await startAfar();
else {
  const socket = new Socket({ fd: CONNECTION_FD, readable: true, writable: true });
  agent = new Agent(new StreamConnection<FromAgent, ToAgent>(socket));
}

async function startAfar(): Promise<void> {
  const { dialLauncher, ownAddresses, placeOf } = await import('./dial.ts');
  try {
    const { connection, invitation } = await dialLauncher(file);
    agent = new Agent(connection, {
      place: placeOf(invitation),
      addresses: ownAddresses(),
      heartbeatMs: invitation.heartbeatMs,
    });
  } catch (error) {
    process.stderr.write(`tsmpi agent: ${(error as Error).message}\n`);
    process.exit(1);
  }
  if (file !== undefined) return;
  const onStarterGone = (): void => agent?.abandon(undefined);
  process.stdin.on('end', onStarterGone).on('error', onStarterGone).resume();
  if (process.stdin.readableEnded) onStarterGone();
}
