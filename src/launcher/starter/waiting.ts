/**
 * Agents found waiting: a platform has started them on each host (`tsmpi agent --listen`), and the launcher calls them.
 */

import type { Caller } from '../../agent/control-server.ts';
import type { FromAgent, ToAgent } from '../../agent/protocol.ts';
import { dialSecurely } from '../../agent/secure-dial.ts';
import { deriveWaitingKey, WAITING_IDENTITY } from '../../agent/waiting.ts';

/** How long to call; names and agents may come up later than the launcher. */
const CALL_MS = 15_000;
const PAUSE_MS = 200;
/** How long an agent that is not needed may take to hear it. */
const DISMISS_MS = 2000;

/** Where agents wait, and what they want to hear. */
export interface WaitingAgents {
  readonly port: number;
  readonly secret: Uint8Array;
}

export type CalledAgent = Caller<ToAgent, FromAgent>;

/** Call the agent on that host until it answers. Throws in words. */
export async function callAgent(host: string, waiting: WaitingAgents, signal: AbortSignal): Promise<CalledAgent> {
  const limitMs = performance.now() + CALL_MS;
  for (;;) {
    try {
      return await dial(host, waiting);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (signal.aborted) throw error;
      // TLS's own words; a host that is not there has a code of the system, a silent one none.
      if (/\balert\b/.test(message)) {
        throw new Error(`the agent on port ${waiting.port} there does not share our secret (--secret-file, TSMPI_AGENT_SECRET)`);
      }
      if (code === 'EPROTO' || code?.startsWith('ERR_SSL') || code?.startsWith('HPE')) {
        throw new Error(`what listens on port ${waiting.port} there is no agent of tsmpi (--agent-port): ${message.trim()}`);
      }
      if (performance.now() > limitMs) {
        throw new Error(`no agent waits on port ${waiting.port} there (${message}): start one with tsmpi agent --listen`);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Tell the agent that waits on this very host, if one does, that nobody needs it: the launcher starts its own here. */
export async function dismissOwnAgent(waiting: WaitingAgents): Promise<void> {
  const called = await dial('127.0.0.1', waiting).catch(() => undefined);
  if (called === undefined) return;
  const { connection } = called;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => connection.drop(), DISMISS_MS);
    connection.onEnd = () => {
      clearTimeout(timer);
      resolve();
    };
    connection.send({ kind: 'dismiss' });
  });
}

function dial(host: string, { port, secret }: WaitingAgents): Promise<CalledAgent> {
  return dialSecurely<ToAgent, FromAgent>(host, port, WAITING_IDENTITY, deriveWaitingKey(secret));
}
