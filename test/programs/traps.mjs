/** Waits for a signal and then exits: `traps.mjs SIGNAL CODE`. Prints `ready PID` first. Uses nothing of tsmpi. */

const [signal, code] = process.argv.slice(2);
process.on(signal, () => {
  console.log(`got ${signal}`);
  process.exit(Number(code));
});
setInterval(() => {}, 1e6);
console.log(`ready ${process.pid}`);
