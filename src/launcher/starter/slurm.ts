/**
 * The Slurm starter: one step for all hosts, beside whatever else runs in the allocation.
 *
 * srun hands its standard input to every task, and that and its environment cross the network in clear: munge seals the
 * secret where it is there. Slurm's own variables are taken from srun's environment, since they would give the step
 * fewer processors, or another layout, than the allocation has.
 */

import { sealLine } from '../../agent/invitation.ts';
import type { PlacedHost } from '../placement.ts';
import { StarterProcess } from './starter.ts';

/** Start an agent on each of these hosts; the key is the host's index. */
export function startBySlurm(
  hosts: ReadonlyMap<number, PlacedHost>,
  agent: readonly string[],
  invitation: Promise<string>,
): StarterProcess {
  const { SLURM_JOB_ID = '' } = process.env;
  const names = [...hosts.values()].map(({ name }) => name);
  const command = [
    'srun',
    `--jobid=${SLURM_JOB_ID}`,
    `--nodelist=${names.join(',')}`,
    '--overlap',
    `--nodes=${names.length}`,
    `--ntasks=${names.length}`,
    '--ntasks-per-node=1',
    '--mpi=none',
    '--cpu-bind=none',
    '--kill-on-bad-exit=0',
    '--input=all',
    ...agent,
  ];
  const sealed = invitation.then((line) => sealLine(line) ?? line);
  return new StarterProcess([...hosts.keys()], command, stepEnvironment(process.env), sealed);
}

function stepEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isKept = (name: string): boolean => name === 'SLURM_CONF' || !/^(SLURM|SRUN)_/.test(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => isKept(name)));
}
