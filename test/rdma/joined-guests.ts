/**
 * Two guests as hosts of a job: node1 and node2, each with an sshd that lets the other in without a question, joined by the
 * agents' network (eth0) and one for RDMA alone (eth1), which can lose, delay and be cut while agents go on talking.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CommandResult, type Device, quote, TestGuest } from './test-guest.ts';

/** A login and an agent's start take half a minute of a guest that has the machine, longer where it has not. */
const START_S = 120;
/** Nor is a guest that is starved for as long as that a lost host. */
const HEARTBEAT_S = 30;

/** Keys lie in a folder of this machine, which both guests see; what else ssh reads is written in the guests. */
function sshCommands(folder: string): string {
  const client = [
    'Host *',
    `  IdentityFile ${folder}/key`,
    '  IdentitiesOnly yes',
    '  StrictHostKeyChecking no',
    '  LogLevel ERROR',
    // The usual one takes two seconds of a guest.
    '  KexAlgorithms curve25519-sha256',
  ];
  const server = [
    ...[`HostKey ${folder}/key`, `AuthorizedKeysFile ${folder}/key.pub`, 'PidFile /run/sshd.pid', 'StrictModes no'],
    ...['UsePAM no', 'PasswordAuthentication no', 'PermitRootLogin prohibit-password', 'UseDNS no', 'MaxStartups 100'],
  ];
  return [
    'mkdir -p /run/sshd /etc/ssh',
    `printf '%s\\n' ${client.map(quote).join(' ')} > /etc/ssh/ssh_config`,
    `printf '%s\\n' ${server.map(quote).join(' ')} > /run/sshd_config`,
    // A login must not run what the user's own shells run.
    'for file in .bashrc .profile .bash_profile .bash_login .zshenv; do [ ! -e "$HOME/$file" ] || : > "$HOME/$file"; done',
    '"$(command -v sshd)" -f /run/sshd_config',
  ].join(' && ');
}

export class JoinedGuests {
  readonly first: TestGuest;
  readonly second: TestGuest;
  readonly #folder: string;

  private constructor(first: TestGuest, second: TestGuest, folder: string) {
    this.first = first;
    this.second = second;
    this.#folder = folder;
  }

  /** Start both; resolve when either can be reached from the other by ssh. */
  static async up(device: Device): Promise<JoinedGuests> {
    const folder = mkdtempSync(join(tmpdir(), 'tsmpi-joined-'));
    try {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')]);
      const [first, second] = await TestGuest.pair({ device });
      const guests = new JoinedGuests(first, second, folder);
      try {
        for (const guest of [first, second]) await guest.must(sshCommands(folder));
        await first.must('ssh node2 true && ssh node1 true');
        // What a job loads comes into the guests' memory, or its agents would miss the launcher's deadline.
        await Promise.all(
          [first, second].map((guest) => guest.must('node dist/tsmpirun.cjs --quiet -n 1 test/programs/ring.mjs')),
        );
        return guests;
      } catch (error) {
        await guests.end();
        throw error;
      }
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Run a command in both, one after the other. */
  async both(command: string): Promise<void> {
    for (const guest of [this.first, this.second]) await guest.must(command);
  }

  /** Run a job from the first guest with one rank on each, over RDMA alone. */
  job(words: string, env: Readonly<Record<string, string>> = {}, limitS = 300): Promise<CommandResult> {
    const limits = `--start-timeout ${START_S} --heartbeat ${HEARTBEAT_S} --timeout ${limitS - START_S - 30}`;
    const command = `node dist/tsmpirun.cjs --quiet ${limits} --host node1,node2 --transport rdma,self ${words}`;
    return this.first.run(command, { env, limitMs: limitS * 1000 });
  }

  async end(): Promise<void> {
    await Promise.all([this.first.end(), this.second.end()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
