/**
 * StageFolder: a temporary folder of the job on this host, with the files that the launcher sends for it.
 *
 * Its name is the job's and the host's, since hosts may share their temporary folder; only its user may look into it. It goes
 * with the agent, by the watchdog if need be. Files are written as they come: no rank runs yet that could be held up.
 */

import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { AgentJob } from './protocol.ts';

export class StageFolder {
  readonly #path: string;
  #fd = -1;
  /** The file under way, for messages. */
  #file = '';

  /** Make it; the watchdog hears of it before. Throws in words. */
  constructor(name: string, watchdog: { addPath(path: string): void }) {
    this.#path = join(tmpdir(), name);
    watchdog.addPath(this.#path);
    this.#try('make', this.#path, () => mkdirSync(this.#path, { mode: 0o700 }));
  }

  /** Begin a file. Throws in words. */
  open(path: string, mode: number): void {
    this.#close();
    this.#file = join(this.#path, path);
    this.#try('write', this.#file, () => {
      mkdirSync(dirname(this.#file), { recursive: true });
      this.#fd = openSync(this.#file, 'wx', mode);
    });
  }

  /** Write the next bytes of the file. Throws in words. */
  write(bytes: Uint8Array): void {
    if (this.#fd < 0) return; // it could not be opened, which was told
    this.#try('write', this.#file, () => {
      for (let done = 0; done < bytes.byteLength; ) done += writeSync(this.#fd, bytes, done);
    });
  }

  /** All files are there: return the job with their places in this folder. */
  locate(job: AgentJob): AgentJob {
    this.#close();
    const place = (path: string): string => (isAbsolute(path) ? path : join(this.#path, path));
    const programs = job.programs.map((program) => {
      if (program.isStaged !== true) return program;
      const wdir = place(program.wdir);
      if (wdir !== program.wdir) this.#try('make', wdir, () => mkdirSync(wdir, { recursive: true }));
      // A bare name of an executable is looked for along the path.
      const isName = program.exec && !program.program.includes('/');
      return { ...program, wdir, program: isName ? program.program : place(program.program) };
    });
    return { ...job, programs };
  }

  /** Remove it with all that is in it, whatever ranks have made there. */
  remove(): void {
    this.#close();
    rmSync(this.#path, { recursive: true, force: true });
  }

  #close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #try(verb: string, path: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#close();
      throw new Error(`--stage cannot ${verb} ${path}: ${(error as Error).message}`);
    }
  }
}
