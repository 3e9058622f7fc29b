/**
 * Shrink: a smaller program that still fails.
 *
 * The idea: all smaller programs of one step are made at once, those that are not legal are dropped, and the rest is run
 * in one job, which stops at the first that fails: that is the next program to make smaller. Steps go from coarse to
 * fine: halves of the actions, then fewer and fewer; ranks; sizes and manners.
 */

import { type BufferSpec, ELEMENT_SIZES } from './buffer.ts';
import { illegality } from './legal.ts';
import { type Action, type MakeAction, membersOf, type Program, ranksOf } from './program.ts';

/** Runs programs one after another; tells which failed first and how. */
export type Judge = (programs: readonly Program[]) => Promise<{ readonly index: number; readonly message: string } | undefined>;

export interface Shrunk {
  readonly program: Program;
  /** How it fails; undefined when nothing smaller failed. */
  readonly message: string | undefined;
}

/** Programs tried at once. */
const AT_ONCE = 40;

/** Make a failing program smaller, for so long at most. */
export async function shrink(failing: Program, judge: Judge, limitMs: number): Promise<Shrunk> {
  const end = performance.now() + limitMs;
  let program = failing;
  let message: string | undefined;
  for (let hasShrunk = true; hasShrunk; ) {
    hasShrunk = false;
    for (const step of [
      withoutActions(2),
      withoutActions(4),
      withoutRanks,
      withoutActions(8),
      withoutActions(Number.POSITIVE_INFINITY),
      simpler,
    ]) {
      for (;;) {
        const found = await firstFailing(step(program), judge, end);
        if (found === undefined) break;
        ({ program, message } = found);
        hasShrunk = true;
      }
    }
    if (performance.now() > end) break;
  }
  return { program, message };
}

async function firstFailing(candidates: readonly Program[], judge: Judge, end: number) {
  const legal = candidates.filter((program) => illegality(program) === undefined);
  for (let at = 0; at < legal.length; at += AT_ONCE) {
    if (performance.now() > end) return undefined;
    const failure = await judge(legal.slice(at, at + AT_ONCE));
    if (failure !== undefined) return { program: legal[at + failure.index]!, message: failure.message };
  }
  return undefined;
}

/** Actions that go together: both ends of a message, and a communicator with all that happens on it. */
function unitsOf({ actions, streams }: Program): Action[][] {
  const units: Action[][] = [];
  const ends = new Map<string, Action[]>();
  const unitOfComm = new Map<number, Action[]>();
  const counts = new Map<string, number>();
  for (const action of actions) {
    if (action.do === 'complete') {
      units.push([action]);
      continue;
    }
    const stream =
      action.do === 'send' || action.do === 'receive' ? streams.find(({ number }) => number === action.stream)! : undefined;
    const comm = action.do === 'make' ? action.parent : (stream?.comm ?? (action as { comm: number }).comm);
    const unit: Action[] = [action];
    if (stream !== undefined) {
      const counter = `${action.do} ${stream.number}`;
      const index = counts.get(counter) ?? 0;
      counts.set(counter, index + 1);
      const key = `${stream.number} ${index}`;
      const known = ends.get(key);
      if (known !== undefined) {
        known.push(action);
        // The first end put this communicator's unit in charge of both.
        if (unitOfComm.has(comm)) unitOfComm.get(comm)!.push(action);
        continue;
      }
      ends.set(key, unit);
    }
    units.push(unit);
    if (comm !== 0) unitOfComm.get(comm)?.push(action);
    if (action.do === 'make') for (const made of action.made) unitOfComm.set(made, unit);
  }
  return units;
}

/** The program without one of so many stretches of its units. */
function withoutActions(stretches: number): (program: Program) => Program[] {
  return (program) => {
    const units = unitsOf(program);
    const length = Math.max(1, Math.ceil(units.length / stretches));
    const candidates: Program[] = [];
    for (let at = 0; at < units.length; at += length) {
      candidates.push(without(program, new Set(closure(units, units.slice(at, at + length).flat()))));
    }
    return candidates;
  };
}

