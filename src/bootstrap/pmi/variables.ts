/**
 * Which launcher started this process, as far as PMI tells: found out from the environment, whose variables are claimed so
 * that children do not believe to be ranks.
 */

import { MpiError } from '../../base/errors.ts';
import type { PmiVariables } from './pmi.ts';

/** What launchers set for the processes that they start, and what would make a child take itself for one of them. */
const CLAIMED = /^(PMI_|PMIX_|HYDI_|HYDRA_|MPI_LOCAL)/;

/** Return what the variables say, and remove them; undefined: no launcher can be joined by them. */
export function claimPmiVariables(env: NodeJS.ProcessEnv): PmiVariables | undefined {
  const { PMI_FD, PMI_RANK, PMI_SIZE, PMI_JOBID: jobId } = env;
  if (PMI_FD === undefined || PMI_RANK === undefined || PMI_SIZE === undefined) return undefined;
  const [fd, rank, size] = [PMI_FD, PMI_RANK, PMI_SIZE].map((text) => (/^\d{1,9}$/.test(text) ? Number(text) : -1)) as [
    number,
    number,
    number,
  ];
  if (fd < 0 || rank < 0 || size < 1 || rank >= size) {
    const got = `PMI_FD=${PMI_FD}, PMI_RANK=${PMI_RANK}, PMI_SIZE=${PMI_SIZE}`;
    throw new MpiError('ERR_MPI_OTHER', `the launcher set ${got}: expected a descriptor, and a rank below the size`);
  }
  for (const name of Object.keys(env)) if (CLAIMED.test(name)) delete env[name];
  return { fd, rank, size, jobId };
}
