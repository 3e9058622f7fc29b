/**
 * Context ids: the numbers that keep communicators' messages apart.
 *
 * A context id is an Int32: the leader's world rank (16 bits), a number of the leader's own (14 bits) and a plane in its
 * two lowest bits. Planes keep apart what must never match: the program's messages, those of collectives, the arrays
 * of object messages, and the construction of communicators by a part of the members. Ids need no global counter: only
 * the leader gives out its numbers (comm/context-number.ts).
 */

export const POINT_TO_POINT = 0;
export const COLLECTIVE = 1;
export const OBJECT_ARRAYS = 2;
export const CONSTRUCTION = 3;

const NUMBER_BITS = 14;
const PLANE_BITS = 2;

/** Numbers that one leader can have in use. */
export const CONTEXT_NUMBERS: number = 2 ** NUMBER_BITS;

/** Make the id of a communicator; its planes are id + plane. */
export function contextId(leaderWorldRank: number, number: number): number {
  return (leaderWorldRank << (NUMBER_BITS + PLANE_BITS)) | (number << PLANE_BITS);
}

/** Return leader and number of a communicator's id. */
export function splitContextId(id: number): { leaderWorldRank: number; number: number } {
  return { leaderWorldRank: id >>> (NUMBER_BITS + PLANE_BITS), number: (id >>> PLANE_BITS) & (CONTEXT_NUMBERS - 1) };
}

/** What the engine knows of a communicator; shared by its planes. */
export interface Membership {
  /** For messages about it. */
  name: string;
  readonly rank: number;
  /** World rank of each peer: the members, or in an intercommunicator the remote group. */
  readonly worldOf: Int32Array;
  /** Told of each operation on it that failed, before anybody who waits; undefined: nobody wants to know. */
  onError?: ((error: unknown) => void) | undefined;
}
