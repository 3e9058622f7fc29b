/** Processes that benchmarks start, and their time. */

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Run a command to its end, without input and output; rejects unless it ends with 0. */
export function ended([file, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${file} ended with ${code}`))));
  });
}

/** Seconds until what `run` starts has ended. */
export async function timed(run) {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

/** Seconds of CPU time that a process has taken, to the nanosecond; 0 if it has ended. */
export function cpuSeconds(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return (
      threads.reduce((sum, id) => sum + Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e9
    );
  } catch {
    return 0;
  }
}
