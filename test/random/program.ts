/**
 * Program: a random program as data, one global list of actions in an order in which they could happen one by one.
 *
 * The idea: each rank performs the actions that it takes part in, in the order of the list. Everything but `make`, `free`
 * and probing receives is posted without waiting; a `complete` of a rank waits only for what stands before it on the ranks
 * that matter (legal.ts). So the rank that stands furthest behind can always go on, and no program can hang.
 *
 * Ranks are those of the program, 0 to size - 1, never those of a communicator; arrays by rank hold an entry for each
 * rank of the program. So a rank can be taken out of a program (shrink.ts) without renaming anything else.
 */

import type { BufferSpec } from './buffer.ts';

/** A communicator's number; 0 is the one that the program is given. */
export type CommNumber = number;

/** What travels: elements in a buffer, a number or bigint, or any value made of a seed. */
export type Payload =
  | { readonly kind: 'buffer'; readonly buffer: BufferSpec }
  | { readonly kind: 'scalar'; readonly type: 'f64' | 'i64'; readonly seed: number }
  | { readonly kind: 'object'; readonly seed: number; readonly size: number };

/**
 * Messages of one communicator and receiver that compete for the same receives. Patterns of different streams never
 * match each other's messages, so the k-th receive of a stream with one sender gets the k-th message, and those of a
 * stream with several senders get all of them, each sender's in the order sent.
 */
export interface Stream {
  readonly number: number;
  readonly comm: CommNumber;
  readonly to: number;
  /** The only sender, or undefined. */
  readonly from: number | undefined;
}

export interface SendAction {
  readonly do: 'send';
  readonly id: number;
  readonly stream: number;
  readonly from: number;
  readonly tag: number;
  readonly payload: Payload;
  readonly isSynchronous: boolean;
  readonly isPersistent: boolean;
}

/** How a receive is called. Probes wait until a message is there: the others are only posted. */
export type ReceiveWay = 'recv' | 'recvInit' | 'probe' | 'mprobe' | 'tryProbe' | 'tryMprobe';

export interface ReceiveAction {
  readonly do: 'receive';
  readonly id: number;
  readonly stream: number;
  /** undefined: ANY_SOURCE, ANY_TAG. */
  readonly source: number | undefined;
  readonly tag: number | undefined;
  readonly way: ReceiveWay;
  /** undefined: an object is received. */
  readonly into: BufferSpec | undefined;
}

/** Every rank of a communicator sends to one and receives from one, or from nobody. */
export interface ShiftAction {
  readonly do: 'shift';
  readonly id: number;
  readonly comm: CommNumber;
  /** By rank: whom it sends to; null: PROC_NULL. No two to the same. */
  readonly to: readonly (number | null)[];
  readonly tag: number;
  readonly buffer: BufferSpec;
  readonly isReplacing: boolean;
}

/** A receive that nothing matches, cancelled when it is completed; or a call with PROC_NULL. */
export interface NothingAction {
  readonly do: 'nothing';
  readonly id: number;
  readonly comm: CommNumber;
  readonly at: number;
  readonly call: 'cancel' | 'sendNull' | 'recvNull';
  readonly tag: number;
  readonly buffer: BufferSpec;
}

export const REDUCTIONS = ['reduce', 'allreduce', 'scan', 'exscan', 'reduceScatterBlock', 'reduceScatter'] as const;
export const OBJECT_CALLS = [
  'bcastObject',
  'gatherObject',
  'allgatherObject',
  'scatterObject',
  'alltoallObject',
  'reduceObject',
  'allreduceObject',
] as const;
export const NEIGHBOR_CALLS = ['neighborAllgather', 'neighborAlltoall', 'neighborAllgatherv', 'neighborAlltoallv'] as const;
export const PLAIN_CALLS = [
  'barrier',
  'bcast',
  'gather',
  'gatherv',
  'scatter',
  'scatterv',
  'allgather',
  'allgatherv',
  'alltoall',
  'alltoallv',
] as const;

export type Reduction = (typeof REDUCTIONS)[number];
export type CollectiveCall =
  | Reduction
  | (typeof OBJECT_CALLS)[number]
  | (typeof NEIGHBOR_CALLS)[number]
  | (typeof PLAIN_CALLS)[number];

/** Operators; the last three are made by createOp, and only userSum of them is commutative. */
export type OperatorName =
  | ('SUM' | 'PROD' | 'MIN' | 'MAX' | 'LAND' | 'LOR' | 'LXOR' | 'BAND' | 'BOR' | 'BXOR' | 'MINLOC' | 'MAXLOC')
  | ('userSum' | 'first' | 'affine');

/** Where the result of a collective goes: a fresh array, one given, the data's own; or data is a number. */
export type Form = 'fresh' | 'into' | 'inPlace' | 'scalar';

