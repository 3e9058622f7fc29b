/**
 * What `tsmpi doctor --rdma` has proven on this host: the file that it leaves, and the classes of device that need none.
 *
 * The file is this host's own, though several may have one home: <home>/.config/tsmpi/rdma-<host>.json, or TSMPI_RDMA_PROOF.
 * It counts for the device that it names, as long as that has the same firmware.
 */

import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { RdmaDevice } from '../native/rdma.ts';

/** What the file holds besides the steps that were taken, which are for people. */
export interface RdmaProof {
  readonly device: Pick<RdmaDevice, 'name' | 'vendorId' | 'partId' | 'firmware'>;
  /** Names of hosts with which all steps have passed. */
  readonly peers: readonly string[];
}

/** Where the file is. */
export function rdmaProofPath(environment: NodeJS.ProcessEnv = process.env): string {
  return environment.TSMPI_RDMA_PROOF || join(homedir(), '.config', 'tsmpi', `rdma-${hostname()}.json`);
}

/** Return what was proven for that device, or why nothing counts. */
export function readRdmaProof(device: RdmaDevice): RdmaProof | string {
  const path = rdmaProofPath();
  let proof: RdmaProof;
  try {
    proof = JSON.parse(readFileSync(path, 'utf8')) as RdmaProof;
  } catch {
    return `there is a device (${device.name}), but tsmpi doctor --rdma has not been run on this host`;
  }
  const isSame = (['name', 'vendorId', 'partId', 'firmware'] as const).every((field) => proof.device?.[field] === device[field]);
  return isSame && Array.isArray(proof.peers)
    ? proof
    : `what tsmpi doctor --rdma has proven was another device than ${device.name} with firmware ${device.firmware} (${path})`;
}
