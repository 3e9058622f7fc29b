/**
 * What stands in a rank's environment.
 *
 * The launcher's environment as it is, without what tells a process that it is a rank of some other launcher or of an
 * outer job, plus the block's `-x`, plus the rank's own place. Names that are read by the launcher only are gone already:
 * the command line takes them out when it reads them.
 * On other hosts than the launcher's the same travels without names that are bound to a host.
 */

import { BOOTSTRAP_VARIABLE, HOLDER_VARIABLE } from '../bootstrap/job.ts';

const FOREIGN = /^(PMI|PMIX|PRRTE|OMPI)_/;
const BOUND_TO_HOST = /^(SSH_|XDG_|SLURM|SRUN_|PBS_|AZ_BATCH_|DISPLAY$|WAYLAND_DISPLAY$|TMPDIR$|HOSTNAME$)/;
/** What a platform that starts agents tells each of them about its host. */
const OWN_OF_HOST = /^AZ_BATCH_/;
/** Who somebody is on a host: another user's are his own. */
const BOUND_TO_USER = /^(HOME|USER|LOGNAME|SHELL|MAIL)$/;

export interface RankEnvironment {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly hugePages: boolean;
  /** JSON of a Bootstrap; undefined for ranks that are threads. */
  readonly bootstrap: string | undefined;
}

/** Return what all ranks of one block start from. */
export function baseEnvironment(env: NodeJS.ProcessEnv, added: Readonly<Record<string, string>>): Record<string, string> {
  const base: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || FOREIGN.test(name) || name === BOOTSTRAP_VARIABLE || name === HOLDER_VARIABLE) continue;
    base[name] = value;
  }
  return Object.assign(base, added);
}

/** Return what of the launcher's environment goes to another host; `user`: the agent there is another user's. */
export function travellingEnvironment(env: NodeJS.ProcessEnv, user: string | undefined): Record<string, string> {
  const base = baseEnvironment(env, {});
  for (const name of Object.keys(base)) {
    if (BOUND_TO_HOST.test(name) || (user !== undefined && BOUND_TO_USER.test(name))) delete base[name];
  }
  return base;
}

/** Return what the ranks of this host start from: the agent's own environment, or what came from the launcher's host. */
export function hostEnvironment(travelled: Readonly<Record<string, string>> | undefined): NodeJS.ProcessEnv {
  if (travelled === undefined) return process.env;
  const own = Object.entries(process.env).filter(([name]) => BOUND_TO_USER.test(name) || OWN_OF_HOST.test(name));
  return { ...Object.fromEntries(own), ...travelled };
}

/** Return the environment of one rank. */
export function rankEnvironment(base: Readonly<Record<string, string>>, rank: RankEnvironment): Record<string, string> {
  const env: Record<string, string> = {
    ...base,
    TSMPI_RANK: String(rank.rank),
    TSMPI_SIZE: String(rank.size),
    TSMPI_LOCAL_RANK: String(rank.localRank),
  };
  if (rank.bootstrap !== undefined) env[BOOTSTRAP_VARIABLE] = rank.bootstrap;
  if (rank.hugePages && !env.GLIBC_TUNABLES?.includes('glibc.malloc.hugetlb')) {
    // Huge pages for ordinary typed arrays; what the user set stays in front.
    env.GLIBC_TUNABLES = `${env.GLIBC_TUNABLES ? `${env.GLIBC_TUNABLES}:` : ''}glibc.malloc.hugetlb=1`;
  }
  return env;
}
