/** Builds the interposer and the program that breaks its rules, with the C compiler, into a folder that the guest sees too. */

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('.', import.meta.url));
const FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-O1', '-g', '-Wall', '-Wextra', '-Werror'];
const COMPILE_MS = 60_000;

/** Build the library into that folder; return its path, which goes where the real libraries' do. */
export function buildInterposer(folder: string): string {
  const library = join(folder, 'libinterposer.so');
  const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'));
  compile(['-shared', '-fPIC', '-o', library, ...sources.map((name) => join(SOURCES, name)), '-ldl']);
  return library;
}

/** Build the program that is linked to the interposer at that path; return its path. */
export function buildBreakRules(folder: string, library: string): string {
  const program = join(folder, 'break-rules');
  compile(['-o', program, join(SOURCES, 'programs', 'break-rules.c'), library, `-Wl,-rpath,${folder}`, '-lpthread']);
  return program;
}

function compile(args: readonly string[]): void {
  execFileSync('cc', [...FLAGS, ...args], { stdio: ['ignore', 'inherit', 'inherit'], timeout: COMPILE_MS });
}
