/**
 * Writes README.md of this folder from claims.json: `node src/comm/coverage/write.mjs [--print]`.
 *
 * claims.json answers for each procedure of MPI 5.0, by area, whether it is there. test/unit/comm/coverage.test.ts holds
 * the answers against what the package exports.
 */

import { readFileSync, writeFileSync } from 'node:fs';

const STATES = ['there', 'said otherwise', 'not yet', 'not meant'];

/** Return the table as Markdown. */
function coverageTable(claims) {
  const all = Object.values(claims).flatMap((area) => Object.values(area));
  const count = (entries, state) => entries.filter((entry) => entry.state === state).length;
  const lines = [
    '# Procedures of the standard',
    '',
    `The ${all.length} procedures of MPI 5.0 and what stands for each here; written by write.mjs from claims.json.`,
    '`comm` is a communicator, `cart` and `graph` one with a topology, `file` an open file, `tsmpi` the package.',
    '',
    `| area | ${STATES.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(STATES.length)}`,
    ...Object.entries(claims).map(([area, entries]) => {
      return `| ${area} | ${STATES.map((state) => count(Object.values(entries), state)).join(' | ')} |`;
    }),
    `| all | ${STATES.map((state) => count(all, state)).join(' | ')} |`,
  ];
  for (const [area, entries] of Object.entries(claims)) {
    lines.push('', `## ${area}`, '', '| procedure | | |', '| --- | --- | --- |');
    for (const [procedure, { state, how }] of Object.entries(entries)) lines.push(`| ${procedure} | ${state} | ${how} |`);
  }
  return `${lines.join('\n')}\n`;
}

const table = coverageTable(JSON.parse(readFileSync(new URL('./claims.json', import.meta.url), 'utf8')));
if (process.argv.includes('--print')) process.stdout.write(table);
else writeFileSync(new URL('./README.md', import.meta.url), table);
