/**
 * GraphCommunicator: ranks with neighbours of the program's choice. Standard: 8.5.4.
 */

import type { Membership } from '../../p2p/context.ts';
import type { Request } from '../../p2p/request.ts';
import type { DupOptions, Graph } from '../communicator.ts';
import type { RankEnvironment } from '../rank-environment.ts';
import type { GraphNeighbors } from './edges.ts';
import { NeighborCommunicator } from './neighbor-communicator.ts';

export class GraphCommunicator extends NeighborCommunicator implements Graph {
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
  readonly sourceWeights: readonly number[];
  readonly destinationWeights: readonly number[];

  constructor(environment: RankEnvironment, id: number, members: Membership, near: GraphNeighbors) {
    const { sources, destinations } = near;
    super(environment, id, members, { sources, destinations, receiveOrder: sources.map((_, k) => k) });
    this.sources = sources;
    this.destinations = destinations;
    this.sourceWeights = near.sourceWeights;
    this.destinationWeights = near.destinationWeights;
  }

  override dup(options?: DupOptions): Request<Graph> {
    return super.dup(options) as Request<Graph>;
  }

  protected override copy(id: number, members: Membership): GraphCommunicator {
    return new GraphCommunicator(this.environment, id, members, this);
  }
}
