/** The agent that dials in, driven by the test as its starter and launcher. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { type Caller, listenForCallers } from '../../src/agent/control-server.ts';
import type { Invitation } from '../../src/agent/invitation.ts';
import { deriveKey, type KeyedServer } from '../../src/agent/keyed-websocket.ts';
import type { FromAgent, ToAgent } from '../../src/agent/protocol.ts';
import { VERSION } from '../../src/base/version.ts';
import { describeAgentJob } from './agent-driver.ts';
import { processState } from './run-job.ts';

const AGENT = fileURLToPath(new URL('../../dist/agent.cjs', import.meta.url));
const JOB = 'dial-1';
const secret = Buffer.alloc(32, 3);

let server: KeyedServer | undefined;
let agent: ChildProcess;
let stderr: string;
afterEach(() => {
  agent.kill('SIGKILL');
  server?.close();
  server = undefined;
});

function startAgent(firstLine: string | undefined, env: NodeJS.ProcessEnv = {}): Promise<number | null> {
  stderr = '';
  agent = spawn(process.execPath, [AGENT, 'dial'], { env: { ...process.env, ...env }, stdio: ['pipe', 'ignore', 'pipe'] });
  agent.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  agent.stdin!.on('error', () => {});
  if (firstLine === undefined) agent.stdin!.end();
  else agent.stdin!.write(`${firstLine}\n`);
  return once(agent, 'close').then(([code]) => code as number | null);
}

const invite = (changes: Partial<Invitation> = {}): string =>
  JSON.stringify({
    ...{ jobId: JOB, secret: secret.toString('base64url'), addresses: ['127.0.0.1'], port: server?.port ?? 1, hostIndex: 4 },
    heartbeatMs: 10_000,
    ...changes,
  });

/** Start an agent that gets through; resolve with its connection and its messages as they come. */
async function startInvited(changes: Partial<Invitation> = {}, env: NodeJS.ProcessEnv = {}) {
  const messages: FromAgent[] = [];
  let look = (): void => {};
  const called = new Promise<Caller<ToAgent, FromAgent>>((resolve) => {
    void listenForCallers<ToAgent, FromAgent>(
      { identity: JOB, key: deriveKey(secret, JOB, 'control'), ports: undefined },
      (caller) => {
        caller.connection.onMessage = (message) => {
          messages.push(message);
          look();
        };
        resolve(caller);
      },
    ).then((listening) => {
      server = listening;
      ended = startAgent(invite(changes), env);
    });
  });
  let ended: Promise<number | null> = Promise.resolve(null);
  const { connection } = await called;
  const message = async <K extends FromAgent['kind']>(kind: K): Promise<Extract<FromAgent, { kind: K }>> => {
    for (;;) {
      const found = messages.find((candidate) => candidate.kind === kind);
      if (found !== undefined) return found as Extract<FromAgent, { kind: K }>;
      await new Promise<void>((resolve) => {
        look = resolve;
      });
    }
  };
  return { connection, message, messages, ended: () => ended };
}

test('says who and where it is, first of all; then it beats', async () => {
  const { message, messages } = await startInvited();
  await message('beat');
  expect(messages[0]).toMatchObject({
    kind: 'hello',
    version: VERSION,
    pid: agent.pid,
    hostName: hostname(),
    place: { hostIndex: 4 },
  });
});

test('where all get the same line it gives its scheduler’s name for the host, and tries the starter’s address first', async () => {
  const env = { SLURMD_NODENAME: 'n7', SSH_CONNECTION: '127.0.0.1 50000 127.0.0.1 22' };
  const { message } = await startInvited({ hostIndex: undefined, addresses: [] }, env);
  expect((await message('hello')).place).toEqual({ nodeName: 'n7' });
});

test('an address where nobody answers is passed over', async () => {
  const { message } = await startInvited({ addresses: ['127.0.0.2', '::1', '127.0.0.1'] });
  await message('hello');
});

test.each([
  ['its ranks spin', 'while :; do :; done'],
  ['its ranks sleep', 'exec sleep 600'],
])('without answers its lease ends: %s, and are gone', async (_, script) => {
  const { connection, message, ended } = await startInvited({ heartbeatMs: 3000 });
  connection.send({ kind: 'start', job: describeAgentJob(script) });
  const { pids } = await message('started');
  const { reason } = await message('leaving');
  expect(reason).toMatch(/^its launcher did not answer for 2\.\d s$/);
  expect(await ended()).toBe(1);
  expect(pids.map(processState)).toEqual(['', '']);
});

test.each(['the end of standard input', 'the end of the connection'])('%s ends it and its ranks', async (what) => {
  const { connection, message, ended } = await startInvited();
  connection.send({ kind: 'start', job: describeAgentJob('exec sleep 600') });
  const { pids } = await message('started');
  if (what.includes('input')) agent.stdin!.end();
  else connection.drop();
  expect(await ended()).toBe(1);
  expect(pids.map(processState)).toEqual(['', '']);
});

test.each<[string, () => string | undefined, RegExp]>([
  ['no line', () => undefined, /standard input ended before an invitation came/],
  ['no invitation', () => 'hello', /the first line is no invitation of a launcher \(5 characters\)/],
  ['half an invitation', () => '{"jobId":"x"}', /lacks job, secret, addresses, port or heartbeat/],
  ['a seal of nobody', () => 'MUNGE:AwQFAAAAAA:', /munge cannot open the job's secret/],
])('%s: it says so and ends', async (_, line, message) => {
  expect(await startAgent(line())).toBe(1);
  expect(stderr).toMatch(message);
});

test('while it dials, the end of its starter ends it', async () => {
  const ended = startAgent(invite({ port: 1 }));
  agent.stdin!.end();
  expect(await ended).toBe(1);
  expect(stderr).toContain('the starter is gone');
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
test.skipIf(!hasOpenssl)(
  `a certificate that an authority has signed is no launcher${hasOpenssl ? '' : ' (no openssl)'}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsmpi-certificate-'));
    const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(folder, name));
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', ...subject],
      { stdio: 'ignore' },
    );
    let accepted = 0;
    const impostor = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', () => accepted++);
    });
    impostor.listen(0, '127.0.0.1');
    await once(impostor, 'listening');
    const { port } = impostor.address() as { port: number };
    const ended = startAgent(invite({ port }), { NODE_EXTRA_CA_CERTS: certificate });
    await once(impostor, 'connection');
    await once(impostor, 'connection');
    agent.stdin!.end();
    expect(await ended).toBe(1);
    expect(accepted).toBe(0);
    impostor.close();
    rmSync(folder, { recursive: true });
  },
);
