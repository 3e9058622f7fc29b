#!/usr/bin/env node
/**
 * tsmpi: everything around jobs: what is installed, and whether this host is fit.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import yargs from 'yargs';
import { VERSION } from '../base/version.ts';
import { DEFAULT_AGENT_PORT } from '../launcher/options.ts';
import { examine, formatFindings } from './doctor.ts';
import { collectInfo, formatInfo } from './info.ts';

const args = process.argv.slice(2);
const COMMANDS = ['info', 'doctor', 'bench', 'agent'];
const COMMAND_NAMES = `${COMMANDS.slice(0, -1).join(', ')} or ${COMMANDS.at(-1)}`;

/** Say what yargs found wrong, with what was expected instead. */
function sentence(message: string): string {
  const command = args.find((argument) => !argument.startsWith('-'));
  if (command !== undefined && !COMMANDS.includes(command)) {
    return `unknown command ${command}: expected ${COMMAND_NAMES}; see tsmpi --help`;
  }
  const bare = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
  if (bare !== undefined) return `--${bare} has no value: see tsmpi ${command} --help`;
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/.exec(message)?.[1];
  if (unknown === undefined) return message;
  return `unknown argument ${unknown}: see tsmpi ${command === undefined ? '' : `${command} `}--help`;
}

/** Algorithms are known to ranks only: a program of theirs prints them. */
function printCollectives(asJson: boolean): void {
  const entry = fileURLToPath(new URL('./print-collectives.js', import.meta.url));
  const { status } = spawnSync(process.execPath, [entry, ...(asJson ? ['--json'] : [])], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.exitCode = status ?? 1;
}

/** Benchmarks have a command line of their own, and a bundle that nothing else loads. */
async function runBench(words: readonly string[]): Promise<number> {
  const entry = (await import(new URL('./bench.js', import.meta.url).href)) as {
    bench(words: readonly string[]): Promise<number>;
  };
  return entry.bench(words);
}

if (args[0] === 'bench') process.exit(await runBench(args.slice(1)));

const JSON_OPTION = { type: 'boolean', description: 'print JSON', default: false } as const;

await yargs(args)
  .scriptName('tsmpi')
  .usage('tsmpi <command>\n\nJobs are started by tsmpirun.')
  .command(
    'info',
    'print version, addon, memory and the variables that configure tsmpi',
    (command) =>
      command.option('json', JSON_OPTION).option('collectives', {
        type: 'boolean',
        description: 'print the algorithms of the collectives and when each is taken',
        default: false,
      }),
    ({ json, collectives }) => {
      if (collectives) {
        printCollectives(json);
        return;
      }
      const info = collectInfo();
      console.log(json ? JSON.stringify(info, null, 2) : formatInfo(info));
    },
  )
  .command(
    'doctor',
    'look for what is missing on this host, or on others and between them, and say how to mend it',
    (command) =>
      command
        .option('json', JSON_OPTION)
        .option('host', { type: 'string', requiresArg: true, description: 'examine these hosts, as node1,user@node2' })
        .option('hostfile', { type: 'string', requiresArg: true, description: 'examine the hosts of that file' })
        .option('rsh', { type: 'string', requiresArg: true, description: 'remote shell in place of ssh, with its arguments' })
        .option('ports', {
          type: 'string',
          requiresArg: true,
          description: 'try these ports, as tsmpirun --ports would use them',
        })
        .option('rdma', {
          type: 'string',
          requiresArg: true,
          description: 'prove RDMA between this host and that one in fifteen steps, so that jobs take it by themselves',
        })
        .option('report', {
          type: 'string',
          requiresArg: true,
          description: 'where the report of --rdma goes',
          default: 'tsmpi-rdma.json',
        })
        .option('probe', { type: 'boolean', hidden: true, default: false }),
    async ({ json, probe, rdma, report, ...options }) => {
      const { host, hostfile } = options;
      if (rdma !== undefined) {
        const { doctorRdma } = await import('./doctor-rdma.ts');
        process.exitCode = await doctorRdma(rdma, report, json, options.rsh);
        return;
      }
      if (probe || host !== undefined || hostfile !== undefined) {
        const { doctorHosts } = await import('./doctor-command.ts');
        process.exitCode = await doctorHosts(options, json, probe);
        return;
      }
      const findings = examine();
      console.log(json ? JSON.stringify(findings, null, 2) : formatFindings(findings));
      if (findings.some(({ state }) => state === 'fail')) process.exitCode = 1;
    },
  )
  .command('bench', 'time messages and collectives, compare interconnects and other MPIs (tsmpi bench --help)')
  .command(
    'agent',
    'leave an agent waiting on this host, for a launcher that comes later',
    (command) =>
      command
        .usage(
          'tsmpi agent --listen [options]\n\nFor platforms that run one command on every host, as the coordination command of an Azure ' +
            'Batch multi-instance task. Returns once the agent listens. tsmpirun then finds it by --starter azure-batch, or by ' +
            'the variables of the task, with the same port (--agent-port) and secret (--secret-file).\n\n' +
            'The secret may stand in TSMPI_AGENT_SECRET instead of a file; whoever knows it may start programs on this host.',
        )
        .option('listen', { type: 'boolean', demandOption: 'expected --listen', description: 'wait for a launcher' })
        .option('port', {
          type: 'string',
          requiresArg: true,
          description: 'the port to listen on',
          default: process.env.TSMPI_AGENT_PORT || String(DEFAULT_AGENT_PORT),
        })
        .option('secret-file', {
          type: 'string',
          requiresArg: true,
          description: 'a file with the secret that launchers must know, for its user only',
          default: process.env.TSMPI_SECRET_FILE || undefined,
        })
        .option('idle', {
          type: 'string',
          requiresArg: true,
          description: 'seconds without a job after which the agent leaves',
          default: '3600',
        })
        .option('stay', { type: 'boolean', description: 'wait for another job after one', default: false })
        .option('foreground', { type: 'boolean', description: 'stay in the foreground', default: false }),
    async ({ port, secretFile, idle, stay, foreground }) => {
      const { startWaitingAgent } = await import('./waiting-agent.ts');
      process.exitCode = await startWaitingAgent({ port, secretFile, idle, stay, foreground });
    },
  )
  .demandCommand(1, `expected a command: ${COMMAND_NAMES}; see tsmpi --help`)
  .strict()
  .strictCommands()
  .version(VERSION)
  .help()
  .wrap(Math.min(110, process.stdout.columns ?? 100))
  .fail((message, error) => {
    // yargs throws what it finds wrong with a value, and tells of the rest.
    if (error && error.name !== 'YError') throw error;
    process.stderr.write(`tsmpi: ${sentence(message)}\n`);
    process.exit(2);
  })
  .parseAsync();
