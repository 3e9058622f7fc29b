/**
 * What a rank's thread and the workers of its team say to each other by messages: tasks by piscina's queue, news by a port.
 */

import type { MessagePort } from 'node:worker_threads';
import type { Bell } from '../segment/parking.ts';
import type { ThrownValue } from './kernel-error.ts';
import type { SharedNews } from './loop-arguments.ts';

/** How long a worker looks for the next loop before it sleeps, in milliseconds: without, then with giving its core away. */
export interface Patience {
  readonly spinMs: number;
  readonly yieldMs: number;
}

/** A worker's own standard streams. */
export interface WorkerStreams {
  readonly stdout: number;
  readonly stderr: number;
}

/** Become a member of a team. The task ends when all have; the worker then watches the team's memory. */
export interface JoinTask {
  readonly kind: 'join';
  readonly member: number;
  readonly size: number;
  readonly memory: SharedArrayBuffer;
  /** News for this worker; what its kernels throw goes back by it. */
  readonly port: MessagePort;
  /** The rank's. */
  readonly bell: Bell;
  readonly patience: Patience;
  /** To be pinned to; -1: to none. */
  readonly core: number;
}

/** Run a function once. */
export interface RunTask {
  readonly kind: 'run';
  readonly url: string;
  readonly name: string;
  readonly argument: unknown;
  /** One of TASK_STATE, which the worker and whoever calls it off change by one exchange. */
  readonly state: Int32Array;
}

export const TASK_STATE = { waiting: 0, begun: 1, calledOff: 2 } as const;

export type RunOutcome = { readonly value: unknown } | { readonly thrown: ThrownValue };

/** What workers must know of by number, in the order in which it is made. */
export type CrewNews = SharedNews | { readonly kind: 'kernel'; readonly id: number; readonly url: string; readonly name: string };
