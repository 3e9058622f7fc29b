/** Become a subreaper, let a shell leave an orphan behind, reap the orphan. Argument: addon. */

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

const addon = createRequire(import.meta.url)(process.argv[2]);
console.log(`subreaper ${addon.setSubreaper()}`);
// The orphan ends with 7 when its standard input does. (Node would close a pipe of its own at the shell's exit.)
const [read, write] = addon.pipe(false);
const script = 'exec 3<&0; (read line <&3; exit 7) >/dev/null 2>&1 & echo $!';
const shell = spawn('/bin/sh', ['-c', script], { stdio: [read, 'pipe', 'inherit'] });
let orphan = 0;
shell.stdout.on('data', (text) => {
  orphan = Number(text);
});
shell.on('exit', () => {
  console.log(`still running ${addon.reap(orphan)}`);
  addon.close(write);
  const look = () => {
    const outcome = addon.reap(orphan);
    if (outcome === 0) return setImmediate(look);
    console.log(`reaped ${outcome[0] === orphan} ${outcome[1]}`);
    console.log(`afterwards ${addon.reap(orphan)}`);
  };
  look();
});
