/**
 * The dialing side of a control connection between hosts: WebSocket in TLS, where both sides prove that they have the key.
 */

import type { ConnectionOptions } from 'node:tls';
import type { ClientOptions, WebSocket } from 'ws';
import { type Caller, plain } from './control-server.ts';
import type { FromAgent, ToAgent } from './protocol.ts';
import { CIPHERS, HANDSHAKE_MS, WEBSOCKET_OPTIONS, WebSocketConnection } from './websocket-connection.ts';

/** Dial once; `identity` is the name of the key. */
export async function dialSecurely<Out extends ToAgent | FromAgent, In extends ToAgent | FromAgent>(
  address: string,
  port: number,
  identity: string,
  psk: Buffer,
): Promise<Caller<Out, In>> {
  // Loaded here: the agent of the launcher's own host does not need it.
  const { WebSocket } = await import('ws');
  const host = address.includes(':') ? `[${address}]` : address;
  // `ws` hands its options to tls.connect(), whose type of the last one is the true one.
  const options: Omit<ClientOptions, 'checkServerIdentity'> & Pick<ConnectionOptions, 'pskCallback' | 'checkServerIdentity'> = {
    ...WEBSOCKET_OPTIONS,
    handshakeTimeout: HANDSHAKE_MS,
    // Masks protect proxies from browsers; here is neither, and TLS hides the bytes.
    generateMask: () => {},
    ciphers: CIPHERS,
    pskCallback: () => ({ psk, identity }),
    rejectUnauthorized: true,
    // Not called under a pre-shared key: whoever shows a certificate instead is neither launcher nor agent.
    checkServerIdentity: () => new Error('it shows a certificate, which no launcher does'),
  };
  return new Promise((resolve, reject) => {
    const socket: WebSocket = new WebSocket(`wss://${host}:${port}`, options as object);
    let addresses = { remoteAddress: '', localAddress: '' };
    socket.once('upgrade', ({ socket: { remoteAddress, localAddress } }) => {
      addresses = { remoteAddress: plain(remoteAddress), localAddress: plain(localAddress) };
    });
    socket.once('open', () => resolve({ connection: new WebSocketConnection<Out, In>(socket), ...addresses }));
    socket.on('error', reject);
  });
}
