/**
 * The options of tsmpirun: one table, from which the parser, the help and the variables follow.
 *
 * Each option has a variable as well, TSMPI_ and its long name (`--tag-output`: TSMPI_TAG_OUTPUT), read by the launcher
 * alone and kept from the ranks.
 */

import { DEFAULT_AGENT_PORT } from '../launcher/options.ts';

export interface OptionEntry {
  /** Long name, without dashes. */
  readonly name: string;
  /** Other spellings, with their dashes. */
  readonly aliases?: readonly string[];
  /** What its value is called in the help; undefined: a switch. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly isRepeatable?: boolean;
  /** It may stand in each block of a job with several programs, not only in the first. */
  readonly isOfBlock?: boolean;
  readonly group: 'Ranks' | 'Hosts' | 'Program' | 'Output' | 'Job' | 'Tuning' | 'About';
  readonly text: string;
}

export const OPTIONS: readonly OptionEntry[] = [
  {
    name: 'np',
    aliases: ['-n', '-np', '--n'],
    value: 'N',
    isOfBlock: true,
    group: 'Ranks',
    text: 'ranks to start; without it one per slot of the hosts, or per core',
  },
  { name: 'ppn', value: 'N', group: 'Ranks', text: 'ranks per host at most' },
  {
    name: 'host',
    aliases: ['-H', '-host'],
    value: 'LIST',
    group: 'Hosts',
    text: 'hosts to run on, with their slots: a:2,user@b; inside an allocation it selects from it',
  },
  {
    name: 'hostfile',
    aliases: ['-hostfile', '--machinefile', '-machinefile'],
    value: 'FILE',
    group: 'Hosts',
    text: 'a file with a host on each line: name slots=4, name:4, user@name, # comment',
  },
  {
    name: 'map-by',
    value: 'HOW',
    choices: ['slot', 'host'],
    group: 'Hosts',
    text: 'ranks fill one host after the other (default), or go round the hosts',
  },
  {
    name: 'starter',
    value: 'NAME',
    choices: ['local', 'ssh', 'slurm', 'pbs', 'azure-batch'],
    group: 'Hosts',
    text:
      'what starts the agents of other hosts; default: srun in a Slurm allocation, pbs_tmrsh in a PBS job, nothing in an Azure ' +
      'Batch task, whose agents wait already (tsmpi agent --listen), else ssh',
  },
  { name: 'rsh', value: 'COMMAND', group: 'Hosts', text: 'remote shell in place of ssh, with its arguments' },
  {
    name: 'iface',
    value: 'NETWORK',
    group: 'Hosts',
    text: 'the network whose addresses hosts use, as 10.0.0.0/8; default: the addresses by which they were reached',
  },
  {
    name: 'ports',
    value: 'FIRST-LAST',
    group: 'Hosts',
    text: 'ports on which ranks, relays and the launcher take connections of other hosts, as 5000-5099; default: any',
  },
  { name: 'agent-port', value: 'PORT', group: 'Hosts', text: `port of agents that wait (default ${DEFAULT_AGENT_PORT})` },
  {
    name: 'secret-file',
    value: 'FILE',
    group: 'Hosts',
    text: 'file with the secret of agents that wait; without it TSMPI_AGENT_SECRET has it',
  },
  {
    name: 'heartbeat',
    value: 'SECONDS',
    group: 'Hosts',
    text: 'silence after which a host counts as lost (default 10)',
  },
  {
    name: 'start-timeout',
    value: 'SECONDS',
    group: 'Hosts',
    text: 'how long another host may take until its agent is there (default 30)',
  },
  { name: 'tls', group: 'Hosts', text: 'encrypt what ranks of different hosts send to each other' },
  {
    name: 'ranks',
    value: 'KIND',
    choices: ['process', 'thread'],
    group: 'Ranks',
    text: 'ranks are processes (where the addon loads) or worker threads',
  },
  {
    name: 'bind-to',
    value: 'WHAT',
    choices: ['none', 'core'],
    group: 'Ranks',
    text: 'pin each rank to a core, or not (default)',
  },
  {
    name: 'threads-per-rank',
    value: 'N',
    group: 'Ranks',
    text: 'threads a rank may use; default: the cores divided by the ranks',
  },
  { name: 'wdir', value: 'DIR', isOfBlock: true, group: 'Program', text: 'working directory of the ranks' },
  {
    name: 'x',
    aliases: ['-x'],
    value: 'NAME[=VALUE]',
    isRepeatable: true,
    isOfBlock: true,
    group: 'Program',
    text: 'set a variable for the ranks, or pass it on; several in TSMPI_X, with blanks between',
  },
  {
    name: 'node-args',
    value: 'ARGS',
    isOfBlock: true,
    group: 'Program',
    text: "arguments of Node before the program, e.g. '--inspect'",
  },
  { name: 'exec', isOfBlock: true, group: 'Program', text: 'the program is an executable of any kind' },
  {
    name: 'stage',
    group: 'Program',
    text:
      'send the program, bundled with its packages, to a temporary folder on each other host; there ranks run as if it were the ' +
      'current directory, and it is removed with all that is in it when the job ends',
  },
  {
    name: 'stage-file',
    value: 'PATH',
    isRepeatable: true,
    group: 'Program',
    text: 'send that file or folder as well, which means --stage; below the current directory it keeps its relative path',
  },
  { name: 'stdin', value: 'RANK', group: 'Program', text: 'who reads standard input: a rank (default 0), all or none' },
  { name: 'tag-output', aliases: ['-l'], group: 'Output', text: 'put [rank] in front of each line' },
  { name: 'output-dir', value: 'DIR', group: 'Output', text: 'write each rank’s output to files in DIR instead' },
  { name: 'explain', group: 'Output', text: 'say where ranks run, how they reach each other, and why' },
  {
    name: 'profile',
    group: 'Output',
    text: 'at the end print where time went: by region and operation, share in messages, imbalance, memory',
  },
  { name: 'profile-file', value: 'FILE', group: 'Output', text: 'write the profile to FILE as JSON, on the host of rank 0' },
  { name: 'quiet', group: 'Output', text: 'no notices' },
  { name: 'timeout', value: 'SECONDS', group: 'Job', text: 'end the job then, saying where every rank waits (exit code 124)' },
  { name: 'grace', value: 'SECONDS', group: 'Job', text: 'time that ranks have after SIGTERM to the launcher (default 5)' },
  {
    name: 'transport',
    value: 'LIST',
    group: 'Tuning',
    text: 'transports that may be used, of self,shm,rdma,websocket,relay (default: all; rdma where it is proven)',
  },
  { name: 'deterministic', group: 'Tuning', text: 'reductions in an order that does not depend on placement or timing' },
  {
    name: 'wait',
    value: 'HOW',
    choices: ['spin', 'park', 'auto'],
    group: 'Tuning',
    text: 'how ranks wait: spin long, sleep at once, or by cores (default auto)',
  },
  {
    name: 'huge-pages',
    value: 'SWITCH',
    choices: ['on', 'off'],
    group: 'Tuning',
    text: 'huge pages for arrays of the ranks (default on)',
  },
  { name: 'oversubscribe', group: 'Ranks', text: 'accepted for those who are used to it: more ranks than cores need no asking' },
  { name: 'version', aliases: ['-V'], group: 'About', text: 'print the version' },
  { name: 'help', aliases: ['-h'], group: 'About', text: 'print this' },
];

