/**
 * A guest with an RDMA device: Debian's own kernel in QEMU without hardware support, this machine's file system read-only
 * below a layer of memory, Soft-RoCE (`rxe`) or soft-iWARP (`siw`), and commands that run in it one after the other.
 *
 * The idea: starting takes seconds, so a test file starts few guests and runs much in each. A guest has no name and leaves
 * nothing: commands and what they print go over a virtio port that is one end of a socket pair; when the other end, this
 * process, is gone for whatever reason, the guest switches itself off. Two guests can be joined by two cables: node1 and
 * node2 with the agents' network (10.78.0.x) and one that the RDMA device has for itself (10.77.0.x).
 *
 * A command that passes its deadline costs the guest: QEMU is killed and the error holds what was last said.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { missingPrograms } from '../hosts/test-hosts.ts';
import { isLong as areAllLong } from '../long.ts';

export type Device = 'rxe' | 'siw';
/** Both devices, by whose names suites are called. */
export const DEVICES: readonly Device[] = ['rxe', 'siw'];
/** The RDMA device's address in a guest that is alone, and in the first of two. */
export const ADDRESS = '10.77.0.1';

/** Programs that guests need, and the Debian package of each; what the guest runs is this machine's. */
const GUEST_PROGRAMS: readonly [string, string][] = [
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['busybox', 'busybox-static'],
  ['cpio', 'cpio'],
  ['modprobe', 'kmod'],
  ['xz', 'xz-utils'],
  ['make', 'make'],
  ['cc', 'gcc'],
  ['ip', 'iproute2'],
  ['rdma', 'iproute2'],
  ['setpriv', 'util-linux'],
  ['ibv_devices', 'ibverbs-utils'],
  ['rping', 'rdmacm-utils'],
];
/** Files that guests need, as programs above. */
const GUEST_FILES: readonly [string, string][] = [
  ['/usr/share/seabios/bios-256k.bin', 'seabios'],
  ['/usr/lib/x86_64-linux-gnu/libibverbs/librxe-rdmav34.so', 'ibverbs-providers'],
  ['/usr/include/infiniband/verbs.h', 'libibverbs-dev'],
  ['/usr/include/rdma/rdma_cma.h', 'librdmacm-dev'],
];
const BUILD_MS = 600_000;
/** A start takes 11 s of a core: 10 s on a machine that has nothing else to do, minutes on one that is overrun. */
const START_MS = 240_000;
const COMMAND_MS = 120_000;
const LAST_WORDS = 4000;

/** Whether what takes minutes is run: faults of two guests, all suites over both devices. */
export const isLong: boolean = process.env.TSMPI_RDMA_LONG === '1' || areAllLong;
/** What the name of a suite says that is only run then. */
export const longReason: string | undefined = isLong ? undefined : 'TSMPI_RDMA_LONG=1 runs it';

let made: { readonly folder?: string; readonly missing?: string } | undefined;

/** Why there can be no guest here; undefined: there can. The first call makes the guest, which may take a minute. */
export function missingGuest(): string | undefined {
  made ??= make();
  return made.missing;
}

function make(): { folder?: string; missing?: string } {
  if (process.platform !== 'linux' || process.arch !== 'x64') return { missing: 'guests need Linux on x64' };
  const programs = missingPrograms(GUEST_PROGRAMS);
  const files = GUEST_FILES.filter(([path]) => !existsSync(path)).map(([, name]) => name);
  if (programs !== undefined) return { missing: [programs, ...files].join(' ') };
  if (files.length > 0) return { missing: `Debian packages are missing: ${files.join(' ')}` };
  const script = fileURLToPath(new URL('build-guest.sh', import.meta.url));
  const { status, stdout, stderr } = spawnSync('bash', [script], { encoding: 'utf8', timeout: BUILD_MS });
  if (status === 0) return { folder: stdout.trim() };
  return { missing: `no guest can be made: ${stderr.trim() || `build-guest.sh ended with ${status}`}` };
}

export interface GuestOptions {
  readonly device: Device;
  readonly memoryMiB?: number;
  readonly cores?: number;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limitMs?: number;
  /** Run with that much memory to be pinned, in KiB, and without the right to pin more. */
  readonly memlockKiB?: number;
}

export interface CommandResult {
  readonly code: number;
  /** What it printed on stdout and stderr. */
  readonly output: string;
}

let shared: TestGuest | undefined;

export class TestGuest {
  readonly name: string;
  readonly #qemu: ChildProcess;
  readonly #port: Duplex;
  readonly #ended: Promise<unknown>;
  /** Kernel and QEMU. */
  #console = '';
  #said = '';
  #commands = 0;
  #look: (() => void) | undefined;

