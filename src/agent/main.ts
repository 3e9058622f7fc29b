/**
 * Entry of the agent's process: `node dist/agent.js`, started by a starter with the control connection as descriptor 3.
 *
 * The agent is in a session of its own, so no terminal signal reaches it; SIGTERM and its kin, sent to it by name, end it
 * and its ranks. Loads few and small modules: ranks start only after this file has run.
 */

import { Socket } from 'node:net';
import { Agent } from './agent.ts';
import { StreamConnection } from './connection.ts';
import type { FromAgent, ToAgent } from './protocol.ts';

const CONNECTION_FD = 3;

const connection = new StreamConnection<FromAgent, ToAgent>(new Socket({ fd: CONNECTION_FD, readable: true, writable: true }));
const agent = new Agent(connection);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => agent.abandon());
process.on('uncaughtException', (error) => {
  connection.send({ kind: 'failed', exitCode: 1, message: `the agent failed: ${error.stack ?? error}` });
  agent.abandon();
});
