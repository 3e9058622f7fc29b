/**
 * An agent that waits: started on each host by a platform that runs one command on all of them, it listens until a
 * launcher that knows the secret takes it.
 *
 *     waiting -> taken: the connection becomes that of a job    -> leaves with the job
 *             -> dismissed: the job has no need of it           -> leaves
 *             -> nobody came for the idle time                  -> leaves
 *
 * The port stays open while it has a job, to tell other launchers so.
 */

import { type Caller, listenForCallers } from './control-server.ts';
import { deriveKey, HANDSHAKE_MS } from './keyed-websocket.ts';
import type { FromAgent, ToAgent } from './protocol.ts';
import { takeSecret } from './secret.ts';

/** What a launcher calls the key of agents that wait; no job has this name. */
export const WAITING_IDENTITY = 'waiting agent';

export interface WaitingPlan {
  readonly port: number;
  /** Absolute; undefined: the variable has the secret. */
  readonly secretFile: string | undefined;
  readonly idleMs: number;
  /** It waits for another job after one. */
  readonly stays: boolean;
}

type Take = Extract<ToAgent, { kind: 'take' }>;

/** The launcher that has taken the agent. */
export interface Taken {
  readonly connection: Caller<FromAgent, ToAgent>['connection'];
  readonly take: Take;
}

/** Derive the key of waiting agents from their secret. */
export function deriveWaitingKey(secret: Uint8Array): Buffer {
  return deriveKey(secret, WAITING_IDENTITY, 'control');
}

/**
 * Listen, then call `onListening`; resolve when a launcher has taken the agent; undefined: it is not needed. Throws in
 * words where it cannot listen.
 */
export async function waitForLauncher(plan: WaitingPlan, onListening: () => void): Promise<Taken | undefined> {
  const key = deriveWaitingKey(takeSecret(plan.secretFile, process.env));
  let onTaken: (taken: Taken | undefined) => void = () => {};
  const taken = new Promise<Taken | undefined>((resolve) => {
    onTaken = resolve;
  });
  let isTaken = false;
  const ports = [plan.port, plan.port] as const;
  await listenForCallers<FromAgent, ToAgent>({ identity: WAITING_IDENTITY, key, ports }, ({ connection }) => {
    const late = setTimeout(() => connection.drop(), HANDSHAKE_MS);
    connection.onEnd = () => clearTimeout(late);
    connection.onMessage = (message) => {
      clearTimeout(late);
      if (message.kind === 'dismiss') {
        connection.close();
        if (!isTaken && !plan.stays) onTaken(undefined);
      } else if (message.kind !== 'take') {
        connection.drop();
      } else if (isTaken) {
        connection.send({ kind: 'busy' });
        connection.close();
      } else {
        isTaken = true;
        onTaken({ connection, take: message });
      }
    };
  });
  onListening();
  const idle = setTimeout(() => onTaken(undefined), plan.idleMs);
  const result = await taken;
  clearTimeout(idle);
  return result;
}
