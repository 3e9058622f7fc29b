/**
 * launch(): one job from its options to its exit code.
 */

import { availableParallelism } from 'node:os';
import { JobRun } from './job-run.ts';
import type { LaunchOptions } from './options.ts';
import { OutputFiles } from './output-files.ts';
import { placeRanks, UsageError } from './placement.ts';

/** Run the job; resolve with the launcher's exit code when nothing of it is left. Errors are told on stderr. */
export async function launch(options: LaunchOptions): Promise<number> {
  try {
    const placement = placeRanks(options, availableParallelism());
    const files = options.outputDir === undefined ? undefined : new OutputFiles(options.outputDir, placement.size);
    return await new JobRun(options, placement, files).run();
  } catch (error) {
    const isUsage = error instanceof UsageError;
    if (!isUsage && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    process.stderr.write(`tsmpirun: ${(error as Error).message}\n`);
    return isUsage ? 2 : 1;
  }
}
