/**
 * The help of tsmpirun, laid out by yargs from the table. Loaded only when it is asked for: yargs takes as long to load
 * as a bare node to start.
 */

import { OPTIONS, variableOf, WITHOUT_VARIABLE } from './option-table.ts';

/** Paragraphs are one line each: yargs breaks them at the terminal's width. */
const EPILOGUE = [
  `Every option has a variable: ${OPTIONS.filter(({ name }) => !WITHOUT_VARIABLE.has(name))
    .map(variableOf)
    .join(', ')}. The command line goes before; a switch is 0 or 1. Ranks do not see these; all other variables reach them, ` +
    'and so do TSMPI_RANK, TSMPI_SIZE and TSMPI_LOCAL_RANK.',
  'Exit codes: 0; that of the rank that caused the end (128 + signal; uncaught error 1; abort(c) c & 255); 1 start failed, ' +
    'a host or agent lost, or a rank ended while others wait for it; 2 usage; 124 --timeout; 126, 127 program not executable, not found; ' +
    '130 Ctrl-C; 141 output closed; 143 SIGTERM.',
  'The first Ctrl-C goes to the ranks, the second ends the job; Ctrl-\\ says where ranks wait.',
].join('\n\n');

/** Return the help as text. */
export async function helpText(): Promise<string> {
  const { default: yargs } = await import('yargs');
  const parser = yargs([])
    .scriptName('tsmpirun')
    .usage('tsmpirun [options] program [arguments]\ntsmpirun [options] program [arguments] : -n N program [arguments]')
    .help(false)
    .version(false)
    .wrap(Math.min(120, process.stdout.columns ?? 100))
    .example('tsmpirun -n 4 sim.ts --grid 256', 'four ranks; what stands behind the program is the program’s')
    .example('tsmpirun -n 1 master.js : -n 7 worker.js', 'two programs, one job of eight ranks')
    .example('tsmpirun --host node1:4,node2:4 sim.ts', 'eight ranks on two hosts, by ssh')
    .example('tsmpirun -n 2 --bind-to core --explain bench.js', 'pinned, saying where ranks run and how they talk')
    .epilogue(EPILOGUE);
  for (const { name, aliases = [], value, choices, group, text } of OPTIONS) {
    const alias = [...new Set(aliases.map((spelling) => spelling.replace(/^-+/, '')))].filter((spelling) => spelling !== name);
    const description = value === undefined ? text : `${text}  [${choices?.join('|') ?? value}]`;
    parser.option(name, { alias, group: `${group}:`, description });
  }
  return parser.getHelp();
}
