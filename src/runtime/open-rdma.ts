/**
 * RDMA for a rank: whether it is to be used, with whom, and the transport opened.
 *
 * The idea: `--transport` that names rdma insists: where a rank has no device it fails with the reason. Without that it is taken
 * only between hosts that `tsmpi doctor --rdma` has proven to each other, since a device may say that it is active and move
 * nothing; that command leaves a file on each host (rdma-proof.ts). Ranks arrange their connections through shared memory
 * or the agents: a rank without RDMA answers there that it takes none, and both go on by the next transport.
 */

import { MpiError } from '../base/errors.ts';
import type { JobDescription } from '../bootstrap/job.ts';
import type { Addon } from '../native/addon.ts';
import { findDevice } from '../transport/rdma/find-device.ts';
import { RdmaTransport } from '../transport/rdma/rdma-transport.ts';
import type { Signals } from '../transport/rdma/signals.ts';
import { readRdmaProof } from './rdma-proof.ts';

export interface RdmaPlan {
  readonly description: JobDescription;
  readonly worldRank: number;
  readonly addon: Addon;
  readonly signals: Signals;
  readonly watch: (fd: number) => void;
  readonly hasDeparted: (worldRank: number) => boolean;
  /** That rank takes no connection. */
  readonly onRefused: (peer: number, reason: string) => void;
  /** The connection with that rank is lost for good. */
  readonly onLost: (peer: number) => void;
}

/** Open the transport; else return why there is none. Throws an MpiError where the job insists on it. */
export function openRdma(plan: RdmaPlan): RdmaTransport | string {
  const { description, worldRank, addon } = plan;
  const { id, key, size, ports, hosts, hostOfRank, hostIndex } = description;
  const isInsistent = description.transports.includes('rdma');
  const found = findDevice(addon, process.env);
  if (typeof found === 'string') return isInsistent ? refuse(worldRank, found) : found;
  const proof = isInsistent ? undefined : readRdmaProof(found.device);
  if (typeof proof === 'string') return proof;
  const whyNot = (rank: number): string | undefined => {
    if (proof === undefined || hostOfRank[rank] === hostIndex) return undefined;
    const { name } = hosts[hostOfRank[rank]!]!;
    return proof.peers.includes(name) ? undefined : `not proven between this host and ${name}: tsmpi doctor --rdma ${name}`;
  };
  try {
    return new RdmaTransport({
      ...plan,
      ...found,
      ...{ size, jobId: id, key: Buffer.from(key, 'base64'), portRange: ports, environment: process.env, whyNot },
      hasHugePages: process.env.GLIBC_TUNABLES?.includes('hugetlb') === true,
      // What became of the peer is its agent's to find out; what this rank waits for says the rest.
      onSuspicion: (peer, _reason, isFinal) => {
        if (isFinal) plan.onLost(peer);
      },
    });
  } catch (error) {
    if (!(error instanceof MpiError) || isInsistent) throw error;
    return error.message;
  }
}

function refuse(worldRank: number, reason: string): never {
  throw new MpiError('ERR_MPI_OTHER', `--transport asks for rdma, which rank ${worldRank} cannot use: ${reason}`);
}
