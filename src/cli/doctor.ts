/**
 * tsmpi doctor: what is missing on this host, what it would bring, and how to mend it. Each check really tries the thing.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { sealLine } from '../agent/invitation.ts';
import { segmentNeeds } from '../agent/memory.ts';
import type { Addon } from '../native/addon.ts';
import { type LoadedAddon, loadAddon } from '../native/loader.ts';
import { cpuQuota } from './cpu-quota.ts';
import { readHugePages } from './info.ts';

export interface Finding {
  readonly state: 'ok' | 'warn' | 'fail';
  readonly what: string;
  /** What it means and how to mend it; empty when all is well. */
  readonly advice: string;
}

/** A large job on one host: what memory and descriptors are measured against. */
const RANKS = 64;
/** Descriptors that the agent holds for each rank, with --stdin all. */
const DESCRIPTORS_PER_RANK = 5;
/** Those that it holds for itself, rounded up. */
const OWN_DESCRIPTORS = 32;

/** Examine this host. */
export function examine(): Finding[] {
  const loaded = loadAddon();
  const basic = [node(), compiler(loaded), addon(loaded), memory(loaded), singleCopy(loaded), hugePages()];
  return [...basic, lockedMemory(), descriptors(), cores(), ...slurm()];
}

function ok(what: string): Finding {
  return { state: 'ok', what, advice: '' };
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (fits) return ok(`Node ${process.version}`);
  return { state: 'fail', what: `Node ${process.version}`, advice: 'tsmpi needs Node ^20.19 or >=22.12: install one of these' };
}

function compiler(loaded: LoadedAddon): Finding {
  const name = process.env.CC || 'cc'; // as native/build.mjs does
  try {
    const version = execFileSync(name, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 });
    return ok(`C compiler: ${version.split('\n')[0]}`);
  } catch {
    const advice = 'it builds the native addon; without it ranks are threads: install gcc, or set CC';
    return { state: loaded.addon === undefined ? 'warn' : 'ok', what: `no C compiler (${name})`, advice };
  }
}

function addon(loaded: LoadedAddon): Finding {
  if (loaded.addon !== undefined) return ok(`native addon: ${loaded.attempts.at(-1)!.path}`);
  const reasons = loaded.attempts.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
  const advice = `ranks run as threads, and long messages take two copies (${reasons}): npm run build:native, or npm rebuild tsmpi`;
  return { state: 'warn', what: 'native addon not loaded', advice };
}

function memory({ addon: native }: LoadedAddon): Finding {
  const { wanted, least, available } = segmentNeeds(RANKS);
  const canHave = (bytes: number): boolean => bytes <= available && (native === undefined || canReserve(native, bytes));
  if (canHave(wanted)) return ok(`memory to share: ${mebibytes(wanted)} for ${RANKS} ranks can be had`);
  const what = `memory to share: ${mebibytes(wanted)} for ${RANKS} ranks cannot be had, with ${mebibytes(available)} left`;
  const how = 'free memory, or raise the limits of file size (ulimit -f) and of the container';
  if (canHave(least)) return { state: 'warn', what, advice: `such a job gets smaller buffers and is slower: ${how}` };
  return { state: 'fail', what, advice: `such a job needs ${mebibytes(least)} at the least, or does not start: ${how}` };
}