/** What must go when these go: whatever happens on a communicator that is not made any more. */
function closure(units: readonly Action[][], actions: readonly Action[]): Set<Action> {
  const gone = new Set<Action>(actions);
  for (let size = -1; size !== gone.size; ) {
    size = gone.size;
    for (const unit of units)
      if (gone.has(unit[0]!) || (unit.length > 1 && unit[0]!.do !== 'make' && unit.some((action) => gone.has(action))))
        for (const action of unit) gone.add(action);
  }
  return gone;
}

function without(program: Program, gone: ReadonlySet<Action>): Program {
  return repaired({ ...program, actions: program.actions.filter((action) => !gone.has(action)) });
}

/** Take out what refers to what is not there any more: completions, streams, communicators. */
function repaired(program: Program): Program {
  const { actions, streams } = program;
  const members = membersOf(program);
  const opened = (rank: number, id: number): boolean =>
    actions.some((action) => 'id' in action && action.id === id && ranksOf(action, members, streams).includes(rank));
  const kept = actions
    .map((action) => (action.do === 'complete' ? { ...action, ids: action.ids.filter((id) => opened(action.at, id)) } : action))
    .filter((action) => action.do !== 'complete' || action.ids.length > 0);
  const used = new Set(kept.map((action) => ('stream' in action ? action.stream : -1)));
  return { ...program, actions: kept, streams: streams.filter(({ number }) => used.has(number)) };
}

function withoutRanks(program: Program): Program[] {
  return Array.from({ length: program.size }, (_, k) => withoutRank(program, program.size - 1 - k)).filter(
    (smaller) => smaller.size > 0,
  );
}

/** The program without a rank: its messages go, and its place in all that ranks do together. */
function withoutRank(program: Program, rank: number): Program {
  const lower = (other: number): number => (other > rank ? other - 1 : other);
  const cut = <T>(list: readonly T[]): T[] => list.filter((_, k) => k !== rank);
  const streams = program.streams
    .filter(({ to, from }) => to !== rank && from !== rank)
    .map((stream) => ({ ...stream, to: lower(stream.to), from: stream.from === undefined ? undefined : lower(stream.from) }));
  const alive = new Set(streams.map(({ number }) => number));
  const members = membersOf(program);
  const sizeOf = (comm: number): number => members.get(comm)!.ranks.filter((other) => other !== rank).length;
  // Streams with several senders lose a receive for each message that goes.
  const lost = new Map<number, number>();
  for (const action of program.actions)
    if (action.do === 'send' && action.from === rank) lost.set(action.stream, (lost.get(action.stream) ?? 0) + 1);
  const actions: Action[] = [];
  for (const action of program.actions) {
    switch (action.do) {
      case 'send':
        if (alive.has(action.stream) && action.from !== rank) actions.push({ ...action, from: lower(action.from) });
        break;
      case 'receive': {
        const excess = lost.get(action.stream) ?? 0;
        if (!alive.has(action.stream)) break;
        if (excess > 0) lost.set(action.stream, excess - 1);
        else actions.push({ ...action, source: action.source === undefined ? undefined : lower(action.source) });
        break;
      }
      case 'complete':
      case 'nothing':
        if (action.at !== rank) actions.push({ ...action, at: lower(action.at) });
        break;
      case 'shift': {
        const to = cut(action.to).map((dest) => (dest === rank || dest === null ? null : lower(dest)));
        actions.push({ ...action, to });
        break;
      }
      case 'collective': {
        const others = members.get(action.comm)!.ranks.filter((other) => other !== rank);
        if (others.length === 0) break;
        const root = lower(action.root === rank ? others[0]! : action.root);
        actions.push({ ...action, root, counts: cut(action.counts), matrix: cut(action.matrix).map(cut) });
        break;
      }
      case 'make': {
        const made = action.made.filter((comm) => sizeOf(comm) > 0);
        const dims = action.how === 'cartesian' ? [sizeOf(action.parent)] : action.dims;
        if (sizeOf(action.parent) > 0)
          actions.push({ ...action, made, dims, colors: cut(action.colors), keys: cut(action.keys) });
        break;
      }
      case 'free':
        if (sizeOf(action.comm) > 0) actions.push(action);
        break;
    }
  }
  return repaired({ ...program, size: program.size - 1, streams, actions, lastWay: cut(program.lastWay) });
}

