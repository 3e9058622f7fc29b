/**
 * Finds and loads the native addon, once per thread. Never throws.
 *
 * Order: the file that TSMPI_NATIVE names, and then no other; else native/build/Release/tsmpi.node; else
 * native/prebuilds/<platform>-<arch>[-musl].node. Only a file that is not there counts as absent; every other reason is
 * reported as broken, since it usually means a half-done installation. Nothing is judged here: callers decide whether ranks
 * can do without the addon, and `tsmpi info` prints the attempts.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../base/package-root.ts';
import type { Addon } from './addon.ts';

/** One place that was looked at. `reason`: 'loaded', 'not found', 'switched off', or 'broken: ' and why. */
export interface LoadAttempt {
  readonly path: string;
  readonly reason: string;
}

export interface LoadedAddon {
  readonly addon: Addon | undefined;
  /** In the order tried; the one that loaded comes last. */
  readonly attempts: readonly LoadAttempt[];
}

/** A function of each part of the interface: an addon built from older sources lacks the newest. */
const EXPECTED = [
  ...([
    'createMemory',
    'mapText',
    'mapBytes',
    'map',
    'unmap',
    'open',
    'close',
    'allocate',
    'pipe',
    'createEpoll',
    'park',
    'ring',
    'drain',
  ] as const),
  ...([
    'startWatch',
    'refWatch',
    'stopWatch',
    'yield',
    'addressOf',
    'copy',
    'copyBlocks',
    'readMemory',
    'writeMemory',
    'setPtracer',
    'reduce',
  ] as const),
  ...([
    'listenTcp',
    'acceptTcp',
    'connectTcp',
    'connectOutcome',
    'keepAlive',
    'send',
    'sendTwo',
    'receive',
    'shutdownSend',
  ] as const),
  ...(['unacknowledged', 'unansweredMs', 'socketAddress', 'watchDescriptor', 'listReady', 'createTimer', 'setTimer'] as const),
  ...(['getAffinity', 'setAffinity', 'startLifeline', 'stopLifeline', 'guardExit', 'setSubreaper', 'reap', 'threadId'] as const),
  ...(['startMates', 'stopMates', 'endMates'] as const),
  ...(['rdmaProblem', 'rdmaOpen', 'rdmaPoll', 'rdmaPostSend', 'rdmaNextEvent', 'rdmaRegister', 'crc32c'] as const),
  ...(['referencePingPong', 'referencePipeline', 'referenceAllreduce'] as const),
] satisfies readonly (keyof Addon)[];

let loaded: LoadedAddon | undefined;

/** Return the addon, or the reasons why there is none. */
export function loadAddon(): LoadedAddon {
  loaded ??= tryAll();
  return loaded;
}

function tryAll(): LoadedAddon {
  const named = process.env.TSMPI_NATIVE;
  if (named === 'off') return { addon: undefined, attempts: [{ path: 'TSMPI_NATIVE=off', reason: 'switched off' }] };
  const attempts: LoadAttempt[] = [];
  for (const path of named ? [named] : candidates()) {
    const result = tryOne(path);
    const addon = typeof result === 'string' ? undefined : result;
    attempts.push({ path, reason: typeof result === 'string' ? result : 'loaded' });
    if (addon !== undefined) return { addon, attempts };
  }
  return { addon: undefined, attempts };
}

/** The places of an addon of this package; the second is made up only when the first held none. */
function* candidates(): Generator<string> {
  const root = packageRoot();
  if (root === undefined) return;
  yield join(root, 'native', 'build', 'Release', 'tsmpi.node');
  const prebuild = join(root, 'native', 'prebuilds', `${process.platform}-${process.arch}`);
  const isMusl = process.platform === 'linux' && usesMusl();
  yield `${prebuild}${isMusl ? '-musl' : ''}.node`;
}

/** Return the addon, or why it is none. */
function tryOne(path: string): Addon | string {
  try {
    if (!existsSync(path)) return 'not found';
    const module: { exports: Partial<Addon> } = { exports: {} };
    process.dlopen(module, path);
    const missing = EXPECTED.filter((name) => typeof module.exports[name] !== 'function');
    if (missing.length > 0) return `broken: it lacks ${missing.join(', ')}`;
    return module.exports as Addon;
  } catch (error) {
    return `broken: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
  }
}

/** The loader of the C library that this process runs on is mapped into it. (process.report says it too, in 4 ms instead of 0.2.) */
function usesMusl(): boolean {
  try {
    return readFileSync('/proc/self/maps', 'latin1').includes('/ld-musl-');
  } catch {
    return false;
  }
}
