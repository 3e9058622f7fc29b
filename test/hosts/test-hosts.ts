/**
 * Test hosts: N hosts on this machine, each with network, names, processes, shared memory and mounts of its own, and an
 * sshd, on a switch that lives in a network of its own, so that nothing leaves the machine.
 *
 * The idea: no host has a name in the file system. Its first process is a shell that reads from this process; when that
 * pipe ends, for whatever reason, the shell ends, and the kernel ends all processes of the host with it and takes its
 * networks away. The file system is shared, as on most clusters, but for /dev/shm and /run.
 *
 *     host i   10.77.0.i   named node<i>; on every host ssh to every other works without a question
 *
 * Packages: openssh-server openssh-client iproute2 nftables. Needs root.
 */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

/** Programs that hosts need, and the Debian package of each. */
const HOST_PROGRAMS: readonly [string, string][] = [
  ['sshd', 'openssh-server'],
  ['ssh', 'openssh-client'],
  ['ip', 'iproute2'],
  ['nft', 'nftables'],
  ['nsenter', 'util-linux'],
];
const STEP_MS = 20_000;
/** How long processes of a job may take to go, on a machine under load. */
const LEFT_MS = 10_000;

/** The first process of a host: $1 its name, $2 its address, $3 the folder of this set of hosts. */
const HOST_SCRIPT = `set -e
hostname "$1"
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/sshd
mount --bind "$3/hosts" /etc/hosts
mount --bind "$3/resolv.conf" /etc/resolv.conf
mount --bind "$3/ssh_config" /etc/ssh/ssh_config
# A login must not run what the user's own shells run.
for file in .bashrc .profile .bash_profile .bash_login .zshenv; do
  [ ! -e "$HOME/$file" ] || mount --bind /dev/null "$HOME/$file"
done
ip link set lo up
echo made
read -r cabled
ip addr add "$2/24" dev eth0
ip link set eth0 up
"$(command -v sshd)" -f "$3/sshd_config" -E "$3/$1.sshd.log"
until [ -s /run/sshd.pid ]; do sleep 0.01; done
# It is there before the host is up: whoever lists processes then sees all of the host's own.
exec 3<&0
cat <&3 >/dev/null &
echo up
wait $!`;
const SWITCH_SCRIPT = `set -e
ip link add br0 type bridge
ip link set br0 up
echo made
cat >/dev/null`;

/** Return why a part cannot run here, or undefined: `programs` are looked for along the path and in the folders of root. */
export function missingPrograms(programs: readonly [string, string][]): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'test hosts need root on Linux';
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const packages = programs
    .filter(([name]) => !folders.some((folder) => isExecutable(join(folder, name))))
    .map(([, name]) => name);
  return packages.length === 0 ? undefined : `Debian packages are missing: ${[...new Set(packages)].join(' ')}`;
}

/** Why there can be no test hosts here; undefined: there can. */
export const missingHosts: string | undefined = missingPrograms(HOST_PROGRAMS) ?? missingNamespaces();

/** Name a suite that needs hosts; vitest shows the reason when it is skipped. */
export const named = (title: string, missing: string | undefined = missingHosts): string =>
  missing === undefined ? title : `${title} (${missing})`;

