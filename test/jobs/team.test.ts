/** Teams: what their calls take and bring back, random loops with pauses, ends of workers, and that nothing outlives a rank. */

import { describe, expect, test } from 'vitest';
import { program, runJob } from './run-job.ts';

const CALLS = `\
printed by a kernel
printed by a kernel
printed by a kernel
caller false: true
sum: 200
nothing: 0,1,Infinity,-Infinity
own operator: 2
own operator of nothing: ERR_MPI_OP: parallelReduce by user operator got an empty range: expected one with a value, since the operator has no neutral element
maxloc: ERR_MPI_OP: parallelReduce got MAXLOC: a kernel returns one number, expected SUM, PROD, MIN, MAX or one made by createOp
closure: ERR_MPI_ARG: parallelFor got a function itself: a function does not know its module, and what it closes over is not there in other threads; export it from a module and name that: const k = crew.kernels(new URL('./kernels.ts', import.meta.url)); crew.parallelFor(k.name, …)
no kernel: ERR_MPI_ARG: parallelFor got undefined for its kernel: export it from a module and name that: const k = crew.kernels(new URL('./kernels.ts', import.meta.url)); crew.parallelFor(k.name, …)
own array: ERR_MPI_BUFFER: parallelFor got a Float64Array over memory of this thread alone as argument 1 of its kernel: arrays of kernels must be shared: make it by alloc(Float64Array, length, { shared: true })
object: ERR_MPI_BUFFER: parallelFor got an object as argument 1 of its kernel: expected numbers, booleans, bigints and arrays over shared memory
range: ERR_MPI_ARG: parallelFor got 1.5 for the range: expected an integer, 0 or more
range backwards: ERR_MPI_ARG: parallelFor got a range from 2 to 1: expected its end not before its start
schedule: ERR_MPI_ARG: parallelFor got auto for range.schedule: expected static, dynamic or guided
grain: ERR_MPI_ARG: parallelFor got 0 for range.grain: expected an integer, 1 or more
url: ERR_MPI_ARG: kernels got "./kernels.ts": expected the URL of a module, as new URL('./kernels.ts', import.meta.url)
threads: ERR_MPI_ARG: team got 0 for its threads: expected an integer from 1 to 256
own part fails: RangeError: nothing at 0
worker fails: RangeError: nothing at 1
    at Object.fail (kernels.ts:LINE)
    in kernel fail on [1, 2), thread 1 of the team
world: ERR_MPI_NO_RANK: world cannot be used here: this is a worker thread of rank 0, whose own thread holds the rank; call tsmpi from the rank itself
promise: ERR_MPI_TYPE: the kernel wait returned a promise: a kernel of parallelFor is over when it returns; crew.run takes async functions
text: ERR_MPI_TYPE: the kernel text returned string: parallelReduce expected a number
task: {"value":8,"isOwn":false}
task fails: TypeError: a task of no use
`;

/** From here on on a line each, after what differs between versions of Node. */
const MORE = `\
beside a task: 200
task called off: Error: no longer wanted
held task: true
beside a timer: 200
aborted: Error: enough
after it: 200
chunks begun: 1
own part aborted: Error: by a timer
all run: false
timeout: ERR_MPI_TIMEOUT: parallelFor(hold, [0, 1)) did not complete within its timeoutMs
disposed: ERR_MPI_OTHER: parallelFor on a team that was disposed of
`;

const readable = (text: string): string => text.replaceAll(/kernels\.ts:\d+:\d+/g, 'kernels.ts:LINE');

describe.each(['process', 'thread'])('ranks as %s', (kind) => {
  test('what calls take, refuse and bring back', async () => {
    const job = await runJob(['-n', '1', '--quiet', '--ranks', kind, program('team/calls.ts')]);
    expect(job.stderr).toBe('');
    const thread = kind === 'thread' ? readable(job.stdout).replaceAll('"isOwn":true', '"isOwn":false') : readable(job.stdout);
    expect(thread.slice(0, CALLS.length)).toBe(CALLS);
    expect(thread.slice(CALLS.length)).toMatch(/^task of no copy: .* could not be cloned\.\n/s);
    expect(thread.slice(thread.indexOf('beside a task'))).toBe(MORE);
    expect(job.code).toBe(0);
  });

  // Seeds decide who falls asleep when; a wake-up that is lost leaves a loop that never ends, and the job runs into its deadline.
  test.each([
    ['two ranks of two threads', 2, 2, 11],
    ['one rank of four', 1, 4, 12],
    ['one rank of one', 1, 1, 13],
  ])('random loops, pauses and messages: %s', async (_, ranks, threads, seed) => {
    const args = ['-n', String(ranks), '--quiet', '--ranks', kind, program('team/random.ts')];
    const job = await runJob([...args, String(seed), '100', String(threads)]);
    expect(job.stderr).toBe('');
    expect(job.stdout.split('\n').sort().join('\n').trim()).toBe(
      Array.from({ length: ranks }, (_, rank) => `rank ${rank}: 0 of 100 rounds wrong`).join('\n'),
    );
    expect(job.code).toBe(0);
  });
});

test.each([
  ['exits while the rank blocks', '0', 'wait', 'worker 1 of the team of rank 0 ended with exit code 7'],
  ['dies without a word while the rank blocks', '1', 'wait', 'worker 1 of the team of rank 0 has died'],
  ['throws outside of any call', '2', 'await', 'worker 1 of the team of rank 0 failed with Error: out of the blue'],
])('a worker that %s ends the rank', async (_, way, how, reason) => {
  const job = await runJob(['-n', '1', '--ranks', 'process', program('team/death.ts'), way, how]);
  expect(job.stderr).toContain(`called abort(1): ${reason}`);
  expect(job.code).toBe(1);
});

test('a program of JavaScript that nobody bundles', async () => {
  const job = await runJob(['-n', '1', '--quiet', program('team/plain.mjs')]);
  expect(job.stderr).toBe('');
  expect(job.stdout).toBe('2 threads, 499500\n');
  expect(job.code).toBe(0);
});

test('without a launcher', async () => {
  const job = await runJob([], { command: [process.execPath, program('team/plain.mjs')] });
  expect(job.stderr).toBe('');
  expect(job.stdout).toBe('2 threads, 499500\n');
  expect(job.code).toBe(0);
});

// What a team needs is loaded late, and so is what these ranks start with.
test('ranks that are connected by sockets have teams too', async () => {
  const args = ['-n', '2', '--quiet', '--transport', 'websocket,self', program('team/random.ts'), '14', '20', '2'];
  const job = await runJob(args);
  expect(job.stderr).toBe('');
  expect(job.stdout.split('\n').sort().join('\n').trim()).toBe('rank 0: 0 of 20 rounds wrong\nrank 1: 0 of 20 rounds wrong');
  expect(job.code).toBe(0);
});
