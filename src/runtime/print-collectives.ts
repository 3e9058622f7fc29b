/**
 * Entry of `tsmpi info --collectives [--json]`: prints which algorithms there are and when each is taken.
 *
 * A file of its own, since the command must not load what only ranks need.
 */

import { listCatalogue } from '../collective/catalogue.ts';
import { forceVariable } from '../collective/selection.ts';

const lines = listCatalogue();

if (process.argv.includes('--json')) console.log(JSON.stringify(lines, null, 2));
else {
  const text = ['p ranks, n bytes; the first line of an operation whose condition holds and that can run is taken', ''];
  for (const operation of new Set(lines.map((line) => line.operation))) {
    const own = lines.filter((line) => line.operation === operation);
    const width = Math.max(...own.map(({ algorithm }) => algorithm.length));
    text.push(`${operation}  (${forceVariable(operation)}=<algorithm> forces one)`);
    for (const { algorithm, summary, needs, when } of own) {
      text.push(`  ${algorithm.padEnd(width)}  ${summary}`);
      if (needs !== '') text.push(`  ${' '.repeat(width)}  needs ${needs}`);
      for (const { order, why } of when) text.push(`  ${' '.repeat(width)}  ${order}. ${why}`);
      if (when.length === 0) text.push(`  ${' '.repeat(width)}  only by force`);
    }
    text.push('');
  }
  process.stdout.write(text.join('\n'));
}
