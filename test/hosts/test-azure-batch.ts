/**
 * An Azure Batch multi-instance task on test hosts: the service itself runs nowhere else.
 *
 * The contract: the coordination command runs on every host with the task's variables and must return; only then the
 * application command runs, on the first host alone. When it has ended, what the task left on any host is ended, found by
 * the task's environment, and its exit code is the task's. Each host has folders of its own.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestHosts } from './test-hosts.ts';

/** A coordination command that does not return is this test's failure, not a hang. */
const COORDINATION_MS = 30_000;

export interface Coordinated {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class TestTask {
  readonly #hosts: TestHosts;
  readonly #names: readonly string[];
  readonly #cores: number;
  readonly #folder: string;
  /** Settings of the task, which both commands see. */
  readonly #settings: Readonly<Record<string, string>>;

  constructor(hosts: TestHosts, names: readonly string[], cores: number, settings: Readonly<Record<string, string>>) {
    this.#hosts = hosts;
    this.#names = names;
    this.#cores = cores;
    this.#settings = settings;
    this.#folder = join(hosts.folder, 'batch');
  }

  /** The variables of the task on a host. */
  env(host: string): Record<string, string> {
    const addresses = this.#names.map((name) => this.#hosts.address(name));
    const own = join(this.#folder, host);
    mkdirSync(join(own, 'task', 'wd'), { recursive: true });
    return {
      ...{ PATH: process.env.PATH!, HOME: process.env.HOME!, AZ_BATCH_JOB_ID: 'job1', AZ_BATCH_TASK_ID: 'task1' },
      ...{ AZ_BATCH_NODE_ID: `vm_${host}`, AZ_BATCH_NODE_ROOT_DIR: own, AZ_BATCH_TASK_WORKING_DIR: join(own, 'task', 'wd') },
      ...{ AZ_BATCH_HOST_LIST: addresses.join(','), AZ_BATCH_NODE_LIST: addresses.join(';') },
      ...{ AZ_BATCH_MASTER_NODE: `${addresses[0]}:6000`, AZ_BATCH_IS_CURRENT_NODE_MASTER: String(host === this.#names[0]) },
      CCP_NODES: `${addresses.length} ${addresses.map((address) => `${address} ${this.#cores}`).join(' ')}`,
      ...this.#settings,
    };
  }

  /** Run the coordination command on all hosts, each until it returns and nobody writes any more where it wrote. */
  coordinate(command: readonly string[], names: readonly string[] = this.#names): Promise<Coordinated[]> {
    return Promise.all(names.map((name) => this.#run(name, command)));
  }

  async #run(host: string, command: readonly string[]): Promise<Coordinated> {
    const [file, ...args] = this.#hosts.command(host, command, this.#folder);
    const env = this.env(host);
    const child = spawn(file!, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: COORDINATION_MS, killSignal: 'SIGKILL' });
    const texts = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        texts[stream] += text;
      });
    }
    const [code] = await once(child, 'close');
    return { code, ...texts };
  }
}
