/** The table of the standard's procedures: complete, as written, and true of what the package exports. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import claimsOfAll from '../../../src/comm/coverage/claims.json' with { type: 'json' };
import * as tsmpi from '../../../src/index.ts';
import { createWorlds } from '../ranks.ts';

const claims: Record<string, Record<string, { state: string; how: string }>> = claimsOfAll;
const entries = Object.values(claims).flatMap((area) => Object.entries(area));

test('each of the 531 procedures is answered once', () => {
  expect(entries).toHaveLength(531);
  expect(new Set(entries.map(([procedure]) => procedure)).size).toBe(531);
  for (const [procedure, { state, how }] of entries) {
    expect(procedure).toMatch(/^MPI_[A-Z]/);
    expect(['there', 'said otherwise', 'not yet', 'not meant'], procedure).toContain(state);
    expect(how, procedure).not.toBe('');
  }
});

test('the README is what the script writes', () => {
  const folder = new URL('../../../src/comm/coverage/', import.meta.url);
  const written = readFileSync(new URL('README.md', folder), 'utf8');
  const script = fileURLToPath(new URL('write.mjs', folder));
  expect(written).toBe(execFileSync(process.execPath, [script, '--print'], { encoding: 'utf8' }));
});

test('every name in the table is there, and what is not yet is not', async () => {
  const [world] = createWorlds(1);
  await world!.send(1, 0);
  const message = world!.tryMprobe(0)!;
  const request = message.recv(new Float64Array(1));
  await request;
  const pair = createWorlds(2);
  const locals = await Promise.all(pair.map(async (of) => of.split(of.rank)));
  const [inter] = await Promise.all(locals.map(async (local, rank) => local.intercommCreate(0, pair[rank], 1 - rank)));
  const file = await world!.openFile('/dev/null', 'r');
  onTestFinished(() => file[Symbol.dispose]());
  const holders: Record<string, object> = {
    tsmpi,
    comm: world!,
    cart: await world!.cartesian([1]),
    graph: await world!.graph([0], [0]),
    group: world!.group,
    message,
    request,
    status: request.status,
    persistent: world!.sendInit(new Float64Array(1), 0),
    inter: inter!,
    op: tsmpi.SUM,
    datatype: tsmpi.f64,
    job: tsmpi.job,
    file,
    error: new tsmpi.MpiError('ERR_MPI_OTHER', 'nothing'),
    process,
    performance,
    Object,
  };
  let named = 0;
  for (const [procedure, { state, how }] of entries) {
    if (state !== 'there' && state !== 'said otherwise') continue;
    // `holder.name`, and deeper: each is looked up on the object itself.
    const paths = how.match(/\b[a-zA-Z]+(\.[a-zA-Z]\w*)+/g) ?? [];
    if (state === 'there') expect(paths, `${procedure}: expected a name alone`).toEqual([how]);
    for (const path of paths) {
      const [first, ...names] = path.split('.');
      let value: unknown = holders[first!];
      expect(value, `${procedure}: ${first} is no holder of names`).toBeDefined();
      for (const name of names) value = (value as Record<string, unknown>)[name];
      expect(value, `${procedure}: ${path}`).toBeDefined();
      named++;
    }
  }
  expect(named).toBeGreaterThan(200);
  // Names that would stand for what is said not to be there yet.
  for (const name of ['window', 'spawn']) {
    expect(name in world!, `comm.${name} exists: say so in claims.json`).toBe(false);
  }
});