/** The program with one thing plainer; sizes of a stream with several senders go together. */
function simpler(program: Program): Program[] {
  const candidates: Program[] = [];
  const replace = (index: number, action: Action): void => {
    candidates.push({ ...program, actions: program.actions.map((old, k) => (k === index ? action : old)) });
  };
  for (const action of program.actions) if (action.do === 'make') candidates.push(...withoutCommunicator(program, action));
  if (program.lastWay.some((way) => way !== 'wait')) candidates.push({ ...program, lastWay: program.lastWay.map(() => 'wait') });
  for (const { number } of program.streams) for (const scale of SCALES) candidates.push(scaledStream(program, number, scale));
  for (const [index, action] of program.actions.entries()) {
    if (action.do === 'send' && (action.isSynchronous || action.isPersistent))
      replace(index, { ...action, isSynchronous: false, isPersistent: false });
    if (action.do === 'receive' && action.way !== 'recv') replace(index, { ...action, way: 'recv' });
    if (action.do === 'complete' && action.way !== 'wait') replace(index, { ...action, way: 'wait' });
    if (action.do === 'collective') {
      if (action.starts > 0) replace(index, { ...action, starts: action.starts - 1 });
      if (action.form === 'inPlace') replace(index, { ...action, form: 'into' });
      if (action.counts.some((count) => count > 2))
        replace(index, { ...action, counts: action.counts.map((count) => Math.min(count, 2)) });
      if (action.matrix.flat().some((count) => count > 2))
        replace(index, { ...action, matrix: action.matrix.map((row) => row.map((count) => Math.min(count, 2))) });
    }
    if (action.do === 'collective' || action.do === 'shift') {
      for (const scale of SCALES)
        if (action.do === 'shift' || action.form !== 'scalar')
          replace(index, { ...action, buffer: scaled(action.buffer, scale) });
    }
  }
  return candidates.filter((candidate) => JSON.stringify(candidate) !== JSON.stringify(program));
}

/** The program with what happens on a new communicator moved to its parent, where nothing else happens. */
function withoutCommunicator(program: Program, make: MakeAction): Program[] {
  const commOf = (action: Action): number | undefined =>
    'stream' in action
      ? program.streams.find(({ number }) => number === action.stream)!.comm
      : 'comm' in action
        ? action.comm
        : undefined;
  const others = program.actions.filter((action) => action !== make);
  const used = make.made.filter((comm) => others.some((action) => commOf(action) === comm));
  const isParentUsed = others.some(
    (action) => commOf(action) === make.parent || (action.do === 'make' && make.made.includes(action.parent)),
  );
  if (used.length !== 1 || isParentUsed) return [];
  const moved = (comm: number): number => (comm === used[0] ? make.parent : comm);
  const actions = others
    .filter((action) => action.do !== 'free' || action.comm !== used[0])
    .map((action) => ('comm' in action ? { ...action, comm: moved(action.comm) } : action));
  return [{ ...program, actions, streams: program.streams.map((stream) => ({ ...stream, comm: moved(stream.comm) })) }];
}

/** Counts to try, of a buffer of so many elements. */
const SCALES: readonly ((count: number) => number)[] = [
  (count) => Math.min(count, 2),
  (count) => (count >> 2) << 1,
  (count) => (count > 16 ? count - ((count >> 3) << 1) : count),
];

function scaled(buffer: BufferSpec, scale: (count: number) => number): BufferSpec {
  return { ...buffer, count: scale(buffer.count), place: 'alone' };
}

function scaledStream(program: Program, stream: number, scale: (count: number) => number): Program {
  const actions = program.actions.map((action): Action => {
    if (action.do === 'send' && action.stream === stream && action.payload.kind === 'buffer') {
      return { ...action, payload: { kind: 'buffer', buffer: scaled(action.payload.buffer, scale) } };
    }
    if (action.do !== 'receive' || action.stream !== stream || action.into === undefined) return action;
    // Bytes stand for elements of up to 8 bytes.
    const size = ELEMENT_SIZES[action.into.type];
    return { ...action, into: scaled(action.into, (count) => (size === 1 ? count : Math.max(scale(count), count > 0 ? 1 : 0))) };
  });
  return { ...program, actions };
}