  private constructor(name: string, options: GuestOptions, words: string, cables: readonly string[]) {
    this.name = name;
    const { device, memoryMiB = 2048, cores = 2 } = options;
    this.#qemu = spawn(
      'qemu-system-x86_64',
      [
        ...['-M', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', String(cores), '-m', String(memoryMiB)],
        ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'stdio'],
        ...['-kernel', join(made!.folder!, 'vmlinux'), '-initrd', join(made!.folder!, 'initrd')],
        ...['-append', `console=ttyS0 quiet panic=-1 rdma=${device} ${words}`],
        ...['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'],
        ...['-device', 'virtio-serial', '-chardev', 'socket,id=port,fd=3', '-device', 'virtserialport,chardev=port'],
        ...cables,
      ],
      { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
    );
    this.#ended = once(this.#qemu, 'close').finally(() => this.#look?.());
    for (const stream of [this.#qemu.stdout!, this.#qemu.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#console = (this.#console + text).slice(-LAST_WORDS);
      });
    }
    this.#port = this.#qemu.stdio[3] as Duplex;
    this.#port.on('error', () => {});
    this.#port.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
      this.#look?.();
    });
  }

  /** Start one guest; resolve when it takes commands. */
  static async up(options: GuestOptions): Promise<TestGuest> {
    const guest = new TestGuest('the guest', options, '', []);
    await guest.#answer('ready', START_MS);
    return guest;
  }

  /**
   * The guest that the files of this process share, with that device; started when there is none, or the one there was has
   * ended. It goes as the process does.
   */
  static async shared(device: Device): Promise<TestGuest> {
    if (shared === undefined || shared.#hasEnded) shared = await TestGuest.up({ device, memoryMiB: 3072 });
    else await shared.use(device);
    return shared;
  }

  /** Start two guests that are joined, and end both when the second fails. */
  static async pair(options: GuestOptions): Promise<[TestGuest, TestGuest]> {
    const folder = mkdtempSync(join(tmpdir(), 'tsmpi-cable-'));
    const guests: TestGuest[] = [];
    try {
      for (const host of [1, 2]) {
        const cables = ['control', 'rdma'].flatMap((name, index) => [
          ...['-netdev', `stream,id=${name},server=${host === 1 ? 'on' : 'off'},addr.type=unix,addr.path=${folder}/${name}`],
          ...['-device', `virtio-net-pci,netdev=${name},mac=52:54:00:00:0${index}:0${host}`],
        ]);
        const guest = new TestGuest(`node${host}`, options, `host=${host}`, cables);
        guests.push(guest);
        // The second guest's ends of the cables are plugged in when it starts.
        if (host === 1) await guest.#plugged([`${folder}/control`, `${folder}/rdma`]);
      }
      await Promise.all(guests.map((guest) => guest.#answer('ready', START_MS)));
      return [guests[0]!, guests[1]!];
    } catch (error) {
      await Promise.all(guests.map((guest) => guest.end()));
      throw error;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Run a command of the shell to its end. One at a time. */
  async run(command: string, options: CommandOptions = {}): Promise<CommandResult> {
    const { cwd = process.cwd(), env = {}, limitMs = COMMAND_MS, memlockKiB } = options;
    const variables = Object.entries({ PATH: `${process.env.PATH}:/usr/sbin:/sbin`, ...env });
    const lines = [`cd ${quote(cwd)}`, ...variables.map(([name, value]) => `export ${name}=${quote(value)}`)];
    if (memlockKiB === undefined) lines.push(command);
    else lines.push(`ulimit -l ${memlockKiB}`, `exec setpriv --bounding-set -ipc_lock bash -c ${quote(command)}`);
    const id = String(++this.#commands);
    this.#said = '';
    this.#port.write(`${id} ${Buffer.from(lines.join('\n')).toString('base64')}\n`);
    const [code, output] = await this.#answer(id, limitMs);
    return { code: Number(code), output };
  }

  /** Run a command that must succeed; return what it printed. */
  async must(command: string, options?: CommandOptions): Promise<string> {
    const { code, output } = await this.run(command, options);
    if (code !== 0) throw new Error(`${this.name}: ${command} ended with ${code}:\n${output}`);
    return output;
  }

  /** Have that device instead of the one that is there. */
  async use(device: Device): Promise<void> {
    await this.must(`bash /run/use-device ${device}`);
  }

  /** Switch it off. */
  async end(): Promise<void> {
    this.#qemu.kill('SIGKILL');
    await this.#ended;
  }

  /** Wait for the mark of that name; return its value and what came before it. */
  async #answer(name: string, limitMs: number): Promise<[value: string, output: string]> {
    const mark = new RegExp(`\\x1e${name} ([0-9.]+)\\x1e`);
    const limit = performance.now() + limitMs;
    let timer: NodeJS.Timeout | undefined;
    try {
      for (;;) {
        const found = mark.exec(this.#said);
        if (found !== null) return [found[1]!, this.#said.slice(0, found.index)];
        const left = limit - performance.now();
        if (this.#hasEnded) throw this.#failure('ended');
        if (left <= 0) {
          await this.end();
          throw this.#failure(`did not answer within ${limitMs} ms`);
        }
        await new Promise<void>((resolve) => {
          this.#look = resolve;
          timer = setTimeout(resolve, left);
        });
        clearTimeout(timer);
      }
    } finally {
      clearTimeout(timer);
      this.#look = undefined;
    }
  }

  get #hasEnded(): boolean {
    return this.#qemu.exitCode !== null || this.#qemu.signalCode !== null;
  }

  async #plugged(paths: readonly string[]): Promise<void> {
    const limit = performance.now() + START_MS;
    while (!paths.every((path) => existsSync(path))) {
      if (this.#hasEnded || performance.now() > limit) throw this.#failure('made no cables');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #failure(what: string): Error {
    return new Error(`${this.name} ${what}; it printed last:\n${this.#said.slice(-LAST_WORDS)}\nits console:\n${this.#console}`);
  }
}

/** Quote a word for the shell. */
export const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
