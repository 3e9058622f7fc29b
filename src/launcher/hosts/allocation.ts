/**
 * Allocation: on which hosts a job may run, and what starts an agent there.
 *
 * Looked for in this order: --starter, Slurm, PBS, Azure Batch, HPC Pack, --host or --hostfile (by ssh), else this
 * machine. --host and --hostfile inside a scheduler's allocation select from it and keep its starter, since many sites
 * forbid ssh to their nodes.
 */

import { readFileSync } from 'node:fs';
import type { LaunchOptions, StarterName } from '../options.ts';
import { UsageError } from '../usage-error.ts';
import { type ListedHost, parseHosts, readHostfile } from './host-list.ts';
import { parseAzureHosts, parseCcpNodes, parsePbsNodes } from './scheduler-list.ts';
import { expandCounts, expandNodeList } from './slurm-list.ts';

export interface Allocation {
  readonly starter: StarterName;
  /** undefined: this machine alone. */
  readonly hosts: readonly ListedHost[] | undefined;
}

/** What a scheduler has given to the job that we run in. */
interface Granted {
  readonly starter: StarterName;
  readonly hosts: readonly ListedHost[];
  /** For messages: the scheduler's word for it. */
  readonly name: string;
}

/** What those starters cannot do without. */
const NEEDED: { readonly [name in StarterName]?: { readonly variable: string; readonly job: string } } = {
  slurm: { variable: 'SLURM_JOB_ID', job: 'salloc or sbatch' },
  pbs: { variable: 'PBS_NODEFILE', job: 'a job of qsub' },
};

/** Find out where the job may run. Throws UsageError. */
export function findAllocation(
  options: Pick<LaunchOptions, 'hosts' | 'hostfile' | 'starter'>,
  env: NodeJS.ProcessEnv,
): Allocation {
  const { starter } = options;
  const listed = listedHosts(options);
  if (starter === 'local') {
    if (listed !== undefined)
      throw new UsageError('--starter local runs all ranks on this machine: leave --host and --hostfile out');
    return { starter, hosts: undefined };
  }
  const granted = findGranted(env, starter);
  const needed = starter === undefined ? undefined : NEEDED[starter];
  if (needed !== undefined && granted?.starter !== starter) {
    throw new UsageError(`--starter ${starter} needs an allocation (${needed.variable} is not set): run it inside ${needed.job}`);
  }
  if (granted === undefined) {
    if (listed !== undefined) return { starter: starter ?? 'ssh', hosts: listed };
    if (starter === undefined) return { starter: 'local', hosts: undefined };
    throw new UsageError(`--starter ${starter} needs hosts: add --host or --hostfile`);
  }
  const hosts = listed === undefined ? granted.hosts : listed.map((host) => select(host, granted));
  return { starter: starter ?? granted.starter, hosts };
}

function listedHosts({ hosts, hostfile }: Pick<LaunchOptions, 'hosts' | 'hostfile'>): ListedHost[] | undefined {
  if (hosts !== undefined && hostfile !== undefined)
    throw new UsageError('--host and --hostfile are both given: expected one of them');
  if (hosts !== undefined) return parseHosts(hosts, '--host');
  return hostfile === undefined ? undefined : readHostfile(hostfile, '--hostfile');
}

function select(host: ListedHost, { hosts, name }: Granted): ListedHost {
  const found = hosts.find((candidate) => candidate.name === host.name);
  if (found === undefined) {
    const names = hosts.map((candidate) => candidate.name).join(', ');
    throw new UsageError(`host ${host.name} is not in the allocation of ${name}: expected some of ${names}`);
  }
  return { ...host, slots: host.slots ?? found.slots };
}

/** `starter`: what was asked for; ssh takes the hosts of any. */
function findGranted(env: NodeJS.ProcessEnv, starter: StarterName | undefined): Granted | undefined {
  const isWanted = (name: StarterName): boolean => starter === undefined || starter === 'ssh' || starter === name;
  if (env.SLURM_JOB_ID !== undefined && isWanted('slurm'))
    return { starter: 'slurm', hosts: slurmHosts(env), name: `Slurm job ${env.SLURM_JOB_ID}` };
  const { PBS_NODEFILE, AZ_BATCH_HOST_LIST, CCP_NODES } = env;
  if (PBS_NODEFILE !== undefined && isWanted('pbs')) {
    return {
      starter: 'pbs',
      hosts: parsePbsNodes(readNodeFile(PBS_NODEFILE), PBS_NODEFILE),
      name: `PBS job ${env.PBS_JOBID ?? ''}`,
    };
  }
  if (AZ_BATCH_HOST_LIST !== undefined && isWanted('azure-batch')) {
    // The address list has no cores; CCP_NODES beside it has.
    const cores = CCP_NODES === undefined ? undefined : parseCcpNodes(CCP_NODES);
    const hosts = parseAzureHosts(AZ_BATCH_HOST_LIST).map((host) => ({
      ...host,
      slots: cores?.find(({ name }) => name === host.name)?.slots,
    }));
    return { starter: 'azure-batch', hosts, name: `Azure Batch task ${env.AZ_BATCH_TASK_ID ?? ''}` };
  }
  if (CCP_NODES === undefined) return undefined;
  const hosts = parseCcpNodes(CCP_NODES);
  if (hosts === undefined)
    throw new UsageError('CCP_NODES is Overflow (too many hosts for a variable): name them with --hostfile');
  return { starter: 'ssh', hosts, name: `HPC Pack job ${env.CCP_JOBID ?? ''}` };
}

function slurmHosts(env: NodeJS.ProcessEnv): ListedHost[] {
  const variable = env.SLURM_JOB_NODELIST === undefined ? 'SLURM_NODELIST' : 'SLURM_JOB_NODELIST';
  const names = expandNodeList(env[variable] ?? '', variable);
  const perNode = env.SLURM_TASKS_PER_NODE === undefined ? 'SLURM_JOB_CPUS_PER_NODE' : 'SLURM_TASKS_PER_NODE';
  const counts = env[perNode] === undefined ? names.map(() => 1) : expandCounts(env[perNode], perNode);
  if (counts.length !== names.length) {
    throw new UsageError(`${perNode} is ${env[perNode]}, for ${counts.length} hosts, but ${variable} names ${names.length}`);
  }
  // In a batch script the slots may add up to more than the tasks that were asked for.
  let left = env.SLURM_NTASKS === undefined ? Infinity : Number(env.SLURM_NTASKS);
  return names.flatMap((name, index) => {
    const slots = Math.min(counts[index]!, left);
    left -= slots;
    return slots > 0 ? [{ name, user: undefined, slots }] : [];
  });
}

function readNodeFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`PBS_NODEFILE cannot be read: ${(error as Error).message}`);
  }
}
