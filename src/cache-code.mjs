/**
 * Makes dist/index.cache and dist/later.cache: `node src/cache-code.mjs [--quiet]`, after the bundles and the addon are built.
 *
 * The idea: a job of two ranks runs what every start runs, and the first keeps the code that V8 compiled for it
 * (load-bundle.mjs); one over sockets does so for the second bundle. Nothing is done while the caches there fit the bundles
 * and this Node. Without them, ranks start more slowly and all else is the same, so a failure is told and no more.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const DIST = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist');

/** By bundle: options of the job that runs what a start runs of it. */
const JOBS = { index: [], later: ['--transport', 'websocket,self'] };

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

const missing = Object.keys(JOBS).filter((name) => !fits(name));
if (missing.length > 0) {
  const folder = mkdtempSync(join(DIST, '.caching-'));
  try {
    const program = join(folder, 'start.mjs');
    writeFileSync(program, PROGRAM);
    for (const name of missing) rmSync(join(DIST, `${name}.cache`), { force: true });
    for (const name of missing) {
      const made = join(folder, name);
      mkdirSync(made);
      const words = [join(DIST, 'tsmpirun.js'), '-n', '2', '--quiet', ...JOBS[name], program];
      const { status, stderr } = spawnSync(process.execPath, words, {
        env: { ...process.env, NODE_OPTIONS: '', TSMPI_MAKE_CODE_CACHE: made },
        encoding: 'utf8',
        timeout: 30_000,
      });
      if (status === 0) {
        renameSync(join(made, `${name}.cache`), join(DIST, `${name}.cache`));
        if (!isQuiet) console.log(`kept the compiled code of a start in dist/${name}.cache`);
      } else console.warn(`tsmpi: ranks will start more slowly, no code cache could be made: ${stderr.split('\n')[0]}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
