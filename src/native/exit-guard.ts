/**
 * The guard of this process's exit: what is left of Node after the last exit handler may come to a standstill
 * (native/src/exit.c has the reason), and then the process ends all the same, with its code.
 *
 * `process.reallyExit` is where process.exit() goes last, which Node reads by that name for those who replace it. A process
 * that ends by itself, when its event loop has nothing left, joins no threads that could wait for it.
 */

import { loadAddon } from './loader.ts';

type Leave = (code?: number) => never;

/** Guard the exit of this process. Without the addon there is no guard. */
export function guardExit(): void {
  const held = process as unknown as { reallyExit: Leave };
  const leave = held.reallyExit;
  held.reallyExit = (code) => {
    loadAddon().addon?.guardExit(Number(code ?? 0) & 255);
    return leave.call(process, code);
  };
}
