/**
 * What a launch is asked to do: the command line after parsing and checking, with every default filled in.
 *
 * The command line (cli/) makes it, the launcher carries it out; a test or another tool may make one as well.
 */

import type { ProfileRequest, WaitMode } from '../bootstrap/job.ts';

/** Where agents wait when nobody says: below the ports that systems choose for outgoing connections. */
export const DEFAULT_AGENT_PORT = 17_117;

/** What brings agents to hosts. */
export type StarterName = 'local' | 'ssh' | 'slurm' | 'pbs' | 'azure-batch';

/** One program of the job (MPMD has several): ranks in the order of the blocks. */
export interface ProgramBlock {
  /** Number of ranks; undefined: one per slot (allowed for a single block only). */
  readonly ranks: number | undefined;
  /** The program as it was typed. */
  readonly program: string;
  readonly args: readonly string[];
  /** Start it as an executable of any kind, not as a program of Node. */
  readonly exec: boolean;
  /** Working directory, absolute. */
  readonly wdir: string;
  /** Variables set (string) or passed on (already resolved to a string) for these ranks. */
  readonly env: Readonly<Record<string, string>>;
  /** Arguments of Node itself, before the program. */
  readonly nodeArgs: readonly string[];
}

export interface LaunchOptions {
  readonly blocks: readonly ProgramBlock[];
  /** --host as it was given; undefined: not given. */
  readonly hosts: string | undefined;
  /** Path of a hostfile, absolute. */
  readonly hostfile: string | undefined;
  readonly ppn: number | undefined;
  /** Ranks fill a host before the next, or go round the hosts. */
  readonly mapBy: 'slot' | 'host';
  /** undefined: what the environment tells. */
  readonly starter: StarterName | undefined;
  /** The remote shell and its arguments, in place of ssh; undefined: ssh. */
  readonly rsh: readonly string[] | undefined;
  /** Seconds of silence after which a host counts as lost. */
  readonly heartbeatSeconds: number;
  /** Seconds that a host may take to bring its agent. */
  readonly startSeconds: number;
  /** Network, as 10.0.0.0/8, whose addresses hosts use; undefined: those by which they were reached. */
  readonly iface: string | undefined;
  /** First and last port on which ranks and the launcher listen; undefined: those that the system chooses. */
  readonly ports: readonly [first: number, last: number] | undefined;
  /** Port of agents that wait (tsmpi agent --listen). */
  readonly agentPort: number;
  /** File with their secret, absolute; undefined: a variable has it. */
  readonly secretFile: string | undefined;
  /** Files and folders that are sent to other hosts with the program, absolute; undefined: nothing is sent. */
  readonly stage: readonly string[] | undefined;
  readonly bindTo: 'none' | 'core';
  /** undefined: processes where the addon loads, else threads with a notice. */
  readonly rankKind: 'process' | 'thread' | undefined;
  readonly transports: readonly string[];
  /** Encrypt whatever ranks of different hosts send to each other. */
  readonly tls: boolean;
  readonly explain: boolean;
  /** undefined: ranks are not profiled. */
  readonly profile: ProfileRequest | undefined;
  readonly tagOutput: boolean;
  readonly outputDir: string | undefined;
  readonly stdin: number | 'all' | 'none';
  /** Seconds after which the job is ended with 124; undefined: never. */
  readonly timeoutSeconds: number | undefined;
  readonly deterministic: boolean;
  readonly wait: WaitMode;
  /** undefined: the cores divided by the ranks, at least 1. */
  readonly threadsPerRank: number | undefined;
  readonly hugePages: boolean;
  /** Seconds that ranks have after SIGTERM to the launcher. */
  readonly graceSeconds: number;
  readonly quiet: boolean;
}
