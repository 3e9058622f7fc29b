/**
 * Jobs on test hosts: started on one of them by the built launcher, watched and judged from this machine, which sees the
 * processes of all hosts. After each job every host must be as it was.
 */

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { Job, type JobOptions, type JobResult, LAUNCHER, program } from '../jobs/run-job.ts';
import type { TestHosts } from './test-hosts.ts';

/** Under load a login alone takes seconds. */
const DEADLINE_MS = 100_000;

/** Arguments of a job of eight ranks on four hosts. */
export const FOUR = ['--quiet', '--host', 'node1:2,node2:2,node3:2,node4:2'];

export interface HostJobOptions extends JobOptions {
  /** Host of the launcher; undefined: the first. */
  readonly from?: string;
  /** Start this in place of `node dist/tsmpirun.cjs`. */
  readonly launch?: readonly string[];
}

export class HostJob {
  readonly job: Job;
  readonly #hosts: TestHosts;
  readonly #from: string;

  constructor(hosts: TestHosts, args: readonly string[], options: HostJobOptions = {}) {
    this.#hosts = hosts;
    this.#from = options.from ?? hosts.names[0]!;
    const command = hosts.command(this.#from, options.launch ?? [process.execPath, LAUNCHER], options.cwd);
    this.job = new Job(args, { deadlineMs: DEADLINE_MS, ...options, command });
  }

  /** Start eight ranks on four hosts that stay as `mode` says (programs/linger.mjs), and wait until all of them are there. */
  static async linger(hosts: TestHosts, mode: string, ...options: string[]): Promise<HostJob> {
    const running = new HostJob(hosts, [...FOUR, ...options, program('linger.mjs'), mode]);
    await running.ready(8);
    return running;
  }

  /** Wait for its end; then nothing of it may be left on any host. */
  async end(): Promise<JobResult> {
    const result = await this.job.end();
    expect(await this.#hosts.leftovers()).toEqual([]);
    return result;
  }

  /** Wait for its end, where agents that wait for other jobs may stay on hosts. */
  endLeaving(): Promise<JobResult> {
    return this.job.end();
  }

  /** Wait until that many ranks have said `ready PID`; return their process ids on this machine. */
  async ready(count: number): Promise<number[]> {
    await this.job.output(/ready (\d+)/, count);
    return this.#hosts.names.flatMap((host) => this.ranks(host));
  }

  /** Processes of ranks on a host: those that have the job's variables, and are neither launcher nor agent. */
  ranks(host: string): number[] {
    return this.#hosts.processes(host).filter((pid) => /\0TSMPI_LOCAL_RANK=/.test(`\0${read(pid, 'environ')}`));
  }

  /** Process of that rank. */
  rank(rank: number): number {
    const pids = this.#hosts.names.flatMap((host) => this.ranks(host));
    const found = pids.find((pid) => `\0${read(pid, 'environ')}`.includes(`\0TSMPI_RANK=${rank}\0`));
    if (found === undefined) throw new Error(`there is no rank ${rank}\n${this.job.stderr}`);
    return found;
  }

  /** The agent on a host that is not the launcher's. */
  agent(host: string): number {
    return this.#find(this.#hosts.processes(host), /\/dist\/agent\.cjs\0dial/, `agent on ${host}`);
  }

  /** The ssh that holds the agent of a host. */
  ssh(host: string): number {
    return this.starter('ssh', host);
  }

  /** The process of that name that holds the agent of a host. */
  starter(name: string, host: string): number {
    const commandLine = new RegExp(`^([^\\0]*node\\0[^\\0]*/)?${name}\\0(.*\\0)?${host}\\0`);
    return this.#find(this.#hosts.processes(this.#from), commandLine, `${name} to ${host}`);
  }

  #find(pids: readonly number[], commandLine: RegExp, what: string): number {
    const found = pids.find((pid) => commandLine.test(read(pid, 'cmdline')));
    if (found === undefined) throw new Error(`there is no ${what}\n${this.job.stderr}`);
    return found;
  }
}

/** Run a job on test hosts to its end. */
export function runOnHosts(hosts: TestHosts, args: readonly string[], options?: HostJobOptions): Promise<JobResult> {
  return new HostJob(hosts, args, options).end();
}

export function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
