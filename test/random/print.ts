/**
 * Print: a program as code that a reader can follow, rank by rank. `f64[4]` stands for an array of four elements.
 */

import type { BufferSpec } from './buffer.ts';
import {
  type Action,
  type CollectiveAction,
  type MakeAction,
  type Members,
  membersOf,
  OBJECT_CALLS,
  type Payload,
  type Program,
  REDUCTIONS,
  ranksOf,
} from './program.ts';

/** Return the program as text. */
export function printProgram(program: Program): string {
  const members = membersOf(program);
  const lines: string[] = [];
  for (let rank = 0; rank < program.size; rank++) {
    lines.push(`rank ${rank} of ${program.size}:`);
    for (const action of program.actions) {
      if (ranksOf(action, members, program.streams).includes(rank)) lines.push(`  ${lineOf(action, rank, program, members)}`);
    }
    lines.push(`  ${program.lastWay[rank]} all that is open`);
  }
  return lines.join('\n');
}

function lineOf(action: Action, rank: number, { streams }: Program, members: ReadonlyMap<number, Members>): string {
  const placeIn = (comm: number, of: number | null | undefined): string =>
    of === null || of === undefined ? 'PROC_NULL' : `${members.get(comm)!.ranks.indexOf(of)}`;
  switch (action.do) {
    case 'send': {
      const { comm, to } = streams.find(({ number }) => number === action.stream)!;
      const { payload, isSynchronous, isPersistent, tag, id } = action;
      const name = `${isSynchronous ? 'ssend' : 'send'}${payload.kind === 'object' ? 'Object' : ''}${isPersistent ? 'Init' : ''}`;
      return `r${id} = c${comm}.${name}(${payloadText(payload)}, ${placeIn(comm, to)}, ${tag})${isPersistent ? '.start()' : ''}`;
    }
    case 'receive': {
      const { comm } = streams.find(({ number }) => number === action.stream)!;
      const { id, way, into, source, tag } = action;
      const pattern = `${source === undefined ? 'ANY_SOURCE' : placeIn(comm, source)}, ${tag ?? 'ANY_TAG'}`;
      const recv = into === undefined ? 'recvObject(' : `recv(${bufferText(into)}, `;
      if (way === 'mprobe' || way === 'tryMprobe') return `r${id} = c${comm}.${way}(${pattern}).${recv.replace(', ', '')})`;
      if (way === 'probe' || way === 'tryProbe')
        return `s = c${comm}.${way}(${pattern}); r${id} = c${comm}.${recv}s.source, s.tag)`;
      return `r${id} = c${comm}.${way === 'recvInit' ? recv.replace('recv', 'recvInit') : recv}${pattern})${way === 'recvInit' ? '.start()' : ''}`;
    }
    case 'shift': {
      const { id, comm, to, tag, buffer, isReplacing } = action;
      const source = to.indexOf(rank);
      const ends = [
        placeIn(comm, to[rank]),
        ...(isReplacing ? [] : [bufferText(buffer)]),
        placeIn(comm, source < 0 ? null : source),
      ];
      return `r${id} = c${comm}.${isReplacing ? 'sendrecvReplace' : 'sendrecv'}(${bufferText(buffer)}, ${ends.join(', ')}, tags ${tag})`;
    }
    case 'nothing': {
      const { id, comm, call, buffer, tag } = action;
      if (call === 'cancel')
        return `r${id} = c${comm}.recv(${bufferText(buffer)}, ${tag % 2 === 0 ? 'ANY_SOURCE' : 0}, ${tag}), to be cancelled`;
      return `r${id} = c${comm}.${call === 'sendNull' ? 'send' : 'recv'}(${bufferText(buffer)}, PROC_NULL)`;
    }
    case 'collective':
      return `r${action.id} = c${action.comm}.${collectiveText(action, members.get(action.comm)!, rank)}`;
    case 'make':
      return makeText(action, rank, members);
    case 'free':
      return `c${action.comm}.free()`;
    case 'complete':
      return `${action.way}(${action.ids.map((id) => `r${id}`).join(', ')})`;
  }
}

function collectiveText(action: CollectiveAction, { ranks }: Members, rank: number): string {
  const { call, form, buffer, root, op, counts, matrix, starts } = action;
  const list: string[] = [];
  const isObject = (OBJECT_CALLS as readonly string[]).includes(call);
  if (isObject) list.push(`value #${buffer.seed}`);
  else if (call !== 'barrier') {
    list.push(
      form === 'scalar' ? `${buffer.type} #${buffer.seed}` : bufferText(buffer),
      ...(form === 'fresh' || form === 'scalar' ? [] : [form]),
    );
    if (call === 'alltoallv' || call === 'neighborAlltoallv') list.push(`counts [${ranks.map((to) => matrix[rank]![to])}]`);
    else if (call.endsWith('v') || call === 'reduceScatter') list.push(`counts [${ranks.map((from) => counts[from])}]`);
  }
  if ((REDUCTIONS as readonly string[]).includes(call)) list.push(op);
  if (/^(bcast|gather|scatter|reduce)(v|Object)?$/.test(call)) list.push(`root ${ranks.indexOf(root)}`);
  return `${call}${starts > 0 ? 'Init' : ''}(${list.join(', ')})${starts > 0 ? `, started ${starts} times` : ''}`;
}

function makeText(
  { parent, how, made, colors, keys, dims, periodic }: MakeAction,
  rank: number,
  members: ReadonlyMap<number, Members>,
): string {
  const mine = made.find((comm) => members.get(comm)?.ranks.includes(rank));
  const result = mine === undefined ? '' : `c${mine} = `;
  switch (how) {
    case 'dup':
      return `${result}c${parent}.dup()`;
    case 'split':
      return `${result}c${parent}.split(${colors[rank] ?? 'undefined'}, ${keys[rank]})`;
    case 'splitShared':
      return `${result}c${parent}.splitShared(${keys[rank]})`;
    case 'cartesian':
      return `${result}c${parent}.cartesian([${dims}], { periodic: [${periodic}] })`;
    case 'create':
      return `${result}c${parent}.create(ranks ${mine === undefined ? 'none' : members.get(mine)!.ranks} of c0)`;
  }
}

function payloadText(payload: Payload): string {
  if (payload.kind === 'buffer') return bufferText(payload.buffer);
  return payload.kind === 'scalar' ? `${payload.type} #${payload.seed}` : `value #${payload.seed} of depth ${payload.size}`;
}

function bufferText({ type, count, place }: BufferSpec): string {
  return `${type}[${count}]${place === 'alone' ? '' : ` ${place}`}`;
}