export interface CollectiveAction {
  readonly do: 'collective';
  readonly id: number;
  readonly comm: CommNumber;
  readonly call: CollectiveCall;
  readonly form: Form;
  readonly root: number;
  /** Its seed, and the elements of one rank where all give the same. */
  readonly buffer: BufferSpec;
  /** By rank, for calls whose counts differ. */
  readonly counts: readonly number[];
  /** By sender, then receiver; symmetric, so that it serves in place too. */
  readonly matrix: readonly (readonly number[])[];
  readonly op: OperatorName;
  /** 0: the plain call; else it is set up once and started so many times, each start awaited. */
  readonly starts: number;
}

/** A communicator for each group that `parent` is divided into. */
export interface MakeAction {
  readonly do: 'make';
  readonly parent: CommNumber;
  readonly how: 'dup' | 'split' | 'create' | 'splitShared' | 'cartesian';
  /** Numbers of the communicators, by color in ascending order. */
  readonly made: readonly CommNumber[];
  /** By rank; null: in none. */
  readonly colors: readonly (number | null)[];
  readonly keys: readonly number[];
  readonly dims: readonly number[];
  readonly periodic: readonly boolean[];
}

export interface FreeAction {
  readonly do: 'free';
  readonly comm: CommNumber;
}

export const COMPLETION_WAYS = [
  ...['wait', 'waitAll', 'waitAny', 'waitSome', 'test', 'testAll', 'testAny', 'testSome'],
  ...['await', 'whenAll', 'whenAny', 'whenSome', 'promiseAll'],
] as const;
export type CompletionWay = (typeof COMPLETION_WAYS)[number];

/** One rank completes operations of its own. */
export interface CompleteAction {
  readonly do: 'complete';
  readonly at: number;
  readonly ids: readonly number[];
  readonly way: CompletionWay;
}

export type Action =
  | SendAction
  | ReceiveAction
  | ShiftAction
  | NothingAction
  | CollectiveAction
  | MakeAction
  | FreeAction
  | CompleteAction;

export interface Program {
  readonly seed: number;
  readonly size: number;
  readonly streams: readonly Stream[];
  readonly actions: readonly Action[];
  /** How each rank completes what is open at the end. */
  readonly lastWay: readonly CompletionWay[];
}

/** A communicator as a program knows it: its ranks in order, its grid if it has one. */
export interface Members {
  readonly ranks: readonly number[];
  readonly grid: { readonly dims: readonly number[]; readonly periodic: readonly boolean[] } | undefined;
}

/** Return the members of communicators that an action makes, in the order of `made`. */
export function membersMade(action: MakeAction, parent: Members): Members[] {
  const colorOf = (rank: number): number | null => (action.how === 'split' || action.how === 'create' ? action.colors[rank]! : 0);
  const isOrdered = action.how === 'split' || action.how === 'create' || action.how === 'splitShared';
  const colors = [...new Set(parent.ranks.map(colorOf))].filter((color) => color !== null).sort((a, b) => a - b);
  return colors.map((color) => {
    const ranks = parent.ranks.filter((rank) => colorOf(rank) === color);
    if (isOrdered) ranks.sort((a, b) => action.keys[a]! - action.keys[b]! || parent.ranks.indexOf(a) - parent.ranks.indexOf(b));
    const grid = action.how === 'cartesian' ? { dims: action.dims, periodic: action.periodic } : undefined;
    return { ranks, grid: action.how === 'dup' ? parent.grid : grid };
  });
}

/** Return the members of every communicator of a program, by number. */
export function membersOf({ size, actions }: Pick<Program, 'size' | 'actions'>): Map<CommNumber, Members> {
  const members = new Map<CommNumber, Members>([
    [0, { ranks: Array.from({ length: size }, (_, rank) => rank), grid: undefined }],
  ]);
  for (const action of actions) {
    if (action.do !== 'make') continue;
    const parent = members.get(action.parent);
    if (parent === undefined) continue;
    for (const [k, made] of membersMade(action, parent).entries()) members.set(action.made[k]!, made);
  }
  return members;
}

/** Return the ranks that take part in an action; a message's two ends are two actions. */
export function ranksOf(
  action: Action,
  members: ReadonlyMap<CommNumber, Members>,
  streams: readonly Stream[],
): readonly number[] {
  switch (action.do) {
    case 'send':
      return [action.from];
    case 'receive':
      return [streams.find(({ number }) => number === action.stream)!.to];
    case 'nothing':
    case 'complete':
      return [action.at];
    case 'make':
      return members.get(action.parent)?.ranks ?? [];
    default:
      return members.get(action.comm)?.ranks ?? [];
  }
}
