/** Standard input: to rank 0, to another, to all or none; never taken when no rank wants it. */

import { describe, expect, test } from 'vitest';
import { Job, LAUNCHER, program, runJob } from './run-job.ts';

const echo = program('echo-input.mjs');
const input = `first line\n${'x'.repeat(300_000)}\n`;

describe.each(['process', 'thread'])('ranks as %s', (kind) => {
  const run = async (...args: string[]) => {
    const { code, stdout } = await runJob(['-n', '3', '--quiet', '--ranks', kind, ...args, echo], { input });
    expect(code).toBe(0);
    return stdout.split('\n').slice(0, -1).sort();
  };
  const got = (rank: number) => `rank ${rank} read ${input.length}: first line`;
  const none = (rank: number) => `rank ${rank} read 0: `;

  test('rank 0 has it', async () => {
    expect(await run()).toEqual([got(0), none(1), none(2)]);
  });

  test('--stdin 2', async () => {
    expect(await run('--stdin', '2')).toEqual([none(0), none(1), got(2)]);
  });

  test('--stdin all', async () => {
    expect(await run('--stdin', 'all')).toEqual([got(0), got(1), got(2)]);
  });

  test('--stdin none', async () => {
    expect(await run('--stdin', 'none')).toEqual([none(0), none(1), none(2)]);
  });
});

test('with --stdin all a rank that ends, or reads nothing, holds up nobody', async () => {
  const script = 'case $TSMPI_RANK in 0) cat | wc -c;; 1) exit 0;; 2) exec <&-; sleep 0.2;; esac';
  const { code, stdout } = await runJob(['-n', '3', '--quiet', '--stdin', 'all', '--exec', 'sh', '-c', script], { input });
  expect(code).toBe(0);
  expect(stdout.trim()).toBe(String(input.length));
});

test('a rank that there is not', async () => {
  const { code, lastLine } = await runJob(['-n', '2', '--stdin', '2', '--exec', 'true']);
  expect(code).toBe(2);
  expect(lastLine).toBe('tsmpirun: --stdin 2: there is no such rank; the job has ranks 0 to 1');
});

test('a loop of the shell keeps its input', async () => {
  const script = `while read -r line; do "${process.execPath}" "${LAUNCHER}" -n 2 --quiet --exec true; echo "$line"; done`;
  const { stdout } = await runJob([], { command: ['sh', '-c', script], input: 'one\ntwo\nthree\n' });
  expect(stdout).toBe('one\ntwo\nthree\n');
});

describe('on a terminal', () => {
  /** Run a shell command on a terminal of its own. */
  const onTerminal = (command: string, text: string) =>
    new Job([], { command: ['script', '-qfec', command, '/dev/null'], input: text, env: { SHELL: '/bin/sh' } });

  test('what is typed reaches rank 0', async () => {
    const job = onTerminal(
      `"${process.execPath}" "${LAUNCHER}" -n 2 --quiet --exec sh -c 'read a && echo "$TSMPI_RANK got $a"; true'`,
      'typed\n',
    );
    expect((await job.end()).stdout).toContain('0 got typed');
  });

  test('a job in the background is not stopped', async () => {
    const job = onTerminal(
      `set -m; "${process.execPath}" "${LAUNCHER}" -n 2 --quiet --exec sh -c 'sleep 0.5; echo ran' & wait; echo "code $?"`,
      'for the shell\n',
    );
    const { stdout } = await job.end();
    expect(stdout.match(/ran/g)).toHaveLength(2);
    expect(stdout).toContain('code 0');
  });

  test('ranks see the launcher’s terminal, and none where there is none', async () => {
    const command = `stty cols 97; "${process.execPath}" "${LAUNCHER}" -n 1 --quiet "${program('terminal.mjs')}" 2>/dev/null`;
    expect((await onTerminal(command, '').end()).stdout).toContain('{"stdout":[true,97],"stderr":[false,null]}');
    const { stdout } = await runJob(['-n', '1', '--quiet', program('terminal.mjs')]);
    expect(JSON.parse(stdout)).toEqual({ stdout: [false, null], stderr: [false, null] });
  });

  test('a prompt without an end of line is shown', async () => {
    const job = new Job([], {
      command: [
        'script',
        '-qfec',
        `"${process.execPath}" "${LAUNCHER}" -n 1 --quiet --exec sh -c 'printf "name? "; sleep 60'`,
        '/dev/null',
      ],
      input: '',
    });
    await job.output(/name\? /);
    job.child.kill('SIGTERM');
    await job.end();
  });
});
