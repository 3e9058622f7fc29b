/** What stands for `world` in a worker thread and in a child process of a rank: what its first use throws. */

import { spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { world } from 'tsmpi';

const use = `const say = console.log; import(${JSON.stringify(import.meta.resolve('tsmpi'))}).then(({ world, self, job }) => {
  for (const thing of [() => world.rank, () => self.size, () => job.id]) try { say(thing()); } catch (error) { say(error.code, error.message); }
});`;

if (world.rank === 0) {
  const worker = new Worker(use, { eval: true, stdout: true });
  worker.stdout.setEncoding('utf8').on('data', (text) => process.stdout.write(text.replaceAll(/^(?=.)/gm, 'worker: ')));
  await new Promise((resolve) => worker.once('exit', resolve));
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', use], { encoding: 'utf8' });
  process.stdout.write(`${stdout}${stderr}`.replaceAll(/^(?=.)/gm, 'child: '));
}
await world.barrier();
