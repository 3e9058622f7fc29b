/**
 * Hosts as schedulers other than Slurm list them: the lines of PBS_NODEFILE, AZ_BATCH_HOST_LIST, and CCP_NODES as
 * Azure Batch and HPC Pack write it. Names come from a scheduler, but a text that is none of its own is refused.
 */

import { UsageError } from '../usage-error.ts';
import { type ListedHost, mergeHosts } from './host-list.ts';

const NAME = /^(\w[\w.-]*|[\da-fA-F:.]*:[\da-fA-F:.]*)$/;

/** Parse the text of PBS_NODEFILE: a line for each slot. */
export function parsePbsNodes(text: string, path: string): ListedHost[] {
  const lines = text.split('\n').map((line) => line.trim());
  return mergeHosts(
    requireHosts(
      lines.filter((line) => line !== ''),
      `PBS_NODEFILE (${path})`,
      'a host name on each line',
    ),
  );
}

/** Parse AZ_BATCH_HOST_LIST: `10.0.0.4,10.0.0.5`. */
export function parseAzureHosts(text: string): ListedHost[] {
  const names = text.split(',').map((name) => name.trim());
  return mergeHosts(requireHosts(names, 'AZ_BATCH_HOST_LIST', 'addresses with commas between')).map((host) => ({
    ...host,
    slots: undefined,
  }));
}

/** Parse CCP_NODES: the number of hosts, then for each its name and its cores; undefined: HPC Pack's word `Overflow`. */
export function parseCcpNodes(text: string): ListedHost[] | undefined {
  if (text.trim() === 'Overflow') return undefined;
  const expected = 'a number of hosts, then name and cores of each, as "2 node1 8 node2 8"';
  const [count, ...words] = text.trim().split(/\s+/);
  const isWhole = /^\d+$/.test(count!) && words.length === 2 * Number(count);
  const cores = words.filter((_, index) => index % 2 === 1);
  if (!isWhole || cores.some((word) => !/^[1-9]\d{0,5}$/.test(word))) {
    throw new UsageError(`CCP_NODES is ${text === '' ? 'empty' : text}: expected ${expected}`);
  }
  const names = words.filter((_, index) => index % 2 === 0);
  return mergeHosts(requireHosts(names, 'CCP_NODES', expected).map((host, index) => ({ ...host, slots: Number(cores[index]) })));
}

function requireHosts(names: readonly string[], variable: string, expected: string): ListedHost[] {
  if (names.length === 0) throw new UsageError(`${variable} names no host: expected ${expected}`);
  return names.map((name) => {
    if (!NAME.test(name)) throw new UsageError(`${variable} holds ${name === '' ? 'an empty name' : name}: expected ${expected}`);
    return { name, user: undefined, slots: 1 };
  });
}
