/** Ranks that use tsmpi: who ended, who waits for whom, and what is said of it. */

import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { Job, program, runJob } from './run-job.ts';

const wait = program('wait.mjs');

describe.each(['process', 'thread'])('ranks as %s', (kind) => {
  const run = (...args: string[]) => runJob(['-n', '3', '--quiet', '--ranks', kind, wait, ...args]);

  test.each(['wait', 'await'])('a rank that ends while others %s for it', async (how) => {
    const { code, stderr, lastLine } = await run('leave', how);
    expect(code).toBe(1);
    const line = how === 'wait' ? ', wait\\(\\) at wait\\.mjs:\\d+' : '';
    for (const rank of [0, 2]) {
      expect(stderr).toMatch(
        new RegExp(
          `tsmpirun: rank ${rank} \\(pid \\d+\\) waits in recv\\(source 1, tag 7\\) on world${line}; its last collective was barrier`,
        ),
      );
    }
    expect(lastLine).toMatch(/^tsmpirun: rank 1 on \S+ \(pid \d+\): ended while ranks 0, 2 wait for it$/);
  });

  test.each(['wait', 'await'])('ranks that all end while one %ss for a message of anybody', async (how) => {
    const { code, stderr, lastLine } = await runJob([...['-n', '3', '--quiet', '--ranks', kind, program('any-source.mjs'), how]]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tsmpirun: rank 0 \(pid \d+\) waits in recv\(source ANY_SOURCE, tag 7\) on world/m);
    expect(lastLine).toMatch(/^tsmpirun: rank [12] on \S+ \(pid \d+\): ended while rank 0 waits for it$/);
  });

  test('one that will send to itself does not wait in vain', async () => {
    const job = await runJob(['-n', '3', '--quiet', '--ranks', kind, program('any-source.mjs'), 'own']);
    expect(job).toMatchObject({ code: 0, stdout: 'got one from 0\n', stderr: '' });
  });

  test.each(['end', 'collect'])('a failure that nobody looked at ends the job at the %s', async (how) => {
    const args = ['-n', '2', '--quiet', '--ranks', kind, '--node-args=--expose-gc', program('unseen.mjs'), how];
    const sentence =
      'tsmpi: rank 1: recv(source 0, tag 3) on world failed and nobody looked at it: rank 0 sent 32 bytes of f64 with tag 3 ' +
      'to rank 1, whose buffer holds 8 bytes: expected a buffer at least as long as the message';
    const { code, stdout, stderr, lastLine } = await runJob(args);
    expect(code).toBe(1);
    expect(stdout).toBe('goes on\n');
    expect(stderr).toContain(`${sentence}; TSMPI_CALL_SITES=1 adds the line of the call\n`);
    expect(lastLine).toMatch(/^tsmpirun: rank 1 on \S+ \(pid \d+\): exited with code 1$/);
    const withSites = await runJob(args, { env: { TSMPI_CALL_SITES: '1' } });
    expect(withSites.stderr).toContain(`${sentence.replace('on world', 'on world at unseen.mjs:10')}\n`);
  });

  test('a failure that was looked at ends nothing', async () => {
    const job = await runJob(['-n', '2', '--quiet', '--ranks', kind, program('unseen.mjs'), 'seen']);
    expect(job).toMatchObject({ code: 0, stdout: 'ERR_MPI_TRUNCATE\ngoes on\n', stderr: '' });
  });

  test('a rank that never used tsmpi, and one that ends without its exit handlers', async () => {
    // It ends once both others have come to wait, however long they took to start.
    const runHeld = async (mode: string) => {
      const args = ['-n', '3', '--quiet', '--stdin', '1', '--ranks', kind, wait, mode];
      const job = new Job(args, { holdInput: true });
      await job.output(/^ready \d+/m, 2);
      job.child.stdin!.end();
      return job.end();
    };
    const foreign = await runHeld('foreign');
    expect(foreign.code).toBe(1);
    expect(foreign.lastLine).toMatch(/rank 1 .*: ended without ever using tsmpi while ranks 0, 2 wait for it$/);
    const vanished = await runHeld('vanish');
    expect(vanished.code).toBe(1);
    expect(vanished.lastLine).toMatch(/rank 1 .*: ended while ranks 0, 2 wait for it$/);
  });

  test('abort ends the job with its code and reason', async () => {
    const { code, lastLine } = await run('abort');
    expect(code).toBe(77);
    expect(lastLine).toMatch(/^tsmpirun: rank 1 on \S+ \(pid \d+\): called abort\(77\): out of cheese$/);
    expect(await run('abort-zero')).toMatchObject({ code: 1 });
  });

  test('an uncaught error is the cause, not what it does to those who wait', async () => {
    const started = performance.now();
    const { code, stderr, lastLine } = await run('throw');
    expect(code).toBe(1);
    expect(stderr).toContain('rank 1 fell over');
    expect(lastLine).toMatch(/^tsmpirun: rank 1 on \S+ \(pid \d+\): exited with code 1$/);
    expect(stderr.match(/tsmpirun:/g)).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('--timeout says who waits for what and who computes', async () => {
    const { code, stderr } = await runJob(['-n', '3', '--quiet', '--timeout', '2', '--ranks', kind, wait, 'compute']);
    expect(code).toBe(124);
    expect(stderr).toMatch(/rank 0 \(pid \d+\) waits in recv\(source 1, tag 7\) on world/);
    expect(stderr).toMatch(/rank 1 \(pid \d+\) computes since [12] s; its last call was send\n/);
  });

  test('a job of tsmpi programs that ends well', async () => {
    const { code, stdout, stderr } = await runJob(['-n', '3', '--quiet', '--ranks', kind, program('ring.mjs')]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trim().split('\n').sort()).toEqual([
      'rank 0 of 3 got 2, all together 3',
      'rank 1 of 3 got 0, all together 3',
      'rank 2 of 3 got 1, all together 3',
    ]);
  });
});

test('one notice when there are more ranks than cores', async () => {
  const ranks = 2 * availableParallelism() + 1;
  const { code, stderr } = await runJob(['-n', String(ranks), program('ring.mjs')]);
  expect(code).toBe(0);
  expect(stderr).toMatch(new RegExp(`^tsmpirun: notice: ${ranks} ranks share \\d+ cores?\n$`));
});

test.each(['wait', 'await'])('kill -9 of the agent and its watchdog: the lifeline ends ranks that %s', async (how) => {
  const job = new Job(['-n', '3', '--quiet', wait, 'compute', how]);
  await job.output(/ready/, 3);
  const agent = job.agent();
  process.kill(job.watchdog(), 'SIGKILL');
  process.kill(job.pid, 'SIGKILL');
  process.kill(agent, 'SIGKILL');
  await job.end();
});
