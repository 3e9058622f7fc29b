/**
 * CollectiveCall: what a rank called, as far as the standard wants it to be the same on all ranks of the communicator.
 *
 * The idea: every field is a small number, so a call is a few words in shared memory (segment/call-journal.ts) and two
 * checks derived from them: one for areas, one of 16 bits for messages. Calls that agree have equal checks, always;
 * others have different ones but for one in a million (areas) or, where only arguments differ, one in 512 (messages, whose
 * types and lengths are compared besides). Bytes agree with every element type, so data that only moves counts as bytes.
 *
 * Limits: what agrees only in pairs (the parts of v-forms) is left to the lengths of messages. A user's operator is not
 * known by its function, which every rank has of its own.
 */

import { ELEMENT_NAMES, OP_NAMES, OPERATION_NAMES } from './operation.ts';

/** No type, operator or root: the call has none. For a byte length or root also: this rank does not know it. */
export const NONE = -1;
/** `detail` of a v-form whose counts are found out first. */
export const WITHOUT_PARTS = 1;

const BYTES = 0;
const LAND: number = OP_NAMES.indexOf('LAND');
const BXOR: number = OP_NAMES.indexOf('BXOR');
/** Operator codes beyond the standard's: a user's, and one that keeps no order. */
const USER_OP: number = OP_NAMES.length;
const USER_COMMUTATIVE: number = USER_OP + 1;

/** Return an operator's code in a call. */
export function opCode(id: number, isCommutative: boolean): number {
  return id === USER_OP && isCommutative ? USER_COMMUTATIVE : id;
}

/** The last call of each operation. */
const LAST_CALLS: (CollectiveCall | undefined)[] = new Array(OPERATION_NAMES.length).fill(undefined);

export class CollectiveCall {
  /** Code of the call's name (operation.ts). */
  readonly operation: number;
  /** Element code of the data. */
  readonly type: number;
  /** Of the data, or of one rank's block, whichever the standard wants to be equal. */
  readonly byteLength: number;
  readonly root: number;
  readonly op: number;
  /** Whatever else must be equal, as a number: a checksum of counts, WITHOUT_PARTS, or 0. */
  readonly detail: number;
  readonly #hash: number;

  private constructor(operation: number, type: number, byteLength: number, root: number, op: number, detail: number) {
    this.operation = operation;
    this.type = type;
    this.byteLength = byteLength;
    this.root = root;
    this.op = op;
    this.detail = detail;
    const low = byteLength | 0;
    const high = byteLength > 0x7fffffff ? Math.floor(byteLength / 4294967296) : 0;
    let hash = Math.imul(operation, 0x9e3779b1) + Math.imul(root, 0x85ebca6b) + Math.imul((op << 8) | this.#kind, 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 15) ^ detail, 0x2c1b3c6d) + Math.imul(low + Math.imul(high, 0x297a2d39), 0x27d4eb2f);
    this.#hash = hash ^ (hash >>> 16);
  }

  /** Return the call; the same object as last time where nothing has changed, which is what loops do. */
  static of(operation: number, type: number, byteLength: number, root: number, op: number, detail: number): CollectiveCall {
    const last = LAST_CALLS[operation];
    if (
      last !== undefined &&
      last.byteLength === byteLength &&
      last.type === type &&
      last.root === root &&
      last.op === op &&
      last.detail === detail
    ) {
      return last;
    }
    const call = new CollectiveCall(operation, type, byteLength, root, op, detail);
    LAST_CALLS[operation] = call;
    return call;
  }

  /** What travels with each message of the call, in 16 bits; never 0. */
  get messageCheck(): number {
    const { operation, root, op, byteLength, detail } = this;
    // Root, operator and type by sums with odd factors: where one of them alone differs, it is always seen.
    const sum = root + Math.imul(op, 97) + Math.imul(this.#kind, 193) + (Math.imul(byteLength ^ detail, 0x9e3779b1) >>> 23);
    return (operation & 0x7f) | ((sum & 0x1ff) << 7);
  }

  /** Return what the area carries for this call as collective `number`. */
  checkOf(number: number): number {
    const hash = Math.imul(this.#hash + number, 0x85ebca6b);
    return hash ^ (hash >>> 13);
  }

  /** The type where it counts: logical and bitwise operators take bytes, so it does not matter for them. */
  get #kind(): number {
    return this.op === NONE || (this.op >= LAND && this.op <= BXOR) ? 0 : this.type;
  }

  /** Whether both ranks may have called it as one collective. */
  agreesWith(other: CollectiveCall): boolean {
    return (
      this.operation === other.operation &&
      this.op === other.op &&
      this.detail === other.detail &&
      (this.root === other.root || this.root === NONE || other.root === NONE) &&
      (this.byteLength === other.byteLength || this.byteLength === NONE || other.byteLength === NONE) &&
      (this.type === other.type || this.type <= BYTES || other.type <= BYTES)
    );
  }

  /** Return it in words: `allreduce(SUM, f64 x 100)`. */
  describe(): string {
    const { type, byteLength, root, op, detail } = this;
    const parts: string[] = [];
    if (op !== NONE) parts.push(OP_NAMES[op] ?? (op === USER_COMMUTATIVE ? 'commutative operator' : 'operator'));
    if (root !== NONE) parts.push(`root ${root}`);
    if (type > BYTES) {
      const name = ELEMENT_NAMES[type] ?? `type ${type}`;
      const bits = Number(/\d+/.exec(name)?.[0] ?? 8);
      parts.push(byteLength === NONE ? name : `${name} x ${(8 * byteLength) / bits}`);
    } else if (type === BYTES) parts.push(byteLength === NONE ? 'bytes' : `${byteLength} bytes`);
    if (detail === WITHOUT_PARTS) parts.push('without parts');
    const name = operationName(this.operation);
    return parts.length === 0 ? name : `${name}(${parts.join(', ')})`;
  }
}

/** The operation that this check of a message belongs to. */
export function operationOfCheck(messageCheck: number): string {
  return operationName(messageCheck & 0x7f);
}

export function operationName(operation: number): string {
  return OPERATION_NAMES[operation] ?? `operation ${operation}`;
}

/** Return a number for counts of elements of that size, equal on all ranks; never one of the other details. */
export function checksum(counts: ArrayLike<number>, elementBytes: number): number {
  let sum = counts.length;
  for (let k = 0; k < counts.length; k++) sum = (Math.imul(sum, 31) + counts[k]! * elementBytes) | 0;
  return sum | 2;
}

/** A collective as a rank called it. */
export interface CallRecord {
  readonly call: CollectiveCall;
  /** Which one of its communicator: 1, 2 … */
  readonly number: number;
  readonly context: number;
  /** Where in the program: `sim.ts:12`, or empty. */
  readonly site: string;
}