function canReserve(native: Addon, bytes: number): boolean {
  const fd = native.createMemory('tsmpi-doctor', bytes);
  if (fd < 0) return false;
  native.close(fd);
  return true;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

/** A child reads this process's memory, as a rank reads another's: of its own, any process may. */
const READER = `
  const [path, pid, address] = process.argv.slice(1);
  const module = { exports: {} };
  process.dlopen(module, path);
  const target = new Float64Array(64);
  const count = module.exports.readMemory(Number(pid), Number(address), target, 0, target.byteLength);
  process.stdout.write(count + ' ' + target[63]);
`;

function singleCopy({ addon: native, attempts }: LoadedAddon): Finding {
  if (native === undefined) {
    const advice = 'without the addon long messages take two copies instead of one';
    return { state: 'warn', what: 'single copy (process_vm_readv): not tried without the addon', advice };
  }
  const source = new Float64Array(64).fill(Math.PI);
  native.setPtracer(process.pid);
  const args = ['-e', READER, attempts.at(-1)!.path, String(process.pid), String(native.addressOf(source))];
  let printed: string;
  try {
    printed = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 10_000 });
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    const advice = 'a rank is a process too: see the limits of processes and open files (ulimit -a)';
    return { state: 'warn', what: `single copy (process_vm_readv): no process to try it with (${reason})`, advice };
  }
  const [count, last] = printed.split(' ').map(Number);
  if (count === source.byteLength && last === source[63]) return ok('single copy (process_vm_readv) works');
  const scope = readText('/proc/sys/kernel/yama/ptrace_scope').trim();
  const how = ['2', '3'].includes(scope)
    ? `kernel.yama.ptrace_scope is ${scope}: set it to 1`
    : 'allow it in the container (seccomp)';
  return {
    state: 'warn',
    what: `single copy (process_vm_readv) fails with errno ${-count!}`,
    advice: `long messages take two copies instead of one: ${how}`,
  };
}

function hugePages(): Finding {
  const setting = readHugePages();
  if (setting === 'always' || setting === 'madvise') return ok(`transparent huge pages: ${setting}`);
  const advice = 'large messages are two to three times slower: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled';
  return { state: 'warn', what: `transparent huge pages: ${setting}`, advice };
}

/** Networks with remote access (InfiniBand, RoCE) need memory that stays where it is. */
function lockedMemory(): Finding {
  const limit = /^Max locked memory\s+(\S+)/m.exec(readText('/proc/self/limits'))?.[1];
  if (limit === undefined || limit === 'unlimited') return ok(`locked memory: ${limit ?? 'no limit is known on this system'}`);
  const what = `locked memory: ${mebibytes(Number(limit))}`;
  if (!existsSync('/sys/class/infiniband') || readdirSync('/sys/class/infiniband').length === 0)
    return ok(`${what}, and no RDMA`);
  const advice = 'messages by RDMA need it without limit: ulimit -l unlimited, or memlock in /etc/security/limits.conf';
  return { state: 'warn', what, advice };
}

/** Inside a Slurm allocation: how private the job's secret is. */
function slurm(): Finding[] {
  if (process.env.SLURM_JOB_ID === undefined) return [];
  try {
    if (sealLine('doctor') !== undefined) return [ok('munge seals the secret of jobs in this Slurm allocation')];
  } catch (error) {
    return [{ state: 'fail', what: (error as Error).message, advice: 'jobs do not start: see that munged runs on every host' }];
  }
  const advice = 'the secret of a job crosses the network in clear, as Slurm’s own traffic does: install munge on every host';
  return [{ state: 'warn', what: 'no munge', advice }];
}

function descriptors(): Finding {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readText('/proc/self/limits'))?.[1] ?? Number.NaN);
  if (Number.isNaN(limit)) return ok('open files: no limit is known on this system');
  const ranks = Math.max(0, Math.floor((limit - OWN_DESCRIPTORS) / DESCRIPTORS_PER_RANK));
  const what = `open files: ${limit}, enough for ${ranks} ranks`;
  if (ranks >= RANKS) return ok(what);
  return { state: 'warn', what, advice: 'larger jobs do not start: raise it with ulimit -n 4096' };
}

function cores(): Finding {
  const usable = availableParallelism();
  const quota = cpuQuota();
  if (quota !== undefined && quota < usable) {
    return {
      state: 'warn',
      what: `${usable} cores, but the cgroup grants the time of ${Number(quota.toFixed(2))}`,
      advice: 'ranks that spin are throttled: start fewer ranks, or with --wait park, or raise the quota of the container',
    };
  }
  return ok(`${usable} of ${cpus().length} cores can be used`);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // another system
  }
}

/** Return the findings as text. */
export function formatFindings(findings: readonly Finding[]): string {
  return findings
    .map(({ state, what, advice }) => `${state.padEnd(5)} ${what}${advice === '' ? '' : `\n      ${advice}`}`)
    .join('\n');
}
