/**
 * What the machine did to us meanwhile, as Linux counts it: time that other virtual machines took (steal), cgroups that
 * held us back, processes of others on our cores. Elsewhere nothing is known, and nothing is said.
 */

import { readFileSync } from 'node:fs';

/** Where a cgroup's throttling is counted: version 2 and 1, the latter with both of its usual names. */
const THROTTLE_FILES = ['cpu.stat', 'cpu/cpu.stat', 'cpu,cpuacct/cpu.stat'].map((name) => `/sys/fs/cgroup/${name}`);
const TICK_SECONDS = 0.01;

export interface MachineState {
  readonly atMs: number;
  /** Seconds of all cores since start-up. */
  readonly busySeconds: number;
  readonly stealSeconds: number;
  readonly throttledCount: number;
}

/** Read the state; undefined where /proc has none. */
export function readMachine(): MachineState | undefined {
  const line = read('/proc/stat')?.split('\n', 1)[0];
  const state = line === undefined ? undefined : parseCpuLine(line);
  return state && { atMs: performance.now(), ...state, throttledCount: readThrottled() };
}

/** Return what the first line of /proc/stat says: cpu user nice system idle iowait irq softirq steal … */
export function parseCpuLine(line: string): Pick<MachineState, 'busySeconds' | 'stealSeconds'> | undefined {
  const [name, ...ticks] = line.trim().split(/\s+/);
  if (name !== 'cpu' || ticks.length < 8) return undefined;
  const [user, nice, system, , , irq, softirq, steal] = ticks.map(Number);
  const busy = user! + nice! + system! + irq! + softirq!;
  return { busySeconds: busy * TICK_SECONDS, stealSeconds: steal! * TICK_SECONDS };
}

function readThrottled(): number {
  let count = 0;
  for (const file of THROTTLE_FILES) count += Number(/^nr_throttled (\d+)/m.exec(read(file) ?? '')?.[1] ?? 0);
  return count;
}

/** Return the bytes of this process in huge pages that are not of files; undefined where smaps is none. */
export function readAnonHugePages(): number | undefined {
  const found = /^AnonHugePages:\s+(\d+) kB/m.exec(read('/proc/self/smaps_rollup') ?? '');
  return found === null ? undefined : Number(found[1]) * 1024;
}

/** Return the size of the last cache in bytes; 32 MiB where it is not known. */
export function lastCacheBytes(): number {
  for (const index of [4, 3, 2]) {
    const found = /^(\d+)([KM])/.exec(read(`/sys/devices/system/cpu/cpu0/cache/index${index}/size`) ?? '');
    if (found !== null) return Number(found[1]) * (found[2] === 'K' ? 1 << 10 : 1 << 20);
  }
  return 1 << 25;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
