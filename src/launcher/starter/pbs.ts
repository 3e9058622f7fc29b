/**
 * The PBS starter: one pbs_tmrsh for each host of the allocation.
 *
 * PBS starts the agent in a session of its own, gives it no standard input, and writes what it prints into the files of the
 * batch job; of all that only the exit code comes back here. So the invitation lies in a file, and the agent's life hangs on
 * its connection alone: it outlives a pbs_tmrsh that is killed until the launcher lets go of it.
 */

import type { PlacedHost } from '../placement.ts';
import { type StarterEnd, StarterProcess } from './starter.ts';

/** What PBS's daemon says when it could not execute the command. */
const NOT_EXECUTED = 254;

/** Start an agent on that host; its invitation lies at `invitation` already. */
export function startByPbs(index: number, { name }: PlacedHost, agent: readonly string[], invitation: string): StarterProcess {
  return new StarterProcess([index], ['pbs_tmrsh', name, ...agent, invitation], process.env, undefined);
}

/** Say what is amiss, as far as pbs_tmrsh's exit code tells. */
export function findPbsFault({ code, isOwn }: StarterEnd, [node]: readonly string[]): string | undefined {
  if (!isOwn) return undefined;
  if (code === null) return 'where hosts of the job take ssh, add --starter ssh';
  if (code === NOT_EXECUTED || code === 126 || code === 127) {
    return `there is no ${node} there that can be executed, or the host is not one of the job`;
  }
  return 'what the agent said stands in the error file of the PBS job';
}
