/**
 * How many cores' worth of time the cgroups grant: a container may see all cores of its host and get two of them.
 */

import { readFileSync } from 'node:fs';

/** Where to look; tests give their own. */
export interface CgroupFiles {
  /** Names the cgroups of this process. */
  readonly own: string;
  readonly root: string;
}

const HOST_FILES: CgroupFiles = { own: '/proc/self/cgroup', root: '/sys/fs/cgroup' };

/** Return the least quota of this process's cgroup and those above it, in cores; undefined: none. */
export function cpuQuota({ own, root }: CgroupFiles = HOST_FILES): number | undefined {
  const lines = read(own);
  const unified = /^0::(.*)$/m.exec(lines)?.[1];
  const split = /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(.*)$/m.exec(lines)?.[1];
  const quotas: number[] = [];
  for (const folder of upwards(root, unified)) {
    const [quota, period] = read(`${folder}/cpu.max`).split(/\s+/);
    quotas.push(Number(quota) / Number(period)); // "max": no number
  }
  for (const folder of upwards(`${root}/cpu`, split)) {
    quotas.push(Number(read(`${folder}/cpu.cfs_quota_us`)) / Number(read(`${folder}/cpu.cfs_period_us`))); // -1: none
  }
  const limits = quotas.filter((quota) => quota > 0 && quota < Infinity);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** A cgroup's folder and those above it; the root comes last and in any case, since a container may see no more. */
function* upwards(root: string, path: string | undefined): Generator<string> {
  if (path === undefined) return;
  for (let at = path.replace(/\/+$/, ''); at !== ''; at = at.slice(0, at.lastIndexOf('/'))) yield root + at;
  yield root;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return ''; // no such controller here
  }
}
