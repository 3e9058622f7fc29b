/**
 * Entry of the agent's process: `node dist/agent.cjs`, started by a starter with the control connection as descriptor 3, or
 * `node dist/agent.cjs dial [FILE]` on another host, with an invitation on standard input or in that file, or
 * `node dist/agent.cjs listen PLAN` on a host whose platform starts agents before there is a launcher.
 *
 * The agent is in a session of its own, so no terminal signal reaches it; SIGTERM and its kin, sent to it by name, end it
 * and its ranks; but Slurm's SIGTERM to the tasks of a step (`--signal`, preemption) is to the job, which has its grace. Loads few and small modules: ranks start only after this file has run.
 */

import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { guardExit } from '../native/exit-guard.ts';
import { Agent } from './agent.ts';
import { StreamConnection } from './connection.ts';
import type { FromAgent, ToAgent } from './protocol.ts';
import type { WaitingPlan } from './waiting.ts';

const CONNECTION_FD = 3;
/** Where an agent that waits says, once, that it listens; '' stands for that. */
const REPORT_FD = 3;

guardExit();
let agent: Agent | undefined;
/** Another one is to wait when this one is gone. */
let stays = false;
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stays = false;
    if (agent === undefined) process.exit(1);
    if (signal === 'SIGTERM' && process.env.SLURM_STEP_ID !== undefined) agent.reportEviction();
    else agent.abandon(`it got ${signal}`);
  });
}
process.on('uncaughtException', (error) => {
  if (agent === undefined) {
    process.stderr.write(`tsmpi agent: ${error.stack ?? error}\n`);
    process.exit(1);
  }
  agent.fail(`the agent failed: ${error.stack ?? error}`);
});

const [, , mode, argument] = process.argv;
if (mode === 'dial') void startAfar(argument);
else if (mode === 'listen') void startWaiting(JSON.parse(argument!) as WaitingPlan);
else {
  const socket = new Socket({ fd: CONNECTION_FD, readable: true, writable: true });
  agent = new Agent(new StreamConnection<FromAgent, ToAgent>(socket));
}

async function startAfar(file: string | undefined): Promise<void> {
  const { dialLauncher, ownAddresses, placeOf } = await import('./dial.ts');
  try {
    const { connection, invitation } = await dialLauncher(file);
    agent = new Agent(connection, {
      place: placeOf(invitation),
      addresses: ownAddresses(),
      heartbeatMs: invitation.heartbeatMs,
    });
  } catch (error) {
    process.stderr.write(`tsmpi agent: ${(error as Error).message}\n`);
    process.exit(1);
  }
  if (file !== undefined) return;
  const onStarterGone = (): void => agent?.abandon(undefined);
  process.stdin.on('end', onStarterGone).on('error', onStarterGone).resume();
  if (process.stdin.readableEnded) onStarterGone();
}

async function startWaiting(plan: WaitingPlan): Promise<void> {
  const [{ waitForLauncher }, { ownAddresses }] = await Promise.all([import('./waiting.ts'), import('./dial.ts')]);
  // Before the secret is taken out of it.
  const env = { ...process.env };
  try {
    const taken = await waitForLauncher(plan, () => report(''));
    if (taken === undefined) process.exit(0);
    const { hostIndex, heartbeatMs } = taken.take;
    stays = plan.stays;
    process.once('exit', () => {
      if (stays) spawnNext(env);
    });
    agent = new Agent(taken.connection, { place: { hostIndex }, addresses: ownAddresses(), heartbeatMs });
  } catch (error) {
    report((error as Error).message);
    process.exit(1);
  }
}

function spawnNext(env: NodeJS.ProcessEnv): void {
  spawn(process.execPath, process.argv.slice(1), { detached: true, cwd: '/', env, stdio: 'ignore' }).unref();
}

/** Say how the beginning went to whoever started us, if he listens. */
function report(failure: string): void {
  try {
    writeSync(REPORT_FD, `${failure}\n`);
    closeSync(REPORT_FD);
  } catch {
    // The agent before us, which is gone.
  }
}
