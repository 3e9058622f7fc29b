/**
 * Invitation: the one line by which a launcher tells an agent on another host where to dial and with which secret.
 *
 * It is the first line of the agent's standard input, which then stays open: its end is the end of the starter. Where the
 * line passes hands that are not the user's own (srun), munge seals it; what comes then is a credential of munge. An agent
 * without input finds it in a file (invitation-file.ts).
 */

import { execFileSync } from 'node:child_process';

export interface Invitation {
  readonly jobId: string;
  /** 32 bytes as base64url. */
  readonly secret: string;
  /** Addresses of the launcher, to be tried in turn, and its port on all of them. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Which host the agent is on; undefined: the same line goes to several. */
  readonly hostIndex: number | undefined;
  readonly heartbeatMs: number;
}

const SEAL = 'MUNGE:';
const SEAL_MS = 10_000;

/** Seal a line so that only this user opens it; undefined: there is no munge here. Throws where munge fails. */
export function sealLine(line: string): string | undefined {
  try {
    return run('munge', [`--restrict-uid=${process.getuid!()}`], line);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`munge cannot seal the job's secret: ${lastLine(error)}`);
  }
}

/** Open and parse a first line. */
export function parseInvitation(line: string): Invitation {
  const text = line.startsWith(SEAL) ? openLine(line) : line;
  let invitation: Partial<Invitation>;
  try {
    invitation = JSON.parse(text) as Partial<Invitation>;
  } catch {
    throw new Error(`the first line is no invitation of a launcher (${text.length} characters)`);
  }
  const { jobId, secret, addresses, port, heartbeatMs } = invitation;
  const isWhole = typeof port === 'number' && typeof heartbeatMs === 'number' && Array.isArray(addresses);
  if (typeof jobId !== 'string' || typeof secret !== 'string' || !isWhole) {
    throw new Error('the invitation lacks job, secret, addresses, port or heartbeat');
  }
  return invitation as Invitation;
}

function openLine(line: string): string {
  try {
    return run('unmunge', ['--metadata=/dev/null'], `${line}\n`);
  } catch (error) {
    throw new Error(`munge cannot open the job's secret: ${lastLine(error)}`);
  }
}

function run(file: string, args: readonly string[], input: string): string {
  return execFileSync(file, args, { input, encoding: 'utf8', timeout: SEAL_MS, stdio: ['pipe', 'pipe', 'pipe'] }).trim();
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as Error & { stderr?: string };
  return stderr?.trim().split('\n').at(-1) || message;
}
