/**
 * CollectiveCall: one rank's call of a collective: its arguments in the form that the action names, and the check of what
 * it gets. Buffers are made once and filled for each start.
 */

import { inspect, isDeepStrictEqual } from 'node:util';
import * as tsmpi from 'tsmpi';
import { differenceOf, joined, makeArray, makeRoom, type Room, type TypedArray } from './buffer.ts';
import { contribution, contributionParts, countsGiven, type Expected, expectedOf, neighbors, objectsGiven } from './model.ts';
import { type CollectiveAction, type Members, type OperatorName, REDUCTIONS } from './program.ts';

type AnyCall = (...args: unknown[]) => tsmpi.Request<unknown> & tsmpi.Persistent<unknown>;

/** Where the parts of a v-form lie. */
interface Lay {
  readonly counts: readonly number[];
  readonly displs: readonly number[];
  readonly total: number;
}

const OPERATORS: Readonly<Record<OperatorName, tsmpi.Op>> = {
  ...{ SUM: tsmpi.SUM, PROD: tsmpi.PROD, MIN: tsmpi.MIN, MAX: tsmpi.MAX, LAND: tsmpi.LAND, LOR: tsmpi.LOR, LXOR: tsmpi.LXOR },
  ...{ BAND: tsmpi.BAND, BOR: tsmpi.BOR, BXOR: tsmpi.BXOR, MINLOC: tsmpi.MINLOC, MAXLOC: tsmpi.MAXLOC },
  userSum: tsmpi.createOp(
    (input, inout) => {
      for (let i = 0; i < inout.length; i++) inout[i] = ((input[i] as number) + (inout[i] as number)) as never;
    },
    { commutative: true },
  ),
  first: tsmpi.createOp((input, inout) => inout.set(input as never)),
  affine: tsmpi.createOp((input, inout) => {
    for (let i = 0; i + 1 < inout.length; i += 2) {
      const [p, q, r, s] = [input[i], input[i + 1], inout[i], inout[i + 1]].map(Number) as [number, number, number, number];
      const [x, y] = [(p * r) % 97, (p * s + q) % 97];
      inout[i] = (typeof inout[i] === 'bigint' ? BigInt(x) : x) as never;
      inout[i + 1] = (typeof inout[i] === 'bigint' ? BigInt(y) : y) as never;
    }
  }),
};

export class CollectiveCall {
  readonly #comm: tsmpi.Communicator;
  readonly #action: CollectiveAction;
  readonly #members: Members;
  readonly #rank: number;
  readonly #isRoot: boolean;
  /** What this rank gives, when that is not the buffer of the result. */
  readonly #input: Room | undefined;
  readonly #output: Room | undefined;
  readonly #inputLay: Lay | undefined;
  readonly #outputLay: Lay | undefined;
  /** Whether its own data lies in the buffer of the result. */
  readonly #isInPlace: boolean = false;
  /** In place the result of a reduce-scatter lies at the beginning of the data; what becomes of the rest is not said. */
  readonly #isWhole: boolean = false;
  #expected: Expected = { kind: 'nothing' };
  #given: TypedArray = new Uint8Array();
  #before: TypedArray = new Uint8Array();

