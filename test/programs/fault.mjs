/**
 * A program with one way to end per mode, for tests of verdicts: `fault.mjs MODE [RANK]`. That rank (1 if not named)
 * behaves so; all others stay until they are ended. Uses nothing of tsmpi.
 */

const [mode, culprit = '1'] = process.argv.slice(2);
const rank = Number(process.env.TSMPI_RANK);
if (rank !== Number(culprit)) {
  console.log(`rank ${rank} stays`);
  setInterval(() => {}, 1e6);
} else {
  switch (mode) {
    case 'throw':
      setTimeout(() => {
        throw new Error(`boom of rank ${rank}`, { cause: new Error('the cause') });
      }, 10);
      break;
    case 'reject':
      void Promise.reject(new Error(`rejected by rank ${rank}`));
      break;
    case 'exit':
      process.exit(42);
      break;
    case 'kill':
      process.kill(process.pid, 'SIGSEGV');
      break;
    case 'never':
      await new Promise(() => {});
      break;
    case 'memory': {
      const kept = [];
      for (;;) kept.push(new Array(1e5).fill(kept.length));
    }
    // falls through never: the loop ends with the process
    case 'print': {
      const line = `${'x'.repeat(99)}\n`;
      for (let k = 0; k < 20_000; k++) process.stdout.write(line);
      process.exit(9);
      break;
    }
    default:
      throw new Error(`no such mode: ${mode}`);
  }
}
