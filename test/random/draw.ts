/**
 * Draws of the generator that need nothing of a program's state: sizes, buffers, payloads, collectives.
 */

import { Random } from '../unit/datatype/random.ts';
import { ARRAY_PLACES, type BufferSpec, ELEMENT_SIZES, PLACE_NAMES, TYPES, type TypeName } from './buffer.ts';
import {
  type CollectiveAction,
  type CollectiveCall,
  type Form,
  type Members,
  NEIGHBOR_CALLS,
  OBJECT_CALLS,
  type OperatorName,
  type Payload,
  PLAIN_CALLS,
  REDUCTIONS,
} from './program.ts';

/** Bytes around which something changes: frame, eager limit, slot of an area, large buffers, choice of algorithms. */
const SWITCHES = [0, 32, 33, 504, 512, 4096, 8191, 8192, 8193, 16384, 16392, 32768, 65536];
const LONG = [1 << 17, 600_000, 1 << 20];

/** A seeded source of draws. */
export class Draw extends Random {
  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  seed(): number {
    return this.below(1 << 30);
  }

  shuffled<T>(list: readonly T[]): T[] {
    const result = [...list];
    for (let k = result.length - 1; k > 0; k--) {
      const other = this.below(k + 1);
      [result[k], result[other]] = [result[other]!, result[k]!];
    }
    return result;
  }

  /** A count of elements, as often as not beside a limit; `shares`: how many such counts make the message. */
  count(type: TypeName, shares = 1): number {
    const bytes = ELEMENT_SIZES[type];
    const kind = this.unit();
    if (kind < 0.4) return this.pick([0, 1, 1, 2, 3, 4, 4, 5]);
    if (kind < 0.7) return this.below(60);
    // The model writes element by element: narrow ones are never very many, and long messages are few.
    if (kind < 0.99)
      return Math.floor((this.pick(bytes < 4 ? SWITCHES.slice(0, -2) : SWITCHES) / shares + bytes * this.below(2)) / bytes);
    return bytes < 4 ? 3 : Math.floor(this.pick(LONG) / shares / bytes);
  }

  buffer(type: TypeName = this.pick(TYPES), count: number = this.count(type)): BufferSpec {
    return { type, count, seed: this.seed(), place: this.pick(type === 'bytes' ? ARRAY_PLACES : PLACE_NAMES) };
  }

  payload(): Payload {
    const kind = this.unit();
    if (kind < 0.1) return this.object();
    if (kind < 0.2) return { kind: 'scalar', type: this.pick(['f64', 'i64'] as const), seed: this.seed() };
    return { kind: 'buffer', buffer: this.buffer() };
  }

  object(): Payload {
    return { kind: 'object', seed: this.seed(), size: this.below(5) };
  }

  /** A buffer that takes a message: of its type or bytes, with or without room left. */
  bufferFor(payload: Payload): BufferSpec | undefined {
    if (payload.kind === 'object') return undefined;
    const { type, count } = payload.kind === 'scalar' ? { type: payload.type, count: 1 } : payload.buffer;
    const room = count + (this.chance(0.3) ? this.below(5) : 0);
    if (this.chance(0.1)) return this.buffer('bytes', room * ELEMENT_SIZES[type]);
    if (type === 'bytes' && count % 4 === 0 && this.chance(0.3)) return this.buffer('i32', Math.ceil(room / 4));
    return this.buffer(type, room);
  }
}

const WITHOUT_BYTES = TYPES.filter((type) => type !== 'bytes');
const BITS: readonly OperatorName[] = ['LAND', 'LOR', 'LXOR', 'BAND', 'BOR', 'BXOR'];
const NUMBERS: readonly OperatorName[] = ['SUM', 'SUM', 'PROD', 'MIN', 'MAX', 'userSum', 'first', 'affine'];
const PAIRS: readonly OperatorName[] = ['MINLOC', 'MAXLOC'];
const FORMS: Partial<Record<CollectiveCall, readonly Form[]>> = {
  barrier: ['into'],
  bcast: ['into', 'into', 'scalar'],
  gather: ['fresh', 'into', 'inPlace', 'scalar'],
  allgather: ['fresh', 'into', 'inPlace', 'scalar'],
  scatter: ['into', 'inPlace'],
  scatterv: ['into', 'inPlace'],
  reduceScatter: ['fresh', 'into', 'inPlace'],
  reduceScatterBlock: ['fresh', 'into', 'inPlace'],
  neighborAllgather: ['fresh', 'into'],
  neighborAllgatherv: ['fresh', 'into'],
  neighborAlltoall: ['fresh', 'into'],
  neighborAlltoallv: ['fresh', 'into'],
};

/** Draw a collective for a communicator of a program of so many ranks. */
export function drawCollective(draw: Draw, id: number, comm: number, members: Members, size: number): CollectiveAction {
  const calls: readonly CollectiveCall[] =
    members.grid !== undefined && draw.chance(0.5)
      ? NEIGHBOR_CALLS
      : draw.pick([PLAIN_CALLS, PLAIN_CALLS, REDUCTIONS, REDUCTIONS, OBJECT_CALLS]);
  const call = draw.pick(calls);
  const isReduction = (REDUCTIONS as readonly string[]).includes(call);
  const isObject = (OBJECT_CALLS as readonly string[]).includes(call);
  const form = draw.pick<Form>(
    FORMS[call] ?? (isReduction ? ['fresh', 'into', 'inPlace', 'scalar'] : ['fresh', 'into', 'inPlace']),
  );
  const isPlainBytes = /^(bcast|gather|scatter|allgather)$/.test(call) && draw.chance(0.1);
  const type = form === 'scalar' ? draw.pick(['f64', 'i64'] as const) : isPlainBytes ? 'bytes' : draw.pick(WITHOUT_BYTES);
  const op = isReduction ? drawOperator(draw, type, form) : 'SUM';
  const unit = PAIRS.includes(op) ? 2 : 1;
  const shares = /^(bcast|reduce|allreduce|scan|exscan)$/.test(call) ? 1 : members.ranks.length;
  const count = form === 'scalar' ? unit : Math.ceil(draw.count(type, shares) / unit) * unit;
  const isLong = draw.chance(0.1);
  const few = (): number => unit * (isLong ? draw.below(300) : draw.below(5));
  const matrix = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  for (let from = 0; from < size; from++) for (let to = from; to < size; to++) matrix[from]![to] = matrix[to]![from] = few();
  return {
    do: 'collective',
    id,
    comm,
    call,
    form,
    root: draw.pick(members.ranks),
    // Layouts in messages and broadcasts.
    buffer: call === 'bcast' ? draw.buffer(type, count) : { ...draw.buffer(type, count), place: draw.pick(ARRAY_PLACES) },
    counts: Array.from({ length: size }, few),
    matrix,
    op,
    starts: !isObject && (form === 'into' || form === 'inPlace') && draw.chance(0.2) ? 1 + draw.below(3) : 0,
  };
}

function drawOperator(draw: Draw, type: TypeName, form: Form): OperatorName {
  if (form === 'scalar')
    return draw.pick(type === 'f64' ? ['SUM', 'PROD', 'MIN', 'MAX', ...PAIRS] : ['SUM', 'MAX', 'BXOR', 'LAND']);
  if (draw.chance(0.15)) return draw.pick(PAIRS);
  return draw.pick(type === 'f32' || type === 'f64' || draw.chance(0.6) ? NUMBERS : BITS);
}
