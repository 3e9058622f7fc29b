/** RDMA in the addon where there is none: built without headers, loaded without libraries; and the checksum. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { addon, addonPath, missing, named } from './native-addon.ts';

const SOURCES = fileURLToPath(new URL('../../../native/src/', import.meta.url));
const HEADERS = [join(dirname(dirname(process.execPath)), 'include', 'node'), '/usr/include/node'].find((path) =>
  existsSync(join(path, 'node_api.h')),
);
const noCompiler = HEADERS === undefined ? ' (not here: no headers of Node)' : '';

/** An addon of nothing but RDMA. */
const MAIN = `
#include "addon.h"
napi_status addon_export(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function);
  return napi_set_named_property(env, exports, name, function);
}
NAPI_MODULE_INIT() {
  rdma_register(env, exports);
  return exports;
}
`;

/** Run a script in a process of its own, with the addon at that path as `addon`. */
function inProcess(path: string, script: string, environment: Record<string, string>): string {
  const text = `const module = { exports: {} }; process.dlopen(module, ${JSON.stringify(path)}); const addon = module.exports; ${script}`;
  return execFileSync(process.execPath, ['-e', text], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    timeout: 20_000,
  });
}

describe.skipIf(missing !== undefined)(named('rdma without a stack'), () => {
  test('a library that is not there is named, and the rest of the addon works', () => {
    const script =
      'console.log(addon.rdmaProblem()); console.log(addon.rdmaOpen("10.0.0.1", 0, 64, new Int32Array(64), false), addon.rdmaDevices(), addon.threadId() > 0)';
    for (const [variable, word] of [
      ['TSMPI_RDMA_VERBS_LIBRARY', 'libibverbs1'],
      ['TSMPI_RDMA_CM_LIBRARY', 'librdmacm1'],
    ] as const) {
      const [problem, rest] = inProcess(addonPath, script, { [variable]: '/nowhere/lib.so' }).split('\n');
      // Without headers or the first library that is what is said.
      if (!/built without|libibverbs.so.1 does not load/.test(problem!)) {
        expect(problem).toMatch(/^\/nowhere\/lib\.so does not load \(.+\): expected Debian's /);
        expect(problem).toContain(word);
        expect(problem).toContain(variable);
      }
      expect(rest).toBe(`${problem} -38 true`);
    }
  });

  test.skipIf(HEADERS === undefined)(`without the headers the addon is built all the same, and says so${noCompiler}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsmpi-verbs-'));
    try {
      const target = join(folder, 'tsmpi.node');
      // Those files alone: the whole addon takes too long to build here.
      const main = join(folder, 'main.c');
      writeFileSync(main, MAIN);
      const inputs = ['argument.c', 'rdma/rdma.c', 'rdma/verbs.c', 'rdma/port.c'].map((name) => join(SOURCES, name));
      const flags = ['-std=c11', '-D_GNU_SOURCE', '-DNAPI_VERSION=9', '-DTSMPI_NO_VERBS', '-O0', '-fPIC', '-shared'];
      execFileSync('cc', [...flags, `-I${HEADERS}`, `-I${SOURCES}`, '-o', target, main, ...inputs], { timeout: 60_000 });
      const script = 'console.log(addon.rdmaProblem()); try { addon.rdmaOpen() } catch (error) { console.log(error.message) }';
      const [problem, thrown] = inProcess(target, script, {}).split('\n');
      expect(problem).toMatch(/^the addon was built without the headers of libibverbs and librdmacm/);
      expect(thrown).toBe(problem);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('CRC-32C: the check value of RFC 3720, in parts too, at any place and length', () => {
    const digits = new TextEncoder().encode('123456789');
    expect(addon.crc32c(digits, 0, 9, 0) >>> 0).toBe(0xe3069283);
    expect(addon.crc32c(digits, 4, 5, addon.crc32c(digits, 0, 4, 0)) >>> 0).toBe(0xe3069283);
    expect(addon.crc32c(new Uint8Array(32), 0, 32, 0) >>> 0).toBe(0x8a9136aa);
    expect(addon.crc32c(new Uint8Array(32).fill(255), 0, 32, 0) >>> 0).toBe(0x62a8ab43);
    expect(() => addon.crc32c(digits, 4, 6, 0)).toThrow('bytes 4 to 10 lie outside data');
  });
});
