/**
 * The doctor's hand on another host: `tsmpi doctor --probe`, started there by the remote shell.
 *
 * It examines its host, listens on a port as a rank would, and then does what its standard input asks, a line of JSON for
 * each request and each answer, until that ends. Whoever connects is told its token, and must not be asked twice: so a port
 * that something else answers, or another host with the same address, is found out.
 */

import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { ownAddresses } from '../agent/dial.ts';
import { VERSION } from '../base/version.ts';
import { examine, type Finding } from './doctor.ts';

/** Stands in front of answers: a login may print what it likes. */
export const PROBE_SAYS = 'tsmpi-probe ';
const CONNECT_MS = 3000;

/** Somebody to connect to. */
export interface Target {
  /** Any of these. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** What it says. */
  readonly token: string;
}

export type ProbeRequest = { readonly kind: 'clock' } | { readonly kind: 'connect'; readonly targets: readonly Target[] };

export type ProbeAnswer =
  | {
      readonly kind: 'hello';
      readonly version: string;
      readonly node: string;
      readonly findings: readonly Finding[];
      /** Where the remote shell came from, then the addresses of the host. */
      readonly caller: string;
      readonly addresses: readonly string[];
      readonly listening: Listening | { readonly failure: string };
    }
  | { readonly kind: 'clock'; readonly nowMs: number }
  /** For each target why it was not reached; empty: it was. */
  | { readonly kind: 'connect'; readonly failures: readonly string[] };

export interface Listening {
  readonly port: number;
  readonly token: string;
}

/** Be the probe until standard input ends. */
export async function runProbe(ports: readonly [number, number] | undefined): Promise<void> {
  const say = (answer: ProbeAnswer): void => {
    process.stdout.write(`${PROBE_SAYS}${JSON.stringify(answer)}\n`);
  };
  const listener = await listen(ports).catch((error: Error) => ({ failure: error.message }));
  const listening = 'failure' in listener ? listener : { port: listener.port, token: listener.token };
  const caller = process.env.SSH_CONNECTION?.split(' ')[0] ?? '';
  const findings = examine();
  say({ kind: 'hello', version: VERSION, node: process.version, findings, caller, addresses: ownAddresses(), listening });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as ProbeRequest;
    if (request.kind === 'clock') say({ kind: 'clock', nowMs: Date.now() });
    else say({ kind: 'connect', failures: await Promise.all(request.targets.map(reach)) });
  }
  if (!('failure' in listener)) listener.server.close();
}

/** Listen on a port of the range, as a rank would. Throws in words. */
export async function listen(ports: readonly [number, number] | undefined): Promise<Listening & { readonly server: Server }> {
  const token = randomBytes(16).toString('hex');
  const [first, last] = ports ?? [0, 0];
  for (let port = first; port <= last; port++) {
    const server = createServer((socket) => socket.on('error', () => {}).end(`${token}\n`));
    try {
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, resolve));
      return { server, token, port: (server.address() as { port: number }).port };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new Error(`the ports ${first} to ${last} are all in use`);
}

/** Connect to a target; return why it was not reached, or an empty text. */
export async function reach({ addresses, port, token }: Target): Promise<string> {
  const failures = await Promise.all(addresses.map((address) => reachAt(address, port, token)));
  if (failures.includes('')) return '';
  return addresses.map((address, index) => `${address} port ${port}: ${failures[index]}`).join('; ');
}

function reachAt(host: string, port: number, token: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host, port, timeout: CONNECT_MS });
    const settle = (failure: string): void => {
      socket.destroy();
      resolve(failure);
    };
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('timeout', () => settle(`no answer within ${CONNECT_MS / 1000} s`));
    socket.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    socket.on('end', () => settle(text.trim() === token ? '' : 'something else answers there'));
  });
}
