/**
 * Ranks that wait for each other in ways that cannot end well: `wait.mjs MODE [HOW]`, HOW `wait` or `await`. Rank 1 is the
 * odd one; the others wait for it, or compute. In the modes `foreign` and `vanish` it ends when its input does.
 */

const [mode, how = 'wait'] = process.argv.slice(2);
const isOdd = process.env.TSMPI_RANK === '1';

if (isOdd && (mode === 'foreign' || mode === 'vanish')) for await (const _ of process.stdin);
if (mode === 'foreign' && isOdd) {
  console.log('rank 1 uses no tsmpi');
} else {
  const { abort, world } = await import('tsmpi');
  const receive = async () => {
    const request = world.recv(new Float64Array(1), 1, 7);
    console.log(`ready ${process.pid}`);
    if (how === 'wait') request.wait();
    else await request;
  };
  // A rank that still starts is not seen to wait.
  if (mode === 'leave') await world.barrier();
  if (!isOdd) await receive();
  else if (mode === 'hold') await world.recv(new Float64Array(1), 0, 7);
  else if (mode === 'abort') abort(77, 'out of cheese');
  else if (mode === 'abort-zero') abort(0);
  else if (mode === 'vanish') process.reallyExit(0);
  else if (mode === 'compute') {
    await world.send(new Float64Array(1), 1, 9);
    console.log(`ready ${process.pid}`);
    for (;;);
  } else if (mode === 'throw') {
    // After the others wait: their ends must not be taken for the cause.
    setTimeout(() => {
      throw new TypeError('rank 1 fell over');
    }, 300);
  } else if (mode !== 'leave' && mode !== 'foreign') throw new Error(`no such mode: ${mode}`);
}
