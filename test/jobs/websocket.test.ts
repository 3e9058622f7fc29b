/**
 * Whole jobs whose ranks reach each other over WebSocket alone, on this host: programs of the other tests, no wake-up lost,
 * large messages, an end that loses nothing, and what is said when a way is broken.
 */

import { describe, expect, test } from 'vitest';
import { firstOf, isLong } from '../long.ts';
import { program, runJob } from './run-job.ts';

const OVER = ['--quiet', '--transport', 'websocket,self'];

describe('programs', () => {
  test.each([
    ['point-to-point/sizes', 2, '374 messages'],
    ['point-to-point/order', 4, 'in order'],
    ['point-to-point/requests', 2, 'requests'],
    ['point-to-point/errors', 2, 'errors'],
    ['point-to-point/objects', 2, 'objects'],
    ['point-to-point/flood', 3, 'flood'],
    ['point-to-point/layouts', 2, '65 layouts'],
    ['communicator/parts', 5, 'parts'],
    ['communicator/many', 4, 'many'],
  ])('%s on %i', async (name, size, word) => {
    const { code, stdout, stderr } = await runJob(['-n', String(size), ...OVER, program(`${name}.ts`)], { deadlineMs: 60_000 });
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n').sort()).toEqual(Array.from({ length: size }, (_, rank) => `rank ${rank}: ${word}`));
    expect(code).toBe(0);
  });
});

test.each(['park', 'auto'])(
  'no wake-up is lost, --wait %s',
  async (wait) => {
    const job = await runJob(['-n', '2', ...OVER, '--wait', wait, program('park.mjs'), '5000'], { deadlineMs: 60_000 });
    expect(job).toMatchObject({ code: 0, stdout: expect.stringMatching(/^5000 trips, \d+ sleeps\n$/), stderr: '' });
  },
  70_000,
);

test.each(firstOf(1, ['wait', 'await']))(
  '256 MiB both ways at once, by %s: every byte is there',
  async (how) => {
    const job = await runJob(['-n', '2', ...OVER, program('checksum.mjs'), how, '268435456'], { deadlineMs: 100_000 });
    expect(job).toMatchObject({ code: 0, stderr: '' });
    expect(job.stdout.trimEnd().split('\n').sort()).toEqual(['rank 0: right', 'rank 1: right']);
  },
  110_000,
);

test('a rank that ends at once has handed everything over', async () => {
  for (let round = 0; round < (isLong ? 5 : 2); round++) {
    const job = await runJob(['-n', '4', ...OVER, program('parting.mjs')]);
    expect(job).toMatchObject({ code: 0, stderr: '', stdout: 'rank 0: 3 partings\n' });
  }
});

test('--deterministic gives one digest, whichever the transport', async () => {
  const digests: string[] = [];
  for (const over of [[], ['--transport', 'websocket,self'], ['--transport', 'websocket,self', '--wait', 'park']]) {
    const { stdout } = await runJob(['-n', '3', '--quiet', '--deterministic', ...over, program('determinism.mjs')]);
    digests.push(stdout);
  }
  expect(digests[0]).toMatch(/^[0-9a-f]{64}\n$/);
  expect(new Set(digests).size).toBe(1);
});

test('--explain says by which way ranks are reached, and why by no better one', async () => {
  const over = await runJob(['-n', '3', '--explain', '--transport', 'websocket,self', program('ring.mjs')]);
  expect(over.stderr).toMatch(/^ {2}route self: rank 0$/m);
  expect(over.stderr).toMatch(/^ {2}route websocket: ranks 1-2 \(shm: not in --transport; rdma: not in --transport\)$/m);
  const usual = await runJob(['-n', '3', '--explain', program('ring.mjs')]);
  expect(usual.stderr).toMatch(/^ {2}route shm: ranks 1-2$/m);
});

test('threads have no sockets of their own, which is said', async () => {
  const job = await runJob(['-n', '2', '--ranks', 'thread', ...OVER, program('ring.mjs')]);
  expect(job.code).toBe(1);
  expect(job.stderr).toMatch(
    /rank \d has no way to reach rank \d \(self: rank \d is another rank; shm: not in --transport; rdma: not in --transport; websocket: ranks that are threads have no sockets of their own: start them with --ranks process; relay: not in --transport\): allow another transport/,
  );
});

test('a rank that is waited for but never listens is named with the reason', async () => {
  const job = await runJob(['-n', '2', '--transport', 'websocket,self', '--timeout', '2', program('unheard.mjs')]);
  expect(job.code).toBe(124);
  expect(job.stderr).toMatch(/rank 0.*send.*; rank 1 has not said yet where it listens/);
});
