#!/usr/bin/env node
/**
 * tsmpi: everything around jobs: what is installed, and whether this host is fit.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import yargs from 'yargs';
import { VERSION } from '../base/version.ts';
import { examine, formatFindings } from './doctor.ts';
import { collectInfo, formatInfo } from './info.ts';

const args = process.argv.slice(2);
const COMMANDS = ['info', 'doctor'];

/** Say what yargs found wrong, with what was expected instead. */
function sentence(message: string): string {
  const command = args.find((argument) => !argument.startsWith('-'));
  if (command !== undefined && !COMMANDS.includes(command)) {
    return `unknown command ${command}: expected ${COMMANDS.join(' or ')}; see tsmpi --help`;
  }
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
    'look for what is missing on this host and say how to mend it',
    (command) => command.option('json', JSON_OPTION),
    ({ json }) => {
      const findings = examine();
      console.log(json ? JSON.stringify(findings, null, 2) : formatFindings(findings));
      if (findings.some(({ state }) => state === 'fail')) process.exitCode = 1;
    },
  )
  .demandCommand(1, `expected a command: ${COMMANDS.join(' or ')}; see tsmpi --help`)
  .strict()
  .strictCommands()
  .version(VERSION)
  .help()
  .wrap(Math.min(110, process.stdout.columns ?? 100))
  .fail((message, error) => {
    if (error !== undefined && error !== null) throw error;
    process.stderr.write(`tsmpi: ${sentence(message)}\n`);
    process.exit(2);
  })
  .parseAsync();
