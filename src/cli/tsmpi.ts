#!/usr/bin/env node
/**
 * tsmpi: everything around jobs: what is installed, and whether this host is fit.
 */

import yargs from 'yargs';
import { VERSION } from '../base/version.ts';
import { examine, formatFindings } from './doctor.ts';
import { collectInfo, formatInfo } from './info.ts';

const COMMANDS = ['info', 'doctor'];

function fail(message: string): never {
  process.stderr.write(`tsmpi: ${message}\n`);
  process.exit(2);
}

const JSON_OPTION = { type: 'boolean', description: 'print JSON', default: false } as const;

await yargs(process.argv.slice(2))
  .scriptName('tsmpi')
  .usage('tsmpi <command>\n\nJobs are started by tsmpirun.')
  .command(
    'info',
    'print version, addon, memory and the variables that configure tsmpi',
    (command) => command.option('json', JSON_OPTION),
    ({ json }) => {
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
    const unknown = /^Unknown (?:argument|command)s?: (.*)$/.exec(message)?.[1];
    fail(unknown === undefined ? message : `unknown: ${unknown}; expected ${COMMANDS.join(' or ')}, see tsmpi --help`);
  })
  .parseAsync();
