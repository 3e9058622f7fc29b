/**
 * Routes: which transport each peer is reached by: the first in order of preference that is allowed and reaches it.
 *
 * A route may change while no frame has gone by it: that a peer is reached by no socket turns out only when it is tried.
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

export class Routes {
  /** By world rank. */
  readonly chosen: Route[];
  /** The transport of each; the engine looks at it for every frame. */
  readonly transports: Transport[];
  readonly #candidates: readonly Candidate[];
  readonly #allowed: readonly string[];
  /** By peer: transports that do not reach it after all, and why. */
  readonly #avoided: Map<number, Map<string, string>> = new Map();

  /** Choose for every rank of the world. Throws an MpiError where there is none. */
  constructor(candidates: readonly Candidate[], allowed: readonly string[], worldRank: number, size: number) {
    this.#candidates = candidates;
    this.#allowed = allowed;
    this.chosen = Array.from({ length: size }, (_, peer) => {
      const route = this.#choose(peer);
      if (typeof route !== 'string') return route;
      throw new MpiError(
        'ERR_MPI_OTHER',
        `rank ${worldRank} has no way to reach rank ${peer} (${route}): allow another transport`,
      );
    });
    this.transports = this.chosen.map(({ transport }) => transport);
  }

  /** A transport does not reach that peer after all: take the next. Return whether there is one. */
  avoid(peer: number, name: string, reason: string): boolean {
    const avoided = this.#avoided.get(peer) ?? new Map<string, string>();
    this.#avoided.set(peer, avoided.set(name, reason));
    const route = this.#choose(peer);
    if (typeof route === 'string') return false;
    this.chosen[peer] = route;
    this.transports[peer] = route.transport;
    return true;
  }

  /** Return the best route, or why there is none. */
  #choose(peer: number): Route | string {
    const reasons: string[] = [];
    for (const candidate of this.#candidates) {
      const { name } = candidate;
      let reason: string | undefined = isAllowed(this.#allowed, name) ? undefined : 'not in --transport';
      reason ??= this.#avoided.get(peer)?.get(name);
      if (reason === undefined) reason = 'absent' in candidate ? candidate.absent : candidate.transport.canReach(peer);
      // Only messages to oneself go by self, so that is no worse choice for the others.
      if (reason === undefined && 'transport' in candidate) {
        return { transport: candidate.transport, notTaken: reasons.filter((text) => !text.startsWith('self:')).join('; ') };
      }
      reasons.push(`${name}: ${reason}`);
    }
    return reasons.join('; ');
  }
}
