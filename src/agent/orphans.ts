/**
 * Orphans: processes of the job that lost their parent and became children of the agent, its subreaper.
 *
 * A rank's grandchild in a session of its own is in no process group that the agent knows; once its parent is gone it is
 * the agent's child, and is found in /proc. Children that Node itself started are left to Node, which waits for them.
 */

import { readdirSync, readFileSync } from 'node:fs';
import type { Addon } from '../native/addon.ts';

/** How long to look again for children of killed orphans. */
const SWEEP_MS = 2000;

/** Return the children of this process, whichever of its threads is their parent. */
function childrenOfThisProcess(): number[] {
  const children: number[] = [];
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      const text = readFileSync(`/proc/self/task/${thread}/children`, 'latin1');
      for (const word of text.split(' ')) if (word !== '') children.push(Number(word));
    }
  } catch {
    // A thread ended between the two reads, or the kernel has no such file: the next sweep sees what there is.
  }
  return children;
}

export class Orphans {
  readonly #addon: Addon;
  /** Children that Node waits for. */
  readonly #own: Set<number>;

  /** Adopt from now on; the children of this moment are Node's. */
  constructor(addon: Addon) {
    this.#addon = addon;
    this.#own = new Set(childrenOfThisProcess());
    addon.setSubreaper();
  }

  /** Leave a child to Node. */
  exclude(pid: number): void {
    this.#own.add(pid);
  }

  /** Wait for adopted children that have ended, so that they leave the process table. Return those that live. */
  reap(): number[] {
    return childrenOfThisProcess().filter((pid) => !this.#own.has(pid) && this.#addon.reap(pid) === 0);
  }

  /** Kill adopted children, and theirs, until none is left. */
  async end(): Promise<void> {
    const deadlineMs = performance.now() + SWEEP_MS;
    for (let left = this.reap(); left.length > 0 && performance.now() < deadlineMs; left = this.reap()) {
      for (const pid of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended by itself.
        }
      }
      // A killed process is gone only when the kernel is done with it.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
