/**
 * Legality: whether a program is one that must run to its end, and why not.
 *
 * The idea: one walk over the global list that counts, for each stream, the messages sent and the receives posted so far.
 * Whoever waits may count only on what stands before. It knows nothing of how programs are generated, so that it
 * judges shrunk ones as well.
 */

import { ELEMENT_SIZES } from './buffer.ts';
import { membersOf, type Payload, type Program, type ReceiveAction, ranksOf, type SendAction } from './program.ts';

/** Return what is wrong with a program, or undefined when it is legal. */
export function illegality(program: Program): string | undefined {
  const { actions, streams } = program;
  const members = membersOf(program);
  const sendsOf = new Map(
    streams.map(({ number }) => [number, actions.filter((a): a is SendAction => a.do === 'send' && a.stream === number)]),
  );
  const receivesOf = new Map(
    streams.map(({ number }) => [number, actions.filter((a): a is ReceiveAction => a.do === 'receive' && a.stream === number)]),
  );
  const alive = new Set([0]);
  const sent = new Map<number, number>();
  const posted = new Map<number, number>();
  /** Open operations by rank: communicator, and whether it can end by now. */
  const open = Array.from({ length: program.size }, () => new Map<number, { comm: number; isReady: () => boolean }>());
  const add = (map: Map<number, number>, key: number): number => {
    const before = map.get(key) ?? 0;
    map.set(key, before + 1);
    return before;
  };

  for (const { number, comm, from, to } of streams) {
    const ranks = members.get(comm)?.ranks ?? [];
    const [sends, receives] = [sendsOf.get(number)!, receivesOf.get(number)!];
    if (sends.length !== receives.length) return `stream ${number} has ${sends.length} messages and ${receives.length} receives`;
    if (sends.length === 0) continue;
    if (!ranks.includes(to)) return `stream ${number} ends outside its communicator`;
    if (sends.some((send) => !ranks.includes(send.from) || (from ?? send.from) !== send.from))
      return `stream ${number} has a stranger's message`;
    for (const [k, receive] of receives.entries()) {
      const possible = from === undefined ? sends : [sends[k]!];
      if (!possible.every((send) => fits(send.payload, receive))) return `receive ${receive.id} does not take its message`;
      if (!possible.every(({ tag }) => tag === (receive.tag ?? tag)))
        return `receive ${receive.id} has another tag than its message`;
      if (from === undefined ? receive.source !== undefined : receive.source !== undefined && receive.source !== from) {
        return `receive ${receive.id} has another source than its message`;
      }
    }
  }

  for (const action of actions) {
    const comm =
      action.do === 'send' || action.do === 'receive'
        ? streams.find(({ number }) => number === action.stream)!.comm
        : action.do === 'make'
          ? action.parent
          : action.do === 'complete'
            ? undefined
            : action.comm;
    if (comm !== undefined && !alive.has(comm)) return `an action uses communicator ${comm}, which is not there`;
    switch (action.do) {
      case 'make':
        for (const made of action.made) alive.add(made);
        break;
      case 'free':
        if (open.some((ops) => [...ops.values()].some((op) => op.comm === action.comm)))
          return `communicator ${action.comm} is freed while in use`;
        alive.delete(action.comm);
        break;
      case 'send': {
        const stream = streams.find(({ number }) => number === action.stream)!;
        const index = add(sent, stream.number);
        const all = sendsOf.get(stream.number)!.length;
        const isReady = (): boolean => (posted.get(stream.number) ?? 0) > (stream.from === undefined ? all - 1 : index);
        open[action.from]!.set(action.id, { comm: stream.comm, isReady });
        break;
      }
      case 'receive': {
        const stream = streams.find(({ number }) => number === action.stream)!;
        const index = add(posted, stream.number);
        const isReady = (): boolean => (sent.get(stream.number) ?? 0) > index;
        if (action.way !== 'recv' && action.way !== 'recvInit' && !isReady())
          return `probe ${action.id} waits for a message that is sent later`;
        open[stream.to]!.set(action.id, { comm: stream.comm, isReady });
        break;
      }
      case 'complete':
        for (const id of action.ids) {
          const operation = open[action.at]!.get(id);
          if (operation === undefined) return `rank ${action.at} completes ${id}, which it has not open`;
          if (!operation.isReady()) return `rank ${action.at} waits for ${id}, which needs what comes later`;
          open[action.at]!.delete(id);
        }
        break;
      case 'nothing':
        if (!members.get(action.comm)!.ranks.includes(action.at))
          return `rank ${action.at} is not in communicator ${action.comm}`;
        open[action.at]!.set(action.id, { comm: action.comm, isReady: () => true });
        break;
      case 'collective':
        if (!members.get(action.comm)!.ranks.includes(action.root))
          return `the root of ${action.id} is not in communicator ${action.comm}`;
        for (const rank of ranksOf(action, members, streams))
          open[rank]!.set(action.id, { comm: action.comm, isReady: () => true });
        break;
      case 'shift':
        for (const rank of ranksOf(action, members, streams))
          open[rank]!.set(action.id, { comm: action.comm, isReady: () => true });
        break;
    }
  }
  return undefined;
}

function fits(payload: Payload, { into }: ReceiveAction): boolean {
  if (payload.kind === 'object' || into === undefined) return payload.kind === 'object' && into === undefined;
  const { type, count } = payload.kind === 'scalar' ? { type: payload.type, count: 1 } : payload.buffer;
  const byteLength = count * ELEMENT_SIZES[type];
  if (type !== into.type && type !== 'bytes' && into.type !== 'bytes') return false;
  return byteLength <= into.count * ELEMENT_SIZES[into.type] && byteLength % ELEMENT_SIZES[into.type] === 0;
}
