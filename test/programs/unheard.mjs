/** Rank 1 never becomes a rank: it does not import tsmpi. Rank 0 sends to it. */

if (process.env.TSMPI_BOOTSTRAP.includes('"worldRank":0')) {
  const { world } = await import('tsmpi');
  world.send(new Float64Array(1), 1).wait();
} else setTimeout(() => {}, 60_000);