function missingNamespaces(): string | undefined {
  const { status, stderr } = spawnSync(
    'unshare',
    ['--net', '--uts', '--ipc', '--pid', '--mount', '--fork', '--mount-proc', 'true'],
    {
      encoding: 'utf8',
    },
  );
  return status === 0 ? undefined : `this machine makes no namespaces: ${stderr.trim()}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** One process in namespaces of its own, with lines to read from it. */
class Namespaces {
  readonly #unshare: ChildProcess;
  readonly #lines: Interface;
  readonly #name: string;
  /** Its first process, as this machine numbers it. */
  pid = 0;

  constructor(name: string, flags: readonly string[], script: string, args: readonly string[]) {
    this.#name = name;
    const command = [...flags, '--fork', '--kill-child=KILL', 'sh', '-c', script, 'sh', ...args];
    this.#unshare = spawn('unshare', command, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, HOME: homedir() },
    });
    this.#unshare.stdin!.on('error', () => {});
    this.#lines = createInterface({ input: this.#unshare.stdout! });
  }

  /** Wait for that line. */
  async said(line: string): Promise<void> {
    let errors = '';
    const keep = (bytes: Buffer): void => {
      errors += bytes;
    };
    this.#unshare.stderr!.on('data', keep);
    const ended = once(this.#unshare, 'exit').then(() => `ended: ${errors}`);
    const said = once(this.#lines, 'line', { signal: AbortSignal.timeout(STEP_MS) }).then(([text]) => text as string);
    const found = await Promise.race([said, ended]);
    this.#unshare.stderr!.off('data', keep).resume();
    if (found !== line) throw new Error(`${this.#name} did not come up: expected "${line}", got "${found}"`);
    const threads = readdirSync(`/proc/${this.#unshare.pid}/task`);
    const children = threads.flatMap((id) => readFileSync(`/proc/${this.#unshare.pid}/task/${id}/children`, 'latin1').split(' '));
    this.pid = Number(children.find((child) => child !== ''));
  }

  tell(line: string): void {
    this.#unshare.stdin!.write(`${line}\n`);
  }

  async end(): Promise<void> {
    if (this.#unshare.exitCode !== null || this.#unshare.signalCode !== null) return;
    const ended = once(this.#unshare, 'exit');
    this.#unshare.kill('SIGKILL');
    await ended;
  }
}

export class TestHosts {
  /** Keys, configuration and logs of this set of hosts; on every host at the same path. */
  readonly folder: string = mkdtempSync(join(tmpdir(), 'tsmpi-hosts-'));
  readonly names: readonly string[];
  readonly #switch: Namespaces;
  readonly #hosts = new Map<string, Namespaces>();
  /** Processes that belong to the hosts themselves. */
  readonly #own = new Set<number>();

  private constructor(count: number) {
    this.names = Array.from({ length: count }, (_, index) => `node${index + 1}`);
    this.#switch = new Namespaces('the switch', ['--net'], SWITCH_SCRIPT, []);
  }

  /** Start that many hosts; resolve when each can be reached by ssh. */
  static async up(count: number): Promise<TestHosts> {
    const hosts = new TestHosts(count);
    try {
      await hosts.#start();
    } catch (error) {
      await hosts.down();
      throw error;
    }
    return hosts;
  }

  /** Address of a host. */
  address(host: string): string {
    return addressOf(this.names.indexOf(host));
  }

  /** The command that runs a command on a host, in that folder. */
  command(host: string, command: readonly string[], cwd: string = process.cwd()): string[] {
    const enter = ['nsenter', '-t', String(this.#pid(host)), '-m', '-u', '-i', '-n', '-p', '--'];
    return [...enter, 'sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', cwd, ...command];
  }

  /** Run a command on a host to its end; throws what it printed when it fails. */
  run(host: string, command: readonly string[]): string {
    const [file, ...args] = this.command(host, command);
    return execFileSync(file!, args, { encoding: 'utf8', timeout: STEP_MS, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Whether the host lives. */
  isUp(host: string): boolean {
    return readNamespace(this.#pid(host)) !== undefined;
  }

  /** Pull the host's cable: silence, in both directions. */
  cut(host: string): void {
    this.#cable(host, 'down');
  }

  heal(host: string): void {
    this.#cable(host, 'up');
  }

  /** Have the host drop some of what comes to it and of what it sends, in the words of nft; nothing: none. */
  filter(host: string, rules: { readonly input?: string; readonly output?: string }): void {
    const chains = Object.entries(rules).map(
      ([hook, rule]) => `chain ${hook} { type filter hook ${hook} priority 0; ${rule} drop; };`,
    );
    this.run(host, ['nft', `add table inet test; delete table inet test; table inet test { ${chains.join(' ')} };`]);
  }

  /** Kill all processes of the host; its kernel still says goodbye for them. */
  kill(host: string): void {
    process.kill(this.#pid(host), 'SIGKILL');
  }

  /** Power loss: silence. */
  crash(host: string): void {
    this.cut(host);
    this.kill(host);
  }

  /** Processes on a host that are not the host's own, as this machine numbers them. */
  processes(host: string): number[] {
    return this.#all(host).filter((pid) => !this.#own.has(pid));
  }

  /** Ports that processes of a host listen on, but for sshd's. */
  listening(host: string): number[] {
    const ports = ['tcp', 'tcp6'].flatMap((file) =>
      [...readFileSync(`/proc/${this.#pid(host)}/net/${file}`, 'latin1').matchAll(/^ *\d+: [\dA-F]+:([\dA-F]{4}) \S+ 0A /gm)].map(
        ([, port]) => Number.parseInt(port!, 16),
      ),
    );
    return [...new Set(ports)].filter((port) => port !== 22).sort((a, b) => a - b);
  }

  /** Count all processes of this moment among the hosts' own: daemons that a test started. */
  adopt(): void {
    for (const name of this.names) for (const pid of this.#all(name)) this.#own.add(pid);
  }

  /** What jobs have left on the hosts, after some time to go: processes, and files in /dev/shm. */
  async leftovers(): Promise<string[]> {
    const limit = performance.now() + LEFT_MS;
    for (;;) {
      const left = this.names.flatMap((name) => {
        if (!this.isUp(name)) return [];
        const processes = this.processes(name).map((pid) => `${name}: ${pid} ${commandLine(pid)}`);
        return [...processes, ...readdirSync(`/proc/${this.#pid(name)}/root/dev/shm`).map((file) => `${name}: /dev/shm/${file}`)];
      });
      if (left.length === 0 || performance.now() > limit) return left;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Take everything down. */
  async down(): Promise<void> {
    await Promise.all([...this.#hosts.values(), this.#switch].map((namespaces) => namespaces.end()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    this.#configure();
    await this.#switch.said('made');
    const flags = ['--net', '--uts', '--ipc', '--pid', '--mount', '--mount-proc'];
    for (const name of this.names) {
      const host = new Namespaces(name, flags, HOST_SCRIPT, [name, this.address(name), this.folder]);
      this.#hosts.set(name, host);
    }
    await Promise.all([...this.#hosts].map(([name, host]) => this.#bringUp(name, host)));
    this.adopt();
  }

  async #bringUp(name: string, host: Namespaces): Promise<void> {
    await host.said('made');
    const port = this.#port(name);
    this.#inSwitch(['link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(host.pid)]);
    this.#inSwitch(['link', 'set', port, 'master', 'br0', 'up']);
    host.tell('cabled');
    await host.said('up');
  }

  #configure(): void {
    const write = (name: string, lines: readonly string[]): void => {
      writeFileSync(join(this.folder, name), `${lines.join('\n')}\n`, { mode: 0o600 });
    };
    for (const key of ['host_key', 'user_key']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(this.folder, key)]);
    }
    const hostKey = readFileSync(join(this.folder, 'host_key.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
    const user = readFileSync(join(this.folder, 'user_key.pub'), 'utf8').trim();
    write('hosts', ['127.0.0.1 localhost', ...this.names.map((name) => `${this.address(name)} ${name} ${name}.cluster`)]);
    write('resolv.conf', ['# there is no name server']);
    write('authorized_keys', [user]);
    write('known_hosts', [`* ${hostKey}`]);
    write('ssh_config', [
      // A name that only this file knows.
      ...['Host by-config', '  HostName node2'],
      ...['Host *', `  IdentityFile ${this.folder}/user_key`, '  IdentitiesOnly yes'],
      ...[
        `  UserKnownHostsFile ${this.folder}/known_hosts`,
        '  StrictHostKeyChecking yes',
        '  LogLevel ERROR',
        '  ConnectTimeout 5',
      ],
    ]);
    write('sshd_config', [
      ...[`HostKey ${this.folder}/host_key`, `AuthorizedKeysFile ${this.folder}/authorized_keys`, 'PidFile /run/sshd.pid'],
      ...['StrictModes no', 'UsePAM no', 'PasswordAuthentication no', 'PermitRootLogin prohibit-password', 'UseDNS no'],
    ]);
  }

  #pid(host: string): number {
    const found = this.#hosts.get(host);
    if (found === undefined) throw new Error(`there is no test host ${host}`);
    return found.pid;
  }

  #all(host: string): number[] {
    const namespace = readNamespace(this.#pid(host));
    if (namespace === undefined) return [];
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && readNamespace(pid) === namespace);
  }

  #port(host: string): string {
    return `port${this.names.indexOf(host) + 1}`;
  }

  #cable(host: string, state: 'up' | 'down'): void {
    this.#inSwitch(['link', 'set', this.#port(host), state]);
  }

  #inSwitch(args: readonly string[]): void {
    execFileSync('nsenter', ['-t', String(this.#switch.pid), '-n', 'ip', ...args], { timeout: STEP_MS });
  }
}

function addressOf(index: number): string {
  return `10.77.0.${index + 1}`;
}

function readNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined; // it has ended
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
