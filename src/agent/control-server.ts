/**
 * ControlServer: where the other side of a control connection dials in: agents of other hosts at their launcher, a launcher
 * at an agent that waits. A stranger does not get in: both sides need the key (keyed-websocket.ts).
 */

import { type KeyedServer, listenWithKey, type NamedKey } from './keyed-websocket.ts';
import { type FromAgent, MAX_HEADER_BYTES, type ToAgent } from './protocol.ts';
import { WebSocketConnection } from './websocket-connection.ts';

type Message = ToAgent | FromAgent;

/** Somebody who has proven the secret but not said who he is. */
export interface Caller<Out extends Message, In extends Message> {
  readonly connection: WebSocketConnection<Out, In>;
  /** The other side's address, and ours. */
  readonly remoteAddress: string;
  readonly localAddress: string;
}

export interface ControlServerPlan extends NamedKey {
  /** First and last port to try; undefined: any. */
  readonly ports: readonly [first: number, last: number] | undefined;
}

/** Listen on all addresses of this host. Throws in words where none of the ports can be had. */
export function listenForCallers<Out extends Message, In extends Message>(
  { ports, ...key }: ControlServerPlan,
  onCaller: (caller: Caller<Out, In>) => void,
): Promise<KeyedServer> {
  return listenWithKey(key, { address: undefined, ports }, MAX_HEADER_BYTES, (socket, { socket: stream }) => {
    const connection = new WebSocketConnection<Out, In>(socket);
    const { remoteAddress, localAddress } = stream;
    onCaller({ connection, remoteAddress: plain(remoteAddress), localAddress: plain(localAddress) });
  });
}

/** An IPv4 address that came over an IPv6 socket, as IPv4. */
export function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/i, '');
}
