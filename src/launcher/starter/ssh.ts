/**
 * The ssh starter: one ssh for each host.
 *
 * The user's own configuration holds; we add that nobody is asked (BatchMode), no terminal (it would change bytes), and a
 * sign of life, so that ssh itself ends some time after its host has gone. --rsh takes the place of ssh: it gets a host
 * and a command as ssh does.
 */

import type { PlacedHost } from '../placement.ts';
import { type StarterEnd, StarterProcess } from './starter.ts';

const SSH: readonly string[] = ['ssh', '-T', '-o', 'BatchMode=yes', '-o', 'ServerAliveInterval=30'];

/** Start an agent on that host; `agent` is its command there. */
export function startBySsh(
  index: number,
  host: PlacedHost,
  agent: readonly string[],
  rsh: readonly string[] | undefined,
  invitation: Promise<string>,
): StarterProcess {
  return new StarterProcess([index], sshCommand(host, agent, rsh), process.env, invitation);
}

/** Return what runs a command on that host, without a shell's leave to change its words. */
export function sshCommand(
  { name, user }: Pick<PlacedHost, 'name' | 'user'>,
  command: readonly string[],
  rsh: readonly string[] | undefined,
): string[] {
  return [...(rsh ?? SSH), user === undefined ? name : `${user}@${name}`, `exec ${command.map(quote).join(' ')}`];
}

/** Say what is amiss on the host, if that can be told from what a remote shell printed. */
export function findFault({ code }: StarterEnd, output: readonly string[], [node, entry]: readonly string[]): string | undefined {
  if (output.some((line) => line.includes('Cannot find module') && line.includes(entry!)))
    return `there is no tsmpi at ${entry} there`;
  if (code === 127 || code === 126) return `there is no ${node} there that can be executed`;
  return undefined;
}

/** One word of a POSIX shell. */
function quote(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
