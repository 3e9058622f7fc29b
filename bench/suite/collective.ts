/**
 * The collectives of the suite: for each its buffers, the call, its persistent form, and what must come out.
 *
 * Sizes are OSU's: bytes that one rank gives to one other, of a reduction its whole vector (int32). Rooted ones take
 * another root at each call unless it is fixed; their persistent forms are set up once for each root.
 */

import { type Communicator, type Graph, type Persistent, type Request, SUM } from 'tsmpi';
import type { ProgramEntry } from '../catalogue.ts';
import { collectiveOf } from '../catalogue.ts';
import type { Settings } from '../records.ts';
import { share } from './share.ts';

/** One collective of this rank, with its buffers. */
export interface Collective {
  /** Post call k. */
  post(k: number): Request<unknown>;
  /** Throw unless the last call left what it should. */
  verify(): void;
}

/** Calls of a collective: `post` at any root, and what sets it up for a root. */
interface Calls {
  post(root: number): Request<unknown>;
  init(root: number): Persistent<unknown>;
  /** What must lie in `into` on every rank after calls with every root; undefined: it depends on the root. */
  readonly result?: { readonly into: ArrayLike<number>; readonly first: number; readonly last: number };
}

type Maker = (comm: Communicator, size: number) => Calls | Promise<Calls>;

