/**
 * NeighborCommunicator: an intracommunicator whose ranks have neighbours; what cartesian and graph communicators share.
 */

import type { Membership } from '../../p2p/context.ts';
import type { Request } from '../../p2p/request.ts';
import type { CollectiveHost } from '../calls/call.ts';
import { type Neighborhood, postNeighborAlltoallw } from '../calls/exchange.ts';
import { callWithLayouts, type DataCall } from '../calls/layouts.ts';
import { setUpCollective } from '../calls/persistent.ts';
import { Intracommunicator } from '../intracommunicator.ts';
import type { RankEnvironment } from '../rank-environment.ts';
import type {
  Allgather,
  AllgatherInit,
  Allgatherv,
  AllgathervInit,
  Alltoall,
  Alltoallv,
  AlltoallvInit,
  Alltoallw,
  AlltoallwInit,
} from '../signatures.ts';
import { postNeighborAllgather, postNeighborAllgatherv, postNeighborAlltoall, postNeighborAlltoallv } from './neighbors.ts';

type Call = (host: CollectiveHost, near: Neighborhood, data: unknown, ...rest: unknown[]) => Request<unknown>;

export abstract class NeighborCommunicator extends Intracommunicator {
  readonly #near: Neighborhood;

  constructor(environment: RankEnvironment, id: number, members: Membership, near: Neighborhood) {
    super(environment, id, members);
    this.#near = near;
  }

  neighborAllgather: Allgather = this.#callOf(postNeighborAllgather) as Allgather;
  neighborAllgatherv: Allgatherv = this.#callOf(postNeighborAllgatherv) as Allgatherv;
  neighborAlltoall: Alltoall = this.#callOf(postNeighborAlltoall) as Alltoall;
  neighborAlltoallv: Alltoallv = this.#callOf(postNeighborAlltoallv) as Alltoallv;

  neighborAlltoallw: Alltoallw = this.#callOf(postNeighborAlltoallw) as Alltoallw;

  neighborAllgatherInit: AllgatherInit = this.#setUpOf('neighborAllgather', postNeighborAllgather) as AllgatherInit;
  neighborAllgathervInit: AllgathervInit = this.#setUpOf('neighborAllgatherv', postNeighborAllgatherv) as AllgathervInit;
  neighborAlltoallInit: AllgatherInit = this.#setUpOf('neighborAlltoall', postNeighborAlltoall) as AllgatherInit;
  neighborAlltoallvInit: AlltoallvInit = this.#setUpOf('neighborAlltoallv', postNeighborAlltoallv) as AlltoallvInit;
  neighborAlltoallwInit: AlltoallwInit = this.#setUpOf('neighborAlltoallw', postNeighborAlltoallw) as AlltoallwInit;

  #callOf(call: Call) {
    return (data: unknown, ...rest: unknown[]): unknown => callWithLayouts(this, this.#beside(call), data, rest);
  }

  #setUpOf(name: string, call: Call) {
    return (data: unknown, ...rest: unknown[]): unknown =>
      setUpCollective(this, name, data, (host) => callWithLayouts(host, this.#beside(call), data, rest));
  }

  #beside(call: Call): DataCall {
    return (host, data, ...rest) => call(host, this.#near, data, ...rest);
  }
}
