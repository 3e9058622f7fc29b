/**
 * What a PBS job is to a program that runs in it, on test hosts: PBS itself is in no Debian package.
 *
 * The contract: PBS_NODEFILE has a line for each slot; `pbs_tmrsh HOST COMMAND...` has PBS's daemons start the command on a
 * host of the job, without a shell: in a session of its own, in $HOME, with little environment and umask 077, no standard
 * input, its output in the files of the job, never at the caller. The exit code comes back; 254 stands for a host that is
 * not of the job and for a command that cannot be executed. Killing pbs_tmrsh leaves what it started.
 * This process stands for the daemons: pbs_tmrsh asks it through a socket in the file system that all hosts share.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { TestHosts } from './test-hosts.ts';

const NOT_STARTED = 254;
/** As the daemons report a death by signal. */
const SIGNAL_BASE = 256;

/** pbs_tmrsh: sends its arguments, reads the exit code. */
const PBS_TMRSH = (socket: string): string => `#!${process.execPath}
const connection = require('node:net').connect(${JSON.stringify(socket)});
let answer = '';
connection.on('data', (bytes) => { answer += bytes; });
connection.on('end', () => {
  const [code, ...words] = answer.split(' ');
  if (words.length > 0) console.error(words.join(' '));
  process.exit(Number(code));
});
connection.end(JSON.stringify(process.argv.slice(2)));
`;

export class TestPbs {
  /** Variables of the job's script, which runs on the first host. */
  readonly env: Readonly<Record<string, string>>;
  /** $HOME on all hosts. */
  readonly home: string;
  readonly #folder: string;
  readonly #hosts: TestHosts;
  readonly #names: readonly string[];
  readonly #server: Server;

  private constructor(hosts: TestHosts, slots: Readonly<Record<string, number>>) {
    this.#hosts = hosts;
    this.#names = Object.keys(slots);
    this.#folder = join(hosts.folder, 'pbs');
    this.home = join(this.#folder, 'home');
    mkdirSync(join(this.#folder, 'bin'), { recursive: true });
    mkdirSync(this.home);
    const nodefile = join(this.#folder, 'nodefile');
    writeFileSync(
      nodefile,
      Object.entries(slots)
        .map(([name, count]) => `${name}\n`.repeat(count))
        .join(''),
    );
    writeFileSync(join(this.#folder, 'bin', 'pbs_tmrsh'), PBS_TMRSH(join(this.#folder, 'daemon')), { mode: 0o755 });
    this.env = {
      ...{ PBS_JOBID: '7.node1', PBS_NODEFILE: nodefile, PBS_ENVIRONMENT: 'PBS_BATCH', PBS_O_WORKDIR: process.cwd() },
      ...{ HOME: this.home, PATH: `${this.#folder}/bin:${process.env.PATH}` },
    };
    this.#server = createServer({ allowHalfOpen: true }, (connection) => {
      let request = '';
      connection.setEncoding('utf8').on('data', (text: string) => {
        request += text;
      });
      connection.on('error', () => {}); // a pbs_tmrsh that was killed
      connection.on('end', async () => connection.end(await this.#start(JSON.parse(request))));
    });
  }

  /** Begin a job with those slots. */
  static async begin(hosts: TestHosts, slots: Readonly<Record<string, number>>): Promise<TestPbs> {
    const pbs = new TestPbs(hosts, slots);
    pbs.#server.listen(join(pbs.#folder, 'daemon'));
    await once(pbs.#server, 'listening');
    return pbs;
  }

  /** What the job's commands printed on stderr. */
  get errorFile(): string {
    return readFileSync(join(this.#folder, 'errors'), 'utf8');
  }

  end(): void {
    this.#server.close();
  }

  /** Start a command on a host and wait for its end; return what pbs_tmrsh is told. */
  async #start([host, ...command]: [string, ...string[]]): Promise<string> {
    if (!this.#names.includes(host)) return `${NOT_STARTED} pbs_tmrsh: host "${host}" is not a node in job`;
    const { PBS_JOBID, PBS_NODEFILE, PBS_ENVIRONMENT, PBS_O_WORKDIR, HOME } = this.env;
    const env = { PBS_JOBID, PBS_NODEFILE, PBS_ENVIRONMENT, PBS_O_WORKDIR, HOME, PATH: '/usr/bin:/bin' };
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const bare = ['sh', '-c', `umask 077; exec env -i "$@" || exit ${NOT_STARTED}`, 'sh', ...variables, ...command];
    const [file, ...args] = this.#hosts.command(host, ['setsid', '--wait', ...bare], this.home);
    const output = openSync(join(this.#folder, 'output'), 'a');
    const errors = openSync(join(this.#folder, 'errors'), 'a');
    const task = spawn(file!, args, { stdio: ['ignore', output, errors] });
    closeSync(output);
    closeSync(errors);
    const [code, signal] = await once(task, 'close');
    if (code === 126 || code === 127) return String(NOT_STARTED);
    return String(signal === null ? code : SIGNAL_BASE);
  }
}
