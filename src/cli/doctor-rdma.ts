/**
 * tsmpi doctor --rdma HOST: whether RDMA works between this host and that one, by a job of two ranks that use nothing else.
 *
 * The job's program (runtime/rdma-steps.ts) goes through fifteen steps and leaves a proof on both hosts, by which later jobs
 * take RDMA without being asked. The report is one JSON file.
 */

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findOwnHost } from '../launcher/hosts/own-host.ts';

/** All steps take seconds; a device that moves nothing must not take longer than this. */
const DEADLINE_S = 120;

interface Report {
  readonly steps: readonly (readonly { readonly name: string; readonly ms: number; readonly note: string }[])[];
}

/** Go through the steps with that host; resolve with the exit code. `file`: where the report goes. */
export async function doctorRdma(host: string, file: string, asJson: boolean, rsh: string | undefined): Promise<number> {
  const isOwn = (await findOwnHost([host], process.env)) === 0;
  const hosts = isOwn ? `${host}:2` : `${hostname()}:1,${host}:1`;
  const launcher = fileURLToPath(new URL('./tsmpirun.cjs', import.meta.url));
  const program = fileURLToPath(new URL('./rdma-steps.js', import.meta.url));
  const remote = rsh === undefined ? [] : ['--rsh', rsh];
  const options = ['-n', '2', '--host', hosts, ...remote, '--transport', 'rdma,self', '--quiet', '--timeout', String(DEADLINE_S)];
  // Each message is checked, not the first thousand alone.
  const child = spawn(process.execPath, [launcher, ...options, '-x', 'TSMPI_RDMA_VERIFY=1', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const code = await new Promise<number>((settle) => child.once('close', (status) => settle(status ?? 1)));
  if (code !== 0) {
    process.stderr.write(`tsmpi doctor: RDMA does not work between this host and ${host}, or not well enough: see above\n`);
    return 1;
  }
  const path = resolve(file);
  writeFileSync(path, text);
  console.log(asJson ? text.trimEnd() : format(JSON.parse(text) as Report, host, path));
  return 0;
}

function format({ steps: [own = [], other = []] }: Report, host: string, path: string): string {
  const lines = own.map(({ name, ms, note }, k) => {
    const notes = [note, other[k]?.note ?? ''].filter((text, at, all) => text !== '' && all.indexOf(text) === at);
    return `ok    ${name} (${ms.toFixed(0)} ms)${notes.length === 0 ? '' : `: ${notes.join('; ')}`}`;
  });
  return [...lines, `RDMA works with ${host}: jobs take it from now on; the report is ${path}`].join('\n');
}
