/**
 * GraphCommunicator: ranks with neighbours of the program's choice, each rank naming its own. Standard: 8.5.4.
 */

import { MpiError } from '../../base/errors.ts';
import type { Membership } from '../../p2p/context.ts';
import type { Graph } from '../communicator.ts';
import type { RankEnvironment } from '../rank-environment.ts';
import { NeighborCommunicator } from './neighbor-communicator.ts';

export class GraphCommunicator extends NeighborCommunicator implements Graph {
  readonly sources: readonly number[];
  readonly destinations: readonly number[];

  constructor(
    environment: RankEnvironment,
    id: number,
    members: Membership,
    sources: readonly number[],
    destinations: readonly number[],
  ) {
    super(environment, id, members, { sources, destinations, receiveOrder: sources.map((_, k) => k) });
    this.sources = sources;
    this.destinations = destinations;
  }

  protected override copy(id: number, members: Membership): GraphCommunicator {
    return new GraphCommunicator(this.environment, id, members, this.sources, this.destinations);
  }
}

/** Check a list of neighbours; return a copy of it. */
export function checkNeighbors(what: string, ranks: readonly number[], size: number): readonly number[] {
  const wrong = ranks.find((rank) => !(Number.isInteger(rank) && rank >= 0 && rank < size));
  if (wrong !== undefined) {
    throw new MpiError('ERR_MPI_RANK', `graph got ${what} ${String(wrong)}: expected integers from 0 to ${size - 1}`);
  }
  return Object.freeze([...ranks]);
}
