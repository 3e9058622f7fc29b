/** The agent alone, driven over its control connection by the test. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { StreamConnection } from '../../src/agent/connection.ts';
import type { FromAgent, ToAgent } from '../../src/agent/protocol.ts';
import { VERSION } from '../../src/base/version.ts';
import { describeAgentJob } from './agent-driver.ts';
import { processState, program } from './run-job.ts';

const AGENT = fileURLToPath(new URL('../../dist/agent.cjs', import.meta.url));
class Driver {
  readonly child: ChildProcess;
  readonly connection: StreamConnection<ToAgent, FromAgent>;
  readonly messages: FromAgent[] = [];
  outputByteLength = 0;
  readonly #output = new Map<number, string>();
  #look: () => void = () => {};

  constructor() {
    this.child = spawn(process.execPath, [AGENT], { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    this.connection = new StreamConnection<ToAgent, FromAgent>(this.child.stdio[3] as Duplex);
    this.connection.onMessage = (message, body) => {
      this.messages.push(message);
      this.outputByteLength += body.byteLength;
      if (message.kind === 'output') this.#output.set(message.rank, this.outputOf(message.rank) + Buffer.from(body).toString());
      this.#look();
    };
    this.connection.onEnd = () => this.#look();
  }

  outputOf(rank: number): string {
    return this.#output.get(rank) ?? '';
  }

  /** Resolve with the first message of that kind. */
  async message<K extends FromAgent['kind']>(kind: K): Promise<Extract<FromAgent, { kind: K }>> {
    for (;;) {
      const found = this.messages.find((message) => message.kind === kind);
      if (found !== undefined) return found as Extract<FromAgent, { kind: K }>;
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
  }
}

let driver: Driver;
afterEach(() => {
  driver.child.kill('SIGKILL');
});

test('refuses the job of another version, naming both', async () => {
  driver = new Driver();
  driver.connection.send({ kind: 'start', job: describeAgentJob('true', { version: '99.0.0' }) });
  expect((await driver.message('hello')).version).toBe(VERSION);
  const { exitCode, message } = await driver.message('failed');
  expect(exitCode).toBe(1);
  expect(message).toContain('99.0.0');
  expect(message).toContain(VERSION);
  await driver.message('ended');
});

test('ends its ranks when the connection ends', async () => {
  driver = new Driver();
  driver.connection.send({ kind: 'start', job: describeAgentJob('sleep 777 & exec sleep 778') });
  const { pids } = await driver.message('started');
  const ended = once(driver.child, 'exit');
  driver.connection.close();
  expect(await ended).toEqual([1, null]);
  expect(pids.map(processState)).toEqual(['', '']);
});

test('sends no more than the window of a rank until credit comes back', async () => {
  driver = new Driver();
  const byteLength = 3_000_000;
  driver.connection.send({ kind: 'start', job: describeAgentJob(`[ $TSMPI_RANK = 0 ] || head -c ${byteLength} /dev/zero`) });
  // Rank 0 has ended and been told; rank 1 stands in its write.
  await driver.message('closed');
  driver.connection.send({ kind: 'where' });
  await driver.message('where');
  expect(driver.outputByteLength).toBeLessThanOrEqual(262_144 + 65_536);
  let given = 0;
  while (!driver.messages.some((message) => message.kind === 'ended')) {
    const fresh = driver.outputByteLength - given;
    given += fresh;
    if (fresh > 0) driver.connection.send({ kind: 'credit', rank: 1, byteLength: fresh });
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(driver.outputByteLength).toBe(byteLength);
});

test('tells what happened in order: exit, then the end of output, then that nothing is left', async () => {
  driver = new Driver();
  driver.connection.send({ kind: 'start', job: describeAgentJob('echo out; exit $TSMPI_RANK') });
  await driver.message('ended');
  const kinds = driver.messages.filter((message) => 'rank' in message && message.rank === 1).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind !== 'output')).toEqual(['exit', 'closed']);
  expect(kinds.lastIndexOf('output')).toBeLessThan(kinds.indexOf('closed'));
  expect(driver.messages.find((message) => message.kind === 'exit' && message.rank === 1)).toMatchObject({
    code: 1,
    signal: null,
  });
});

test('a launcher that is slow to read and writes meanwhile gets all there is to read', async () => {
  driver = new Driver();
  const stream = driver.child.stdio[3] as Duplex;
  driver.connection.send({ kind: 'start', job: describeAgentJob('read line; head -c 50000 /dev/zero') });
  const { pids } = await driver.message('started');
  stream.pause();
  driver.connection.send({ kind: 'stdinEnd' });
  // Without another word from the agent: until its ranks are gone, and long enough for its own end.
  const gone = (): boolean => pids.every((pid) => processState(pid) === '');
  for (let after = 0; after < 40; after += gone() ? 1 : 0) {
    driver.connection.send({ kind: 'credit', rank: 1, byteLength: 0 });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const ended = once(driver.child, 'exit');
  stream.resume();
  await driver.message('ended');
  expect(driver.outputByteLength).toBe(100_000);
  expect(await ended).toEqual([0, null]);
});

test.each(['process', 'thread'] as const)(
  'several programs, ranks as %s: each with its own arguments and variables',
  async (rankKind) => {
    driver = new Driver();
    const block = (name: string, env: Record<string, string>) => ({
      ...{ program: program(name), args: [name], exec: false, wdir: '/', env, nodeArgs: [] },
    });
    const programs = [block('plain.mjs', {}), block('environment.mjs', { ONLY: 'second' })];
    driver.connection.send({ kind: 'start', job: describeAgentJob('', { programs, programOfRank: [0, 1], rankKind }) });
    await driver.message('ended');
    expect(driver.outputOf(0)).toBe('plain plain.mjs\n');
    expect(JSON.parse(driver.outputOf(1))).toMatchObject({ ONLY: 'second', TSMPI_RANK: '1', TSMPI_SIZE: '2' });
  },
);

test('what is no protocol ends it', async () => {
  driver = new Driver();
  await driver.message('hello');
  const ended = once(driver.child, 'exit');
  (driver.child.stdio[3] as Duplex).write('GET / HTTP/1.1\r\n\r\n');
  expect((await ended)[0]).toBe(1);
  expect(await driver.message('failed')).toMatchObject({ exitCode: 1 });
});
