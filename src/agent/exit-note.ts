/**
 * What the agent can say about the death of a rank beyond its exit code: that it died for want of memory.
 *
 * Node's own heap limit is told by V8 on stderr before it aborts; the kernel's killer only raises a counter of the
 * memory cgroup, so the counter is read before the first rank starts and again after a SIGKILL that nobody here sent.
 */

import { readFileSync } from 'node:fs';

/** Said of a process that the kernel chose. */
export const KILLED_FOR_MEMORY: string = 'out of memory: the kernel killed it';

const HEAP_MESSAGE =
  /FATAL ERROR:.*(heap|Zone|memory|invalid (table|array) size)|ERR_WORKER_OUT_OF_MEMORY|JavaScript heap out of memory/i;

/** Return how many processes of this cgroup the kernel has killed for want of memory; 0 where it cannot be known. */
export function countOomKills(): number {
  let count = 0;
  const cgroup = read('/proc/self/cgroup');
  const v2 = /^0::(.*)$/m.exec(cgroup)?.[1];
  const v1 = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(cgroup)?.[1];
  for (const path of [
    ...(v2 === undefined ? [] : [`/sys/fs/cgroup${v2}/memory.events`, '/sys/fs/cgroup/memory.events']),
    ...(v1 === undefined ? [] : [`/sys/fs/cgroup/memory${v1}/memory.oom_control`, '/sys/fs/cgroup/memory/memory.oom_control']),
  ]) {
    count = Math.max(count, Number(/^oom_kill (\d+)$/m.exec(read(path))?.[1] ?? 0));
  }
  return count;
}

/** Return what is known about a death, or undefined. */
export function noteDeath(signal: string | null, code: number, stderrTail: string, oomKilled: boolean): string | undefined {
  if (signal === 'SIGKILL' && oomKilled) return KILLED_FOR_MEMORY;
  if ((signal !== null || code >= 128) && HEAP_MESSAGE.test(stderrTail)) {
    return "out of memory: it reached the heap limit of Node (raise it with --node-args '--max-old-space-size=MIB')";
  }
  return undefined;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
