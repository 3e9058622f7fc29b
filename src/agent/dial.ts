/**
 * How an agent on another host comes to its launcher: reads its invitation, dials, proves that it knows the secret.
 *
 * The address by which the starter came is tried first, then every address of the launcher, over and over until a
 * deadline: names and routes may come up later than hosts do.
 */

import { networkInterfaces } from 'node:os';
import type { WebSocket } from 'ws';
import { type Invitation, parseInvitation } from './invitation.ts';
import { deriveKey, dialWithKey } from './keyed-websocket.ts';
import { type AgentPlace, type FromAgent, MAX_HEADER_BYTES, type ToAgent } from './protocol.ts';
import { WebSocketConnection } from './websocket-connection.ts';

/** How long to try. */
const DIAL_MS = 20_000;
const PAUSE_MS = 200;
const MAX_LINE_BYTES = 1 << 20;

export interface Dialed {
  readonly connection: WebSocketConnection<FromAgent, ToAgent>;
  readonly invitation: Invitation;
}

/** Read the invitation from standard input, which stays open, and dial. Throws in words. */
export async function dialLauncher(): Promise<Dialed> {
  const invitation = parseInvitation(await readLine());
  const addresses = new Set([...starterAddresses(), ...invitation.addresses]);
  const deadlineMs = performance.now() + DIAL_MS;
  let isStarterGone = false;
  process.stdin.once('end', () => {
    isStarterGone = true;
  });
  let failures: string[] = [];
  do {
    if (isStarterGone) throw new Error('standard input ended: the starter is gone');
    failures = [];
    for (const address of addresses) {
      try {
        return { connection: new WebSocketConnection(await dial(address, invitation)), invitation };
      } catch (error) {
        failures.push(`${address}: ${(error as Error).message}`);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  } while (performance.now() < deadlineMs);
  throw new Error(`the launcher cannot be reached on port ${invitation.port} (${failures.join('; ')})`);
}

/** Say which host this is. */
export function placeOf({ hostIndex }: Invitation): AgentPlace {
  return hostIndex === undefined ? { nodeName: process.env.SLURMD_NODENAME ?? '' } : { hostIndex };
}

/** Return the addresses of this host, loopback and link-local ones aside. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((entries = []) =>
    entries.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address)).map(({ address }) => address),
  );
}

/** Where the starter says that it came from. */
function starterAddresses(): string[] {
  const { SSH_CONNECTION, SLURM_LAUNCH_NODE_IPADDR } = process.env;
  return [SSH_CONNECTION?.split(' ')[0] ?? '', SLURM_LAUNCH_NODE_IPADDR ?? ''].filter((address) => address !== '');
}

function dial(address: string, { jobId, secret, port }: Invitation): Promise<WebSocket> {
  const key = deriveKey(Buffer.from(secret, 'base64url'), jobId, 'control');
  return dialWithKey({ identity: jobId, key }, address, port, MAX_HEADER_BYTES);
}

/** Read the first line, and leave what comes behind it. */
function readLine(): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\n');
      if (end < 0 && text.length < MAX_LINE_BYTES) return;
      process.stdin.off('data', onData).off('end', onEnd);
      if (end < 0) reject(new Error(`no line within the first ${MAX_LINE_BYTES} bytes of standard input`));
      else resolve(text.slice(0, end));
    };
    const onEnd = (): void => reject(new Error('standard input ended before an invitation came'));
    process.stdin.on('data', onData).on('end', onEnd);
  });
}
