/**
 * AgentLink: one host's agent as the launcher sees it, from the start of the process that brings it to its end.
 *
 *     starting -> connected (hello came) -> over: it said that nothing is left (`cleared`), or it is lost
 *              -> over: it never came
 */

import type { Connection } from '../agent/connection.ts';
import type { FromAgent, ToAgent } from '../agent/protocol.ts';
import type { PlacedHost } from './placement.ts';
import type { StartedAgent } from './starter/local.ts';
import type { StarterProcess } from './starter/starter.ts';

export type Started = Extract<FromAgent, { kind: 'started' }>;

export class AgentLink {
  readonly index: number;
  readonly host: PlacedHost;
  /** The agent of this machine: a child process. */
  local: StartedAgent | undefined;
  /** What holds the agent of another host. */
  process: StarterProcess | undefined;
  connection: Connection<ToAgent, FromAgent> | undefined;
  state: 'starting' | 'connected' | 'over' = 'starting';
  pid = 0;
  /** Address by which ranks reach the host. */
  address = '';
  /** Addresses that the host has. */
  addresses: readonly string[] = [];
  /** What it said once its ranks were started. */
  started: Started | undefined;
  /** It said that nothing is left on its host. */
  isCleared = false;
  isPaused = false;
  /** When the last message came. */
  heardMs = 0;
  /** Why it is gone, as far as anybody said. */
  reason: string | undefined;

  constructor(index: number, host: PlacedHost) {
    this.index = index;
    this.host = host;
  }

  get name(): string {
    return this.host.name;
  }

  /** How it came to its end, in words; the process that held it may have told more by now than when it was lost. */
  get how(): string {
    return this.reason ?? this.process?.ownEnd ?? 'its connection ended';
  }

  send(message: ToAgent, body?: Uint8Array): void {
    if (this.state !== 'over') this.connection?.send(message, body);
  }
}
