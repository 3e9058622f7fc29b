/**
 * Makes dist/index.cache: `node src/cache-code.mjs [--quiet]`, after the bundles and the addon are built.
 *
 * The idea: a job of two ranks runs what every start runs, and the first keeps the code that V8 compiled for it
 * (load-bundle.mjs). Nothing is done while the cache there fits the bundle and this Node. Without one, ranks start more
 * slowly and all else is the same, so a failure is told and no more.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const DIST = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist');
const BUNDLE = join(DIST, 'index.cjs');
const CACHE = join(DIST, 'index.cache');

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

function fits() {
  try {
    const script = new Script(readFileSync(BUNDLE, 'latin1'), { filename: BUNDLE, cachedData: readFileSync(CACHE) });
    return script.cachedDataRejected === false;
  } catch {
    return false; // there is none
  }
}

if (!fits()) {
  const folder = mkdtempSync(join(DIST, '.caching-'));
  try {
    const program = join(folder, 'start.mjs');
    const made = join(folder, 'cache');
    writeFileSync(program, PROGRAM);
    rmSync(CACHE, { force: true });
    const { status, stderr } = spawnSync(process.execPath, [join(DIST, 'tsmpirun.js'), '-n', '2', '--quiet', program], {
      env: { ...process.env, NODE_OPTIONS: '', TSMPI_MAKE_CODE_CACHE: made },
      encoding: 'utf8',
      timeout: 30_000,
    });
    if (status === 0) {
      renameSync(made, CACHE);
      if (!isQuiet) console.log('kept the compiled code of a start in dist/index.cache');
    } else console.warn(`tsmpi: ranks will start more slowly, no code cache could be made: ${stderr.split('\n')[0]}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
