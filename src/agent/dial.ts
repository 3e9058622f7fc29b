/**
 * How an agent on another host comes to its launcher: reads its invitation, dials, proves that it knows the secret.
 *
 * The address by which the starter came is tried first, then every address of the launcher, over and over until a
 * deadline: names and routes may come up later than hosts do.
 */

import { networkInterfaces } from 'node:os';
import type { Caller } from './control-server.ts';
import { type Invitation, parseInvitation } from './invitation.ts';
import { isWithdrawn, takeInvitation } from './invitation-file.ts';
import { deriveKey } from './keyed-websocket.ts';
import type { AgentPlace, FromAgent, ToAgent } from './protocol.ts';
import { dialSecurely } from './secure-dial.ts';
import type { WebSocketConnection } from './websocket-connection.ts';

/** How long to try. */
const DIAL_MS = 20_000;
const PAUSE_MS = 200;
const MAX_LINE_BYTES = 1 << 20;

export interface Dialed {
  readonly connection: WebSocketConnection<FromAgent, ToAgent>;
  readonly invitation: Invitation;
}

/**
 * Read the invitation, from standard input, which stays open, or from that file, and dial. Throws in words.
 */
export async function dialLauncher(file: string | undefined): Promise<Dialed> {
  const invitation = parseInvitation(file === undefined ? await readLine() : takeInvitation(file));
  const addresses = new Set([...starterAddresses(), ...invitation.addresses]);
  const deadlineMs = performance.now() + DIAL_MS;
  let isInputOver = false;
  if (file === undefined) {
    process.stdin.once('end', () => {
      isInputOver = true;
    });
  }
  let failures: string[] = [];
  do {
    if (isInputOver) throw new Error('standard input ended: the starter is gone');
    if (file !== undefined && isWithdrawn(file)) throw new Error('the launcher has given up: its invitations are gone');
    failures = [];
    for (const address of addresses) {
      try {
        return { connection: (await dial(address, invitation)).connection, invitation };
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

function dial(address: string, { jobId, secret, port }: Invitation): Promise<Caller<FromAgent, ToAgent>> {
  return dialSecurely(address, port, jobId, deriveKey(Buffer.from(secret, 'base64url'), jobId, 'control'));
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
