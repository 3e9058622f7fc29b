/**
 * tsmpirun: starts a job. The command line becomes LaunchOptions, the launcher does the rest.
 */

import { VERSION } from '../base/version.ts';
import { launch } from '../launcher/launch.ts';
import { guardExit } from '../native/exit-guard.ts';
import { CommandLineError, parseCommandLine } from './command-line.ts';

async function main(): Promise<number> {
  const command = parseCommandLine(process.argv.slice(2), process.env, process.cwd());
  if (command.kind === 'version') {
    console.log(VERSION);
    return 0;
  }
  if (command.kind === 'help') {
    const { helpText } = await import('./help.ts');
    console.log(await helpText());
    return 0;
  }
  guardExit();
  return launch(command.options);
}

main().then(
  // Not exitCode: an output that nobody reads would keep the process.
  (code) => process.exit(code),
  (error: unknown) => {
    if (!(error instanceof CommandLineError)) throw error;
    process.stderr.write(`tsmpirun: ${error.message}\n`);
    process.exitCode = 2;
  },
);
