/**
 * Routes: which transport each peer is reached by: the first in order of preference that is allowed and reaches it.
 */

import { MpiError } from '../base/errors.ts';
import type { Transport } from '../transport/transport.ts';

/** A transport, or why this rank has none of that name. */
export type Candidate =
  | { readonly name: string; readonly transport: Transport }
  | { readonly name: string; readonly absent: string };

export interface Route {
  readonly transport: Transport;
  /** Why those before it were not taken, as `shm: not in --transport`; '': it is the first choice. */
  readonly notTaken: string;
}

/** Whether a transport may be used; an empty list allows all. */
export function isAllowed(allowed: readonly string[], name: string): boolean {
  return allowed.length === 0 || allowed.includes(name);
}

/** Choose a route to that peer. */
export function chooseRoute(
  candidates: readonly Candidate[],
  allowed: readonly string[],
  worldRank: number,
  peer: number,
): Route {
  const reasons: string[] = [];
  for (const candidate of candidates) {
    const { name } = candidate;
    let reason: string | undefined = isAllowed(allowed, name) ? undefined : 'not in --transport';
    if (reason === undefined) reason = 'absent' in candidate ? candidate.absent : candidate.transport.canReach(peer);
    // Only messages to oneself go by self, so that is no worse choice for the others.
    if (reason === undefined && 'transport' in candidate) {
      return { transport: candidate.transport, notTaken: reasons.filter((text) => !text.startsWith('self:')).join('; ') };
    }
    reasons.push(`${name}: ${reason}`);
  }
  throw new MpiError(
    'ERR_MPI_OTHER',
    `rank ${worldRank} has no way to reach rank ${peer} (${reasons.join('; ')}): allow another transport`,
  );
}
