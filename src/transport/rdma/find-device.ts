/**
 * Which RDMA device of this host is used, and by which address of it.
 *
 * The idea: rdma_cm knows devices by addresses, so the addresses of this host are asked about, one by one; TSMPI_RDMA_ADDRESS
 * names one. Not those of the loopback: they belong to whichever device comes first.
 */

import { networkInterfaces } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type { RdmaAddon, RdmaDevice } from '../../native/rdma.ts';

export interface FoundDevice {
  readonly host: string;
  readonly device: RdmaDevice;
}

/** Return the device to use, or why there is none. */
export function findDevice(addon: RdmaAddon, environment: NodeJS.ProcessEnv): FoundDevice | string {
  const problem = addon.rdmaProblem();
  if (problem !== undefined) return problem;
  const devices = addon.rdmaDevices();
  if (typeof devices === 'number') return `no RDMA device (${getSystemErrorName(devices)})`;
  if (devices.length === 0) return 'no RDMA device';
  const named = environment.TSMPI_RDMA_ADDRESS;
  const hosts = named === undefined || named === '' ? ownAddresses() : [named];
  for (const host of hosts) {
    const name = addon.rdmaDeviceAt(host);
    const device = devices.find((each) => each.name === name);
    if (device !== undefined) return { host, device };
  }
  const names = devices.map(({ name }) => name).join(', ');
  return named === undefined || named === ''
    ? `no IPv4 address of this host belongs to an RDMA device (there is ${names})`
    : `TSMPI_RDMA_ADDRESS is ${named}, which belongs to no RDMA device of this host (there is ${names})`;
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
}
