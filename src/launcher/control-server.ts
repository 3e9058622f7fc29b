/**
 * ControlServer: where agents of other hosts dial in. A stranger does not get in: the key is the job's (keyed-websocket.ts).
 */

import { type KeyedServer, listenWithKey } from '../agent/keyed-websocket.ts';
import { type FromAgent, MAX_HEADER_BYTES, type ToAgent } from '../agent/protocol.ts';
import { WebSocketConnection } from '../agent/websocket-connection.ts';

/** An agent that has proven the secret but not said who it is. */
export interface Caller {
  readonly connection: WebSocketConnection<ToAgent, FromAgent>;
  /** The agent's address, and ours, by which it reached us. */
  readonly remoteAddress: string;
  readonly localAddress: string;
}

/** Listen on all addresses of this host. */
export function listenForAgents(jobId: string, key: Buffer, onCaller: (caller: Caller) => void): Promise<KeyedServer> {
  return listenWithKey({ identity: jobId, key }, undefined, MAX_HEADER_BYTES, (socket, { socket: stream }) => {
    const connection = new WebSocketConnection<ToAgent, FromAgent>(socket);
    const { remoteAddress, localAddress } = stream;
    onCaller({ connection, remoteAddress: plain(remoteAddress), localAddress: plain(localAddress) });
  });
}

/** An IPv4 address that came over an IPv6 socket, as IPv4. */
function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/i, '');
}
