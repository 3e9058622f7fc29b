/**
 * tsmpi doctor: what is missing on this host, what it would bring, and how to mend it. Each check really tries the thing.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem } from 'node:os';
import { loadAddon } from '../native/loader.ts';
import { readHugePages } from './info.ts';

export interface Finding {
  readonly state: 'ok' | 'warn' | 'fail';
  readonly what: string;
  /** What it means and how to mend it; empty when all is well. */
  readonly advice: string;
}

/** Bytes of a segment for 64 ranks, about: what a large job on one host asks for. */
const SEGMENT_BYTES = 48 * 2 ** 20;
/** Descriptors that the agent holds for each rank. */
const DESCRIPTORS_PER_RANK = 6;

/** Examine this host. */
export function examine(): Finding[] {
  return [node(), compiler(), addon(), memory(), singleCopy(), hugePages(), descriptors(), cores()];
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

function compiler(): Finding {
  const name = process.env.CC ?? 'cc';
  try {
    const version = execFileSync(name, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 });
    return ok(`C compiler: ${version.split('\n')[0]}`);
  } catch {
    const advice = 'it builds the native addon; without it ranks are threads: install gcc, or set CC';
    return { state: loadAddon().addon === undefined ? 'warn' : 'ok', what: `no C compiler (${name})`, advice };
  }
}

function addon(): Finding {
  const loaded = loadAddon();
  if (loaded.addon !== undefined) return ok(`native addon: ${loaded.attempts.at(-1)!.path}`);
  const reasons = loaded.attempts.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
  const advice = `ranks run as threads, and long messages take two copies (${reasons}): npm run build:native, or npm rebuild tsmpi`;
  return { state: 'warn', what: 'native addon not loaded', advice };
}

function memory(): Finding {
  const mib = Math.round(SEGMENT_BYTES / 2 ** 20);
  if (freemem() < 2 * SEGMENT_BYTES) {
    return {
      state: 'fail',
      what: `${Math.round(freemem() / 2 ** 20)} MiB of memory are free`,
      advice: `a job of 64 ranks wants ${mib} MiB to share`,
    };
  }
  const native = loadAddon().addon;
  if (native === undefined) return ok(`memory to share: ${mib} MiB can be had`);
  const fd = native.createMemory('tsmpi-doctor', SEGMENT_BYTES);
  if (fd < 0) {
    return {
      state: 'fail',
      what: `memory to share: memfd_create or fallocate failed with errno ${-fd}`,
      advice: 'look at the limits of memory and of file size (ulimit -a)',
    };
  }
  native.close(fd);
  return ok(`memory to share: ${mib} MiB can be had`);
}

function singleCopy(): Finding {
  const native = loadAddon().addon;
  if (native === undefined)
    return { state: 'warn', what: 'single copy (process_vm_readv): not tried without the addon', advice: 'see above' };
  const from = Float64Array.of(Math.PI);
  const to = new Float64Array(64);
  const source = new Float64Array(64).fill(from[0]!);
  const read = native.readMemory(process.pid, native.addressOf(source), to, 0, source.byteLength);
  if (read === source.byteLength && to[63] === Math.PI) return ok('single copy (process_vm_readv) works');
  const advice = 'long messages go through buffers in two copies: allow ptrace within the container (seccomp, CAP_SYS_PTRACE)';
  return { state: 'warn', what: `single copy (process_vm_readv) fails with errno ${-read}`, advice };
}

function hugePages(): Finding {
  const setting = readHugePages();
  if (setting === 'always' || setting === 'madvise') return ok(`transparent huge pages: ${setting}`);
  const advice = 'large messages are two to three times slower: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled';
  return { state: 'warn', what: `transparent huge pages: ${setting}`, advice };
}

function descriptors(): Finding {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readText('/proc/self/limits'))?.[1] ?? Number.NaN);
  if (Number.isNaN(limit)) return ok('open files: no limit is known on this system');
  const ranks = Math.floor((limit - 50) / DESCRIPTORS_PER_RANK);
  if (ranks >= 64) return ok(`open files: ${limit}, enough for ${ranks} ranks`);
  return { state: 'warn', what: `open files: ${limit}, enough for ${ranks} ranks`, advice: 'raise it: ulimit -n 4096' };
}

function cores(): Finding {
  const usable = availableParallelism();
  const [quota, period] = readText('/sys/fs/cgroup/cpu.max').split(/\s+/).map(Number);
  if (quota !== undefined && period !== undefined && quota / period < usable) {
    const share = (quota / period).toFixed(1);
    return {
      state: 'warn',
      what: `${usable} cores, of which the cgroup grants ${share}`,
      advice: 'ranks that spin are throttled: start fewer ranks, or with --wait park',
    };
  }
  return ok(`${usable} of ${cpus().length} cores can be used`);
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Return the findings as text. */
export function formatFindings(findings: readonly Finding[]): string {
  return findings
    .map(({ state, what, advice }) => `${state.padEnd(5)} ${what}${advice === '' ? '' : `\n      ${advice}`}`)
    .join('\n');
}
