/**
 * Real Slurm on test hosts: munged and slurmd on every host, slurmctld on the first. Ends with the hosts.
 *
 * Packages: munge slurm-wlm libpmix-dev slurmctld slurmd slurm-client slurm-wlm-basic-plugins.
 */

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingHosts, missingPrograms, type TestHosts } from './test-hosts.ts';

const SLURM_PROGRAMS: readonly [string, string][] = [
  ['munged', 'munge'],
  ['slurmctld', 'slurmctld'],
  ['slurmd', 'slurmd'],
  ['srun', 'slurm-client'],
];
const START_MS = 20_000;
const CPUS = 4;

/** Why there can be no Slurm here; undefined: there can. */
export const missingSlurm: string | undefined = missingHosts ?? missingPrograms(SLURM_PROGRAMS);

/** Why Slurm's own PMIx cannot be had: it loads that library by a name that only its headers' package has. */
export const missingPmix: string | undefined = missingSlurm ?? missingLibrary('libpmix.so', 'libpmix-dev');

/** Start it; resolve with the environment that its commands need when all nodes are idle. */
export async function startSlurm(hosts: TestHosts): Promise<Record<string, string>> {
  const folder = join(hosts.folder, 'slurm');
  mkdirSync(join(folder, 'state'), { recursive: true });
  writeFileSync(join(folder, 'munge.key'), randomBytes(128), { mode: 0o400 });
  const config = join(folder, 'slurm.conf');
  writeFileSync(config, configuration(hosts, folder));
  writeFileSync(join(folder, 'cgroup.conf'), 'CgroupPlugin=cgroup/v1\n');
  const env = ['env', `SLURM_CONF=${config}`];
  for (const host of hosts.names) {
    const own = join(folder, host);
    mkdirSync(join(own, 'spool'), { recursive: true });
    mkdirSync(join(own, 'tmp'));
    const munge = [
      `--key-file=${folder}/munge.key`,
      `--log-file=${own}/munged.log`,
      `--seed-file=${own}/seed`,
      '--num-threads=2',
    ];
    hosts.run(host, ['mkdir', '-p', '/run/munge']);
    hosts.run(host, ['/usr/sbin/munged', '--force', '--pid-file=/run/munge/munged.pid', ...munge]);
  }
  hosts.run(hosts.names[0]!, [...env, '/usr/sbin/slurmctld', '-i']);
  for (const host of hosts.names) hosts.run(host, [...env, '/usr/sbin/slurmd', '-N', host]);
  const limit = performance.now() + START_MS;
  const idle = (): string => hosts.run(hosts.names[0]!, [...env, 'sinfo', '-h', '-t', 'idle', '-o', '%D']).trim();
  while (idle() !== String(hosts.names.length)) {
    if (performance.now() > limit) throw new Error(`Slurm did not come up: ${hosts.run(hosts.names[0]!, [...env, 'sinfo'])}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  hosts.adopt();
  return { SLURM_CONF: config };
}

function configuration(hosts: TestHosts, folder: string): string {
  const lines = [
    'ClusterName=test',
    `SlurmctldHost=${hosts.names[0]}`,
    'SlurmUser=root',
    'SlurmdUser=root',
    'AuthType=auth/munge',
    'CredType=cred/munge',
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/%n/spool`,
    `TmpFS=${folder}/%n/tmp`,
    'SlurmctldPidFile=/run/slurmctld.pid',
    'SlurmdPidFile=/run/slurmd.pid',
    `SlurmctldLogFile=${folder}/slurmctld.log`,
    `SlurmdLogFile=${folder}/%n/slurmd.log`,
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'JobAcctGatherType=jobacct_gather/none',
    'SwitchType=switch/none',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_CPU',
    // More processors than this machine has.
    'SlurmdParameters=config_overrides',
    'ReturnToService=2',
    'MpiDefault=none',
    'KillWait=3',
    'InactiveLimit=0',
    'SlurmdTimeout=15',
    'SchedulerParameters=batch_sched_delay=0,sched_interval=1',
    `NodeName=node[1-${hosts.names.length}] CPUs=${CPUS} RealMemory=1000 State=UNKNOWN`,
    'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES',
  ];
  return `${lines.join('\n')}\n`;
}

function missingLibrary(name: string, debianPackage: string): string | undefined {
  const known = spawnSync('ldconfig', ['-p'], { encoding: 'utf8', env: { PATH: '/usr/sbin:/sbin' } }).stdout ?? '';
  return known.includes(`\t${name} `) ? undefined : `Debian packages are missing: ${debianPackage}`;
}
