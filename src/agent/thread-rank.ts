/**
 * Entry of a rank that is a thread: gives the thread the face of a process of its own, then runs the program.
 */

import Module from 'node:module';
import { pathToFileURL } from 'node:url';
import { workerData } from 'node:worker_threads';
import { replaceStdio } from '../base/thread-stdio.ts';
import type { ThreadBootstrap } from '../bootstrap/job.ts';

/** What the thread host hands to each rank; `tsmpi` is for the library, the rest for this file. */
export interface ThreadRankData {
  readonly tsmpi: ThreadBootstrap;
  readonly file: string;
  readonly args: readonly string[];
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
}

const { file, args, stdin, stdout, stderr } = workerData as ThreadRankData;
replaceStdio(stdin, stdout, stderr);
process.argv = [process.execPath, file, ...args];
// Not by import() where it can be told: a CommonJS program may ask whether `require.main` is its own module.
if (file.endsWith('.cjs')) Module.runMain(file);
else await import(pathToFileURL(file).href);