const bytes = (length: number, fill: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(fill);
const ints = (size: number, fill: number): Int32Array<ArrayBuffer> => new Int32Array(Math.max(1, size >> 2)).fill(fill);
const evenly = (ranks: number, count: number): Int32Array => new Int32Array(ranks).fill(count);
const byteOf = (rank: number): number => (rank + 1) & 255;

/** Result of collectives in which each rank gives a block to all: blocks in the order of ranks. */
const blocks = (into: Uint8Array, ranks: number): Calls['result'] & object => ({
  into,
  first: byteOf(0),
  last: byteOf(ranks - 1),
});

const MAKERS: Readonly<Record<string, Maker>> = {
  barrier: (comm) => ({ post: () => comm.barrier(), init: () => comm.barrierInit() }),
  bcast: (comm, size) => {
    const data = bytes(size, 7);
    return {
      post: (root) => comm.bcast(data, root),
      init: (root) => comm.bcastInit(data, root),
      result: { into: data, first: 7, last: 7 },
    };
  },
  reduce: (comm, size) => {
    const [data, into] = [ints(size, comm.rank), ints(size, 0)];
    return { post: (root) => comm.reduce(data, into, SUM, root), init: (root) => comm.reduceInit(data, into, SUM, root) };
  },
  allreduce: (comm, size) => {
    const [data, into, sum] = [ints(size, comm.rank), ints(size, 0), (comm.size * (comm.size - 1)) / 2];
    return {
      post: () => comm.allreduce(data, into, SUM),
      init: () => comm.allreduceInit(data, into, SUM),
      result: { into, first: sum, last: sum },
    };
  },
  scan: (comm, size) => {
    const [data, into, sum] = [ints(size, comm.rank), ints(size, 0), (comm.rank * (comm.rank + 1)) / 2];
    return {
      post: () => comm.scan(data, into, SUM),
      init: () => comm.scanInit(data, into, SUM),
      result: { into, first: sum, last: sum },
    };
  },
  exscan: (comm, size) => {
    const [data, into, sum] = [ints(size, comm.rank), ints(size, 0), (comm.rank * (comm.rank - 1)) / 2];
    return {
      post: () => comm.exscan(data, into, SUM),
      init: () => comm.exscanInit(data, into, SUM),
      result: { into, first: sum, last: sum },
    };
  },
  reduce_scatter: (comm, size) => {
    const data = ints(size, comm.rank);
    const counts = Int32Array.from({ length: comm.size }, (_, k) => share(data.length, comm.size, k));
    const into = new Int32Array(counts[comm.rank]!);
    const sum = (comm.size * (comm.size - 1)) / 2;
    return {
      post: () => comm.reduceScatter(data, into, counts, SUM),
      init: () => comm.reduceScatterInit(data, into, counts, SUM),
      result: { into, first: sum, last: sum },
    };
  },
  reduce_scatter_block: (comm, size) => {
    const length = Math.max(1, Math.floor((size >> 2) / comm.size));
    const [data, into] = [new Int32Array(length * comm.size).fill(comm.rank), new Int32Array(length)];
    const sum = (comm.size * (comm.size - 1)) / 2;
    return {
      post: () => comm.reduceScatterBlock(data, into, SUM),
      init: () => comm.reduceScatterBlockInit(data, into, SUM),
      result: { into, first: sum, last: sum },
    };
  },
  gather: (comm, size) => {
    const [data, into] = [bytes(size, byteOf(comm.rank)), bytes(size * comm.size, 0)];
    return { post: (root) => comm.gather(data, into, root), init: (root) => comm.gatherInit(data, into, root) };
  },
  gatherv: (comm, size) => {
    const data = bytes(size, byteOf(comm.rank));
    const into = { data: bytes(size * comm.size, 0), counts: evenly(comm.size, size) };
    return { post: (root) => comm.gatherv(data, into, root), init: (root) => comm.gathervInit(data, into, root) };
  },
  scatter: (comm, size) => {
    const [data, into] = [bytes(size * comm.size, 7), bytes(size, 0)];
    return {
      post: (root) => comm.scatter(data, into, root),
      init: (root) => comm.scatterInit(data, into, root),
      result: { into, first: 7, last: 7 },
    };
  },
  scatterv: (comm, size) => {
    const data = { data: bytes(size * comm.size, 7), counts: evenly(comm.size, size) };
    const into = bytes(size, 0);
    return {
      post: (root) => comm.scatterv(data, into, root),
      init: (root) => comm.scattervInit(data, into, root),
      result: { into, first: 7, last: 7 },
    };
  },
  allgather: (comm, size) => {
    const [data, into] = [bytes(size, byteOf(comm.rank)), bytes(size * comm.size, 0)];
    return {
      post: () => comm.allgather(data, into),
      init: () => comm.allgatherInit(data, into),
      result: blocks(into, comm.size),
    };
  },
  allgatherv: (comm, size) => {
    const data = bytes(size, byteOf(comm.rank));
    const into = { data: bytes(size * comm.size, 0), counts: evenly(comm.size, size) };
    return {
      post: () => comm.allgatherv(data, into),
      init: () => comm.allgathervInit(data, into),
      result: blocks(into.data, comm.size),
    };
  },
  alltoall: (comm, size) => {
    const [data, into] = [bytes(size * comm.size, byteOf(comm.rank)), bytes(size * comm.size, 0)];
    return { post: () => comm.alltoall(data, into), init: () => comm.alltoallInit(data, into), result: blocks(into, comm.size) };
  },
  alltoallv: (comm, size) => {
    const counts = evenly(comm.size, size);
    const data = { data: bytes(size * comm.size, byteOf(comm.rank)), counts };
    const into = { data: bytes(size * comm.size, 0), counts };
    return {
      post: () => comm.alltoallv(data, into),
      init: () => comm.alltoallvInit(data, into),
      result: blocks(into.data, comm.size),
    };
  },
  alltoallw: (comm, size) => {
    const data = Array.from({ length: comm.size }, () => bytes(size, byteOf(comm.rank)));
    const into = bytes(size * comm.size, 0);
    const parts = data.map((_, k) => into.subarray(k * size, (k + 1) * size));
    return {
      post: () => comm.alltoallw(data, parts),
      init: () => comm.alltoallwInit(data, parts),
      result: blocks(into, comm.size),
    };
  },
  neighbor_allgather: onRing((ring, { one, into }) => ({
    post: () => ring.neighborAllgather(one, into),
    init: () => ring.neighborAllgatherInit(one, into),
  })),
  neighbor_allgatherv: onRing((ring, { one, into, counts }) => ({
    post: () => ring.neighborAllgatherv(one, { data: into, counts }),
    init: () => ring.neighborAllgathervInit(one, { data: into, counts }),
  })),
  neighbor_alltoall: onRing((ring, { each, into }) => ({
    post: () => ring.neighborAlltoall(each, into),
    init: () => ring.neighborAlltoallInit(each, into),
  })),
  neighbor_alltoallv: onRing((ring, { each, into, counts }) => ({
    post: () => ring.neighborAlltoallv({ data: each, counts }, { data: into, counts }),
    init: () => ring.neighborAlltoallvInit({ data: each, counts }, { data: into, counts }),
  })),
  neighbor_alltoallw: onRing((ring, { each, into }) => ({
    post: () => ring.neighborAlltoallw(halves(each), halves(into)),
    init: () => ring.neighborAlltoallwInit(halves(each), halves(into)),
  })),
};

interface RingBuffers {
  readonly one: Uint8Array<ArrayBuffer>;
  readonly each: Uint8Array<ArrayBuffer>;
  readonly into: Uint8Array<ArrayBuffer>;
  readonly counts: Int32Array;
}

const halves = (data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] => [
  data.subarray(0, data.length / 2),
  data.subarray(data.length / 2),
];

/** Neighbours in a ring: the rank below and the one above. */
function onRing(calls: (ring: Graph, buffers: RingBuffers) => Omit<Calls, 'result'>): Maker {
  return async (comm, size) => {
    const neighbours = [(comm.rank + comm.size - 1) % comm.size, (comm.rank + 1) % comm.size];
    const ring = await comm.graph(neighbours, neighbours);
    const into = bytes(2 * size, 0);
    const fill = byteOf(comm.rank);
    const made = calls(ring, { one: bytes(size, fill), each: bytes(2 * size, fill), into, counts: evenly(2, size) });
    return { ...made, result: { into, first: byteOf(neighbours[0]!), last: byteOf(neighbours[1]!) } };
  };
}

/** Return the collective that a program times, with buffers of that size. All ranks call this. */
export async function createCollective(
  comm: Communicator,
  entry: ProgramEntry,
  settings: Settings,
  size: number,
): Promise<Collective> {
  const { name, form } = collectiveOf(entry.name)!;
  const calls = await MAKERS[name]!(comm, size);
  const roots = entry.isRooted && settings.isRootRotating ? comm.size : 1;
  const verify = (): void => verifyResult(entry.name, calls.result);
  if (form === 'persistent') {
    const operations = Array.from({ length: roots }, (_, root) => calls.init(root));
    return { post: (k) => operations[k % roots]!.start(), verify };
  }
  return { post: (k) => calls.post(k % roots), verify };
}

function verifyResult(name: string, result: Calls['result']): void {
  if (result === undefined || result.into.length === 0) return;
  const { into, first, last } = result;
  const [head, tail] = [into[0], into[into.length - 1]];
  if (head !== first || tail !== last) throw new Error(`${name} left ${head} … ${tail}: expected ${first} … ${last}`);
}