  constructor(comm: tsmpi.Communicator, action: CollectiveAction, members: Members, rank: number) {
    this.#comm = comm;
    this.#action = action;
    this.#members = members;
    this.#rank = rank;
    this.#isRoot = rank === action.root;
    const { call, form, buffer } = action;
    if (call === 'barrier' || call.endsWith('Object') || form === 'scalar') return;
    const isScattering = call === 'scatter' || call === 'scatterv';
    const isGathering = call === 'gather' || call === 'gatherv' || call === 'reduce';
    const given = countsGiven(action, members, rank);
    this.#inputLay = lay(given, call === 'alltoallv' || call === 'neighborAlltoallv' || call === 'scatterv' ? buffer.seed : 0);
    const taken = takenCounts(action, members, rank);
    this.#outputLay = lay(taken, call.endsWith('v') && !isScattering ? buffer.seed >> 3 : 0);
    const isInPlace = form === 'inPlace' && (this.#isRoot || !(isScattering || isGathering));
    const hasInput = call !== 'bcast' && (isScattering ? this.#isRoot : !isInPlace);
    const hasOutput = form !== 'fresh' && (isGathering ? this.#isRoot : !(isScattering && isInPlace));
    this.#isInPlace = isInPlace && !isScattering;
    this.#isWhole = isInPlace && call.startsWith('reduceScatter');
    if (hasInput) this.#input = makeRoom({ ...buffer, count: this.#inputLay.total });
    if (hasOutput) this.#output = makeRoom({ ...buffer, count: this.#isWhole ? this.#inputLay.total : this.#outputLay.total });
  }

  /** Fill the buffers for the start of that number. */
  fill(round: number): void {
    const { call, root } = this.#action;
    this.#expected = expectedOf(this.#action, this.#members, this.#rank, round);
    if (this.#input !== undefined) {
      this.#input.clear();
      this.#spread(this.#input, this.#inputLay!, contributionParts(this.#action, this.#members, this.#rank, round));
      this.#given = this.#input.read();
    }
    if (this.#output === undefined) return;
    this.#output.clear();
    const output = this.#output;
    const place = this.#members.ranks.indexOf(this.#rank);
    if (call === 'bcast' && this.#rank === root) output.write(contribution(this.#action, this.#members, this.#rank, round));
    else if (this.#isInPlace) {
      const parts = contributionParts(this.#action, this.#members, this.#rank, round);
      const at = call.includes('gather') ? this.#outputLay!.displs[place] : 0;
      if (call.startsWith('alltoall')) this.#spread(output, this.#outputLay!, parts);
      else output.write(joined(this.#action.buffer.type, parts), at);
    }
    this.#before = output.read();
  }

  /** Post it. */
  post(): tsmpi.Request<unknown> {
    return this.#call(this.#action.call);
  }

  /** Set it up, to be started. */
  setUp(): tsmpi.Persistent<unknown> {
    return this.#call(`${this.#action.call}Init`);
  }

  /** Say what is wrong with the result. */
  check(result: unknown): string | undefined {
    const { form } = this.#action;
    const expected = this.#expected;
    if (this.#input !== undefined) {
      const changed = differenceOf(this.#input.read(), this.#given);
      if (changed !== undefined) return `its own data was changed: ${changed}`;
    }
    for (const room of [this.#input, this.#output]) if (room?.isGuarded() === false) return 'memory beside a buffer was written';
    if (expected.kind === 'object') {
      return isDeepStrictEqual(result, expected.value) ? undefined : 'another value than was given';
    }
    if (this.#output !== undefined) {
      const end = this.#isWhole ? this.#outputLay!.total : this.#before.length;
      return differenceOf(this.#output.read().subarray(0, end), this.#whole(this.#before).slice(0, end));
    }
    if (expected.kind === 'nothing') {
      return result === undefined || form === 'inPlace' || form === 'into'
        ? undefined
        : `the result is ${String(result)}, expected undefined`;
    }
    if (form === 'scalar') return this.#checkScalar(result);
    if (this.#action.form === 'inPlace') return undefined; // of a scatter: the root's part stays where it is
    const { call, buffer } = this.#action;
    const parts = expected.kind === 'parts' ? expected.parts : [expected.values];
    if (!call.endsWith('v'))
      return differenceOf(result as TypedArray, this.#whole(makeArray(buffer.type, this.#outputLay!.total)));
    const { data, counts } = result as { data: TypedArray; counts: Int32Array };
    const wrong = counts.findIndex((count, k) => count !== (parts[k]?.length ?? 0));
    if (wrong >= 0) return `counts[${wrong}] is ${counts[wrong]}`;
    return differenceOf(
      data,
      joined(
        buffer.type,
        parts.filter((part) => part !== undefined),
      ),
    );
  }

  /** What an array must hold that held `before`. */
  #whole(before: TypedArray): TypedArray {
    const whole = before.slice();
    const expected = this.#expected;
    const parts = expected.kind === 'elements' ? [expected.values] : expected.kind === 'parts' ? expected.parts : [];
    for (const [k, part] of parts.entries()) if (part !== undefined) whole.set(part as never, this.#outputLay!.displs[k]);
    return whole;
  }

  #checkScalar(result: unknown): string | undefined {
    const { call, op, buffer } = this.#action;
    const { parts, values } = this.#expected as { parts?: TypedArray[]; values?: TypedArray };
    if (parts !== undefined) return differenceOf(result as TypedArray, joined(buffer.type, parts));
    const isPair = op.endsWith('LOC') && call !== 'bcast';
    const wanted = isPair ? { value: values![0], location: values![1] } : values![0];
    return isDeepStrictEqual(result, wanted) ? undefined : `the result is ${inspect(result)}, expected ${inspect(wanted)}`;
  }

  #spread(room: Room, { displs }: Lay, parts: readonly TypedArray[]): void {
    for (const [k, part] of parts.entries()) room.write(part, displs[k]);
  }

  #call(name: string): ReturnType<AnyCall> {
    return (this.#comm as unknown as Record<string, AnyCall>)[name]!(...this.#arguments());
  }

  #arguments(): unknown[] {
    const { call, form, op, root, counts } = this.#action;
    const { ranks } = this.#members;
    const at = ranks.indexOf(root);
    const operator = OPERATORS[op];
    const isReduction = (REDUCTIONS as readonly string[]).includes(call);
    if (call === 'barrier') return [];
    if (call.endsWith('Object')) return this.#objectArguments(at);
    const isRooted = /^(bcast|reduce|gather|gatherv|scatter|scatterv)$/.test(call);
    const counted = call === 'reduceScatter' ? [ranks.map((rank) => counts[rank])] : [];
    const behind = [...counted, ...(isReduction ? [operator] : []), ...(isRooted ? [at] : [])];
    if (form === 'scalar') return [this.#scalar(), ...behind];
    const isV = call.endsWith('v');
    const input =
      this.#input &&
      (call === 'alltoallv' || call === 'neighborAlltoallv' || call === 'scatterv'
        ? partsOf(this.#input, this.#inputLay!)
        : this.#input.data);
    const isScattering = call === 'scatter' || call === 'scatterv';
    const output = this.#output && (isV && !isScattering ? partsOf(this.#output, this.#outputLay!) : this.#output.data);
    if (call === 'bcast') return [output, ...behind];
    if (isScattering) return [input, output ?? tsmpi.IN_PLACE, ...behind];
    if (form === 'fresh') return [input, ...behind];
    return [input ?? tsmpi.IN_PLACE, output, ...behind];
  }

  #objectArguments(at: number): unknown[] {
    const { call } = this.#action;
    const given = objectsGiven(this.#action, this.#members, this.#rank);
    const join = (a: unknown[], b: unknown[]): unknown[] => [...a, ...b];
    switch (call) {
      case 'reduceObject':
        return [given, join, at];
      case 'allreduceObject':
        return [given, join];
      case 'bcastObject':
      case 'scatterObject':
        return [this.#isRoot ? given : undefined, at];
      case 'gatherObject':
        return [given, at];
      default:
        return [given];
    }
  }

  #scalar(): unknown {
    const [value, location] = contribution(this.#action, this.#members, this.#rank, 0);
    return this.#action.op.endsWith('LOC') && this.#action.call !== 'bcast' ? { value, location } : value;
  }
}

function partsOf({ data }: Room, { counts, displs }: Lay): unknown {
  return { data, counts, displs };
}

/** Parts one behind the other, or the other way round with gaps. */
function lay(counts: readonly number[], seed: number): Lay {
  const isGapped = seed % 2 === 1;
  const displs = counts.map(() => 0);
  let total = 0;
  for (let k = 0; k < counts.length; k++) {
    const at = isGapped ? counts.length - 1 - k : k;
    displs[at] = total;
    total += counts[at]! + (isGapped ? 1 : 0);
  }
  return { counts, displs, total };
}

/** How many elements a rank takes, of each rank or neighbour. */
function takenCounts(action: CollectiveAction, members: Members, rank: number): number[] {
  const { call, buffer, counts, matrix } = action;
  const { ranks } = members;
  switch (call) {
    case 'gather':
    case 'allgather':
    case 'alltoall':
      return ranks.map(() => buffer.count);
    case 'gatherv':
    case 'allgatherv':
      return ranks.map((from) => counts[from]!);
    case 'alltoallv':
      return ranks.map((from) => matrix[from]![rank]!);
    case 'scatterv':
    case 'reduceScatter':
      return [counts[rank]!];
    case 'neighborAllgather':
    case 'neighborAlltoall':
      return neighbors(members, rank).map(() => buffer.count);
    case 'neighborAllgatherv':
      return neighbors(members, rank).map((from) => (from === undefined ? 2 : counts[from]!));
    case 'neighborAlltoallv':
      return neighbors(members, rank).map((from) => (from === undefined ? 2 : matrix[from]![rank]!));
    default:
      return [buffer.count];
  }
}
