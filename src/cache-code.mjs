/**
 * Makes dist/*.cache: `node src/cache-code.mjs [--quiet]`, after the bundles and the addon are built.
 *
 * The idea: a job of two ranks runs what every start runs, and its launcher, its agent and its first rank keep the code that
 * V8 compiled for it (load-bundle.mjs); one over sockets does so for the library's second bundle. Nothing is done while the caches there fit the bundles
 * and this Node. Without them, ranks start more slowly and all else is the same, so a failure is told and no more.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const DIST = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist');

/** Options of each job, and the bundles whose code it compiles. */
const JOBS = [
  { options: [], names: ['tsmpirun-main', 'agent-main', 'index'] },
  { options: ['--transport', 'websocket,self'], names: ['later'] },
];

const PROGRAM = `
  import { SUM, world } from ${JSON.stringify(join(DIST, 'index.js'))};
  const other = 1 - world.rank;
  const inbox = new Float64Array(1);
  world.allreduce(1, SUM).wait();
  const request = world.recv(inbox, other);
  world.send(inbox, other).wait();
  await request;
  await world.barrier();
`;

const isQuiet = process.argv.includes('--quiet');

function fits(name) {
  try {
    const filename = join(DIST, `${name}.cjs`);
    const cachedData = readFileSync(join(DIST, `${name}.cache`));
    return new Script(readFileSync(filename, 'latin1'), { filename, cachedData }).cachedDataRejected === false;
  } catch {
    return false; // there is none
  }
}

const jobs = JOBS.filter(({ names }) => !names.every(fits));
if (jobs.length > 0) {
  const folder = mkdtempSync(join(DIST, '.caching-'));
  try {
    const program = join(folder, 'start.mjs');
    writeFileSync(program, PROGRAM);
    for (const name of jobs.flatMap(({ names }) => names)) rmSync(join(DIST, `${name}.cache`), { force: true });
    for (const { options, names } of jobs) {
      const made = mkdtempSync(join(folder, 'made-'));
      const words = [join(DIST, 'tsmpirun.cjs'), '-n', '2', '--quiet', ...options, program];
      const { status, stderr } = spawnSync(process.execPath, words, {
        env: { ...process.env, NODE_OPTIONS: '', TSMPI_MAKE_CODE_CACHE: made },
        encoding: 'utf8',
        timeout: 30_000,
      });
      if (status === 0) {
        for (const name of names) renameSync(join(made, `${name}.cache`), join(DIST, `${name}.cache`));
        if (!isQuiet)
          console.log(`kept the compiled code of a start in dist/: ${names.map((name) => `${name}.cache`).join(', ')}`);
      } else console.warn(`tsmpi: jobs will start more slowly, no code cache could be made: ${stderr.split('\n')[0]}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
