/**
 * Which of the listed hosts is this machine: there the agent is a child process.
 */

import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

/** How long a name may take to resolve; a host that is not known by then is reached by the starter, which works as well. */
const LOOKUP_MS = 1000;

/** Return the index of the first host that is this machine, or -1. */
export async function findOwnHost(names: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  // Slurm may have a name of its own for a node.
  const ownNames = [hostname(), 'localhost', ...(env.SLURMD_NODENAME === undefined ? [] : [env.SLURMD_NODENAME])];
  const known = names.findIndex((name) => ownNames.includes(name));
  if (known >= 0) return known;
  const addresses = new Set(Object.values(networkInterfaces()).flatMap((entries = []) => entries.map(({ address }) => address)));
  const resolved = await Promise.all(names.map(resolve));
  return resolved.findIndex((found) => found.some((address) => addresses.has(address)));
}

async function resolve(name: string): Promise<string[]> {
  if (isIP(name) !== 0) return [name];
  return new Promise((done) => {
    const timer = setTimeout(() => done([]), LOOKUP_MS);
    lookup(name, { all: true }, (_error, entries = []) => {
      clearTimeout(timer);
      done(entries.map(({ address }) => address));
    });
  });
}
