/**
 * Sides: who is launched in turn. A side makes the command of a program; some do not know every program.
 *
 * Ours are this package over one interconnect, or the checkouts of a pair; peers are made in peers.ts. Both sides of a
 * comparison are pinned alike: each rank to a core where there are cores enough, else none.
 */

import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProgramEntry } from '../catalogue.ts';
import type { Settings } from '../records.ts';
import type { Command } from './launch.ts';

export interface Side {
  readonly name: string;
  /** Return how a program is launched, or why it is not. */
  command(entry: ProgramEntry, settings: Settings, ranks: number): Command | string;
}

/** What --compare may name, and the options of tsmpirun that choose it. */
const INTERCONNECTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['shm', ['--transport', 'shm,self']],
  ['thread', ['--ranks', 'thread', '--transport', 'shm,self']],
  ['websocket', ['--transport', 'websocket,self']],
  ['relay', ['--transport', 'relay,self']],
  ['rdma', ['--transport', 'rdma,self']],
]);
/** What Node has of its own, or by the ws package, between two processes or threads. */
const NODE_WAYS: readonly string[] = ['process-send', 'message-port', 'ws'];
export const INTERCONNECT_NAMES: readonly string[] = [...INTERCONNECTS.keys(), ...NODE_WAYS];

/** This file lies in dist/. */
const DIST = dirname(fileURLToPath(import.meta.url));

/** True if each rank gets a core. */
export const hasCores = (ranks: number): boolean => ranks <= availableParallelism();

/** Return the side that runs this package, or that of another dist/, with options for tsmpirun. */
export function ourSide(name: string, launcherOptions: readonly string[], dist = DIST): Side {
  return {
    name,
    command: (entry, settings, ranks) => {
      const program = entry.figure === 'start' || entry.figure === 'wall' ? 'bench-init.js' : 'bench-program.js';
      const isPlaced = launcherOptions.some((option) => /^--(bind-to|host|hostfile)\b|^-H$/.test(option));
      const pinning = hasCores(ranks) && !isPlaced ? ['--bind-to', 'core'] : [];
      const own = ['-n', String(ranks), ...pinning, '--quiet', ...launcherOptions];
      return {
        file: process.execPath,
        args: [launcherOf(dist), ...own, join(dist, program), JSON.stringify(settings)],
      };
    },
  };
}

/** Its name is not that of every version. */
function launcherOf(dist: string): string {
  const { bin } = JSON.parse(readFileSync(join(dist, '../package.json'), 'utf8')) as { bin: { tsmpirun: string } };
  return join(dirname(dist), bin.tsmpirun);
}

/** Return the side of an interconnect; undefined: nobody knows the name. */
export function interconnectSide(name: string, launcherOptions: readonly string[]): Side | undefined {
  if (NODE_WAYS.includes(name)) return nodeSide(name);
  const chosen = INTERCONNECTS.get(name);
  return chosen && ourSide(name, [...chosen, ...launcherOptions]);
}

function nodeSide(name: string): Side {
  return {
    name,
    command: (entry, settings, ranks) => {
      if (!/^(latency|bw)$/.test(entry.name) || ranks !== 2) return 'between two, latency and bw only';
      return { file: process.execPath, args: [join(DIST, 'bench-node.js'), name, JSON.stringify(settings)] };
    },
  };
}

/** Return the side of a built checkout. Throws where there is none. */
export function checkoutSide(folder: string, launcherOptions: readonly string[]): Side {
  const dist = join(resolve(folder), 'dist');
  if (!existsSync(join(dist, 'bench-program.js'))) {
    throw new Error(`--pair got ${folder}: expected a built checkout, with dist/bench-program.js in it`);
  }
  return ourSide(folder, launcherOptions, dist);
}