/** Transports that this version has. */
export const TRANSPORTS: readonly string[] = ['self', 'shm', 'rdma', 'websocket', 'relay'];

/** What users of other launchers, or of a later version, type, and what to say. */
export const FOREIGN: ReadonlyMap<string, string> = new Map([
  ['--preload-binary', 'the option is --stage'],
  ['--preload-files', 'the option is --stage-file'],
  ['-f', 'the option is --hostfile'],
  ['-map-by', 'the option is --map-by'],
  ['-c', 'the number of ranks is -n'],
  ['-ppn', 'the option is --ppn'],
  ['-N', 'the option is --ppn'],
  ['--npernode', 'the option is --ppn'],
  ['-npernode', 'the option is --ppn'],
  ['--bind-to-core', 'the option is --bind-to core'],
  ['-bind-to', 'the option is --bind-to'],
  ['-wdir', 'the option is --wdir'],
  ['-wd', 'the option is --wdir'],
  ['-genv', 'the option is -x NAME=VALUE'],
  ['-env', 'the option is -x NAME=VALUE'],
  ['-tag-output', 'the option is --tag-output'],
  ['-output-filename', 'the option is --output-dir'],
  ['--output-filename', 'the option is --output-dir'],
  ['-q', 'the option is --quiet'],
  ['-v', 'the option is --explain, or --version'],
]);

/** Return the variable of an option. */
export function variableOf({ name }: OptionEntry): string {
  return `TSMPI_${name.replaceAll('-', '_').toUpperCase()}`;
}

/** Options that have no variable: they ask, and start nothing. */
export const WITHOUT_VARIABLE: ReadonlySet<string> = new Set(['version', 'help']);
