/**
 * The dialing side of a control connection between hosts (keyed-websocket.ts).
 */

import { type Caller, plain } from './control-server.ts';
import { dialWithKey } from './keyed-websocket.ts';
import { type FromAgent, MAX_HEADER_BYTES, type ToAgent } from './protocol.ts';
import { WebSocketConnection } from './websocket-connection.ts';

/** Dial once; `identity` is the name of the key. */
export async function dialSecurely<Out extends ToAgent | FromAgent, In extends ToAgent | FromAgent>(
  address: string,
  port: number,
  identity: string,
  key: Buffer,
): Promise<Caller<Out, In>> {
  const { socket, stream } = await dialWithKey({ identity, key }, address, port, MAX_HEADER_BYTES);
  const connection = new WebSocketConnection<Out, In>(socket);
  return { connection, remoteAddress: plain(stream.remoteAddress), localAddress: plain(stream.localAddress) };
}
