/**
 * Group: one process started in a session and process group of its own, and how it is ended.
 *
 * Signals go to the whole group, so that a wrapper script and what it started are treated alike. When the process has
 * ended its group is killed: what it left behind has no owner.
 */

import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** How long SIGKILL may take; then the process is named and left (it hangs in the kernel). */
const KILL_MS = 2000;

export class Group {
  readonly pid: number;
  readonly #onLeft: () => void;
  #isLive = true;
  #timer: NodeJS.Timeout | undefined;

  /** Care for a detached child; onExit as the child's, onLeft when not even SIGKILL ended it. */
  constructor(child: ChildProcess, onExit: (code: number | null, signal: NodeJS.Signals | null) => void, onLeft: () => void) {
    this.pid = child.pid!;
    this.#onLeft = onLeft;
    child.once('exit', (code, signal) => {
      clearTimeout(this.#timer);
      this.signal('SIGKILL');
      if (!this.#isLive) return;
      this.#isLive = false;
      onExit(code, signal);
    });
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  /** Whether a signal has stopped the process. */
  get isStopped(): boolean {
    try {
      return /.*\) [Tt] /s.test(readFileSync(`/proc/${this.pid}/stat`, 'latin1'));
    } catch {
      return false;
    }
  }

  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Nobody is left in the group.
    }
  }

  /** SIGTERM now, SIGKILL after the grace. */
  end(graceMs: number): void {
    if (!this.#isLive) return;
    clearTimeout(this.#timer);
    this.signal('SIGTERM');
    this.killAfter(graceMs);
  }

  /** SIGKILL after the grace; until then it ends in its own way. */
  killAfter(graceMs: number): void {
    if (!this.#isLive) return;
    clearTimeout(this.#timer);
    this.signal('SIGCONT');
    if (graceMs > 0) this.#timer = setTimeout(() => this.kill(), graceMs);
    else this.kill();
  }

  kill(): void {
    clearTimeout(this.#timer);
    this.signal('SIGKILL');
    if (!this.#isLive) return;
    this.#timer = setTimeout(() => {
      this.#isLive = false;
      this.#onLeft();
    }, KILL_MS);
  }
}
