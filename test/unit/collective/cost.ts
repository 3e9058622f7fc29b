/** What the headers say under Cost: messages and bytes of all ranks together, at most, for p ranks on h hosts and n bytes. */

type Cost = (p: number, n: number, h: number) => { messages: number; bytes: number };

const rounds = (p: number): number => Math.ceil(Math.log2(p));
const below = (p: number): number => 2 ** Math.floor(Math.log2(p));
const whole =
  (messages: (p: number) => number): Cost =>
  (p, n) => ({ messages: messages(p), bytes: messages(p) * n });
const none: Cost = () => ({ messages: 0, bytes: 0 });

export const COSTS: Record<string, Record<string, Cost>> = {
  barrier: {
    dissemination: (p) => ({ messages: p * rounds(p), bytes: 0 }),
    tree: (p) => ({ messages: 2 * (p - 1), bytes: 0 }),
    'two-level': (p, _, h) => ({ messages: 2 * (p - h) + h * rounds(h), bytes: 0 }),
    'shared-counter': none,
    'shared-flags': none,
  },
  bcast: {
    binomial: whole((p) => p - 1),
    'scatter-allgather': (p, n) => ({
      messages: (p - 1) * (p + 1),
      bytes: (n * rounds(p)) / 2 + (p - 1) * n + 8 * p * rounds(p),
    }),
    'two-level': whole((p) => p - 1),
    'pipelined-chain': (p, n) => ({ messages: (p - 1) * Math.ceil(n / 131072), bytes: (p - 1) * n }),
    'shared-counter': none,
  },
  reduce: {
    binomial: whole((p) => p),
    'two-level': whole((p) => p + 1),
    linear: whole((p) => p - 1),
    rabenseifner: (p, n) => {
      const q = below(p);
      return { messages: p - q + q * Math.log2(q) + q - 1, bytes: (p - q) * n + 2 * (q - 1) * n };
    },
    'shared-counter': none,
  },
  allreduce: {
    'recursive-doubling': whole((p) => below(p) * Math.log2(below(p)) + 2 * (p - below(p))),
    'reduce-bcast': whole((p) => 2 * (p - 1)),
    rabenseifner: (p, n) => {
      const q = below(p);
      return { messages: 2 * q * Math.log2(q) + 2 * (p - q), bytes: 2 * (q - 1) * n + 2 * (p - q) * n };
    },
    ring: (p, n) => ({ messages: 2 * p * (p - 1), bytes: 2 * (p - 1) * n }),
    'two-level': (p, n, h) => {
      const r = below(h);
      const others = 2 * (p - h) + 2 * (h - r);
      return { messages: others + 2 * r * Math.log2(r), bytes: (others + r * Math.log2(r)) * n };
    },
    'shared-counter': none,
    'shared-flags': none,
    'shared-pieces': (p) => ({ messages: 3 * (p - 1), bytes: 16 * (p - 1) }),
  },
  gather: {
    linear: whole((p) => p - 1),
    binomial: (p, n) => ({ messages: p - 1, bytes: (rounds(p) * p * n) / 2 }),
    'shared-counter': none,
  },
  gatherv: {
    linear: (p, n) => ({ messages: p - 1, bytes: n }),
  },
  scatter: {
    linear: whole((p) => p - 1),
    binomial: (p, n) => ({ messages: p - 1, bytes: (rounds(p) * p * n) / 2 }),
    'shared-counter': none,
  },
  allgather: {
    'recursive-doubling': (p, n) => ({ messages: p * rounds(p), bytes: p * (p - 1) * n }),
    ring: whole((p) => p * (p - 1)),
    bruck: (p, n) => ({ messages: p * rounds(p), bytes: p * (p - 1) * n }),
    'shared-counter': none,
  },
  alltoall: {
    spread: whole((p) => p * (p - 1)),
    pairwise: whole((p) => p * (p - 1)),
    bruck: (p, n) => ({ messages: p * rounds(p), bytes: p * rounds(p) * Math.ceil(p / 2) * n }),
    'shared-counter': none,
  },
  scatterv: {
    linear: (p, n) => ({ messages: p - 1, bytes: n }),
  },
  allgatherv: {
    linear: (p, n) => ({ messages: p * (p - 1), bytes: (p - 1) * n }),
    ring: (p, n) => ({ messages: p * (p - 1), bytes: (p - 1) * n }),
  },
  alltoallv: {
    spread: (p, n) => ({ messages: p * (p - 1), bytes: p * n }),
    pairwise: (p, n) => ({ messages: p * (p - 1), bytes: p * n }),
  },
  reduceScatter: {
    'recursive-halving': (p, n) => {
      const q = below(p);
      return { messages: q * Math.log2(q) + 2 * (p - q), bytes: q * Math.log2(q) * n + 2 * (p - q) * n };
    },
    pairwise: (p, n) => ({ messages: p * (p - 1), bytes: (p - 1) * n }),
    'reduce-scatterv': (p, n) => ({ messages: 2 * (p - 1), bytes: p * n }),
  },
  scan: {
    'recursive-doubling': whole((p) => p * rounds(p)),
    linear: whole((p) => p - 1),
  },
  exscan: {
    'recursive-doubling': whole((p) => p * rounds(p)),
    linear: whole((p) => p - 1),
  },
};
