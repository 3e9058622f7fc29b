/**
 * launch(): one job from its options to its exit code.
 */

import { availableParallelism, hostname } from 'node:os';
import { ProgramError } from '../agent/prepared-program.ts';
import { findAllocation } from './hosts/allocation.ts';
import { JobRun } from './job-run.ts';
import type { LaunchOptions } from './options.ts';
import { OutputFiles } from './output-files.ts';
import { placeRanks, requirePorts } from './placement.ts';
import { UsageError } from './usage-error.ts';

/** Run the job; resolve with the launcher's exit code when nothing of it is left. Errors are told on stderr. */
export async function launch(options: LaunchOptions): Promise<number> {
  try {
    const { hosts, starter } = findAllocation(options, process.env);
    const placement = placeRanks(options, hosts, { name: hostname(), cores: availableParallelism() });
    const local = hosts === undefined ? 0 : await findLocal(placement.hosts.map(({ name }) => name));
    const network = options.iface === undefined ? undefined : await readNetwork(options.iface);
    requirePorts(options, placement, local, starter === 'azure-batch');
    const isAlone = placement.hosts.length === 1 && local === 0;
    const stage = options.stage === undefined || isAlone ? undefined : await readStage(options);
    const waiting = starter === 'azure-batch' ? await readWaiting(options) : undefined;
    const files = options.outputDir === undefined ? undefined : new OutputFiles(options.outputDir, placement.size);
    const dismissed = waiting === undefined || local < 0 ? undefined : waiting.dismissOwnAgent(waiting);
    const exitCode = await new JobRun(options, { placement, starter, local, network, stage, waiting }, files).run();
    await dismissed;
    return exitCode;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    const isProgram = error instanceof ProgramError;
    if (!isUsage && !isProgram && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    process.stderr.write(`tsmpirun: ${(error as Error).message}\n`);
    return isProgram ? error.exitCode : isUsage ? 2 : 1;
  }
}

async function findLocal(names: readonly string[]): Promise<number> {
  const { findOwnHost } = await import('./hosts/own-host.ts');
  return findOwnHost(names, process.env);
}

async function readNetwork(text: string): Promise<import('./hosts/network.ts').Network> {
  const { Network } = await import('./hosts/network.ts');
  return new Network(text);
}

/** Prepare what is sent to other hosts. */
async function readStage(options: LaunchOptions) {
  const [{ planStage }, { Stage }] = await Promise.all([import('./stage-plan.ts'), import('./stage.ts')]);
  const plan = await planStage(options, process.cwd());
  return (jobId: string) => new Stage(plan, jobId);
}

/** Return where agents wait. */
async function readWaiting({ agentPort, secretFile }: LaunchOptions) {
  const [{ takeSecret }, { dismissOwnAgent }] = await Promise.all([import('../agent/secret.ts'), import('./starter/waiting.ts')]);
  try {
    return { port: agentPort, secret: takeSecret(secretFile, process.env), dismissOwnAgent };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
