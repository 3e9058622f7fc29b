/**
 * Watchdog: a shell beside the agent that ends what is left when the agent dies by kill -9.
 *
 * It runs in a session of its own and reads lines from a pipe: `+ PG` and `- PG` (a process group to care for, or no
 * more), `p PATH` (a file or folder to remove), `bye`. At the end of file without `bye` it kills the groups, a stopped or
 * spinning rank included, and removes the paths, with the cache above them if that is empty then. A grandchild that called setsid is not in its groups: without a
 * cgroup nothing that outlives the agent can know of it.
 */

import { type ChildProcess, spawn } from 'node:child_process';

// The file name expansion of paths is off (-f); every path is one word of "$@", whatever characters it has but a newline.
const SCRIPT = `set -f; trap '' HUP INT QUIT TERM
while IFS= read -r line; do
  x=\${line#* }
  case $line in
    +*) L="$L -$x";;
    -*) N=; for g in $L; do [ "$g" = "-$x" ] || N="$N $g"; done; L=$N;;
    p*) set -- "$@" "$x";;
    bye) exit 0;;
  esac
done
for g in $L; do kill -s KILL -- $g; done 2>/dev/null
[ $# -eq 0 ] || rm -rf -- "$@"
for x; do case $x in */.cache/tsmpi/*) rmdir -- "\${x%/*}" "\${x%/*/*}";; esac; done 2>/dev/null`;

export class Watchdog {
  readonly #shell: ChildProcess;

  /** Start it; the job's id stands in its arguments, for whoever looks at the process list. */
  constructor(jobId: string) {
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT, `tsmpi-watchdog-${jobId}`], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
    });
    // Its death is no reason to end a job: the agent itself still ends its ranks.
    this.#shell.on('error', () => {});
    this.#shell.stdin?.on('error', () => {});
    this.#shell.unref();
  }

  get pid(): number {
    return this.#shell.pid ?? 0;
  }

  addGroup(pid: number): void {
    this.#write(`+ ${pid}\n`);
  }

  removeGroup(pid: number): void {
    this.#write(`- ${pid}\n`);
  }

  /** Remove that path if this process dies; it must not hold a newline. */
  addPath(path: string): void {
    this.#write(`p ${path}\n`);
  }

  /** All is done: end it. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      const { exitCode, signalCode, pid } = this.#shell;
      if (exitCode !== null || signalCode !== null || pid === undefined) return resolve();
      this.#shell.ref();
      this.#shell.once('exit', () => resolve());
      this.#write('bye\n');
    });
  }

  #write(line: string): void {
    this.#shell.stdin?.write(line);
  }
}
