/**
 * Messages between the launcher and an agent, and their encoding.
 *
 * Both speak at once: the launcher sends `start`, the agent `hello`, each with its version, so both compare. Everything the
 * agent tells afterwards is a fact (a rank ended, bytes came); what follows from it is the launcher's to decide.
 *
 *     0   u32 LE   byte length of the header
 *     4   u32 LE   byte length of the body
 *     8   header   JSON of a message below
 *     ..  body     raw bytes: a rank's output, or its input; empty otherwise
 *
 * Ranks are world ranks throughout. Times are milliseconds.
 */

import type { JobHost, ProfileRequest, TerminalFacts, WaitMode } from '../bootstrap/job.ts';

/** Output of one rank that may be on its way to the terminal; then the rank blocks, as in any pipeline. */
export const OUTPUT_WINDOW_BYTES = 262_144;
/** Input on its way to a rank. */
export const INPUT_WINDOW_BYTES = 65_536;
/** Bytes of files on their way to a host. */
export const STAGE_WINDOW_BYTES: number = 4 << 20;

export type RankKind = 'process' | 'thread';

/** What all ranks of one block of the command line have in common. */
export interface AgentProgram {
  readonly program: string;
  readonly args: readonly string[];
  readonly exec: boolean;
  readonly wdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly nodeArgs: readonly string[];
  /** Files that were sent: `program` and `wdir` are ways from the stage folder where they are no absolute paths. */
  readonly isStaged?: boolean;
  /** The program is a bundle already. */
  readonly isBundled?: boolean;
}

/** The agent's part of the job. */
export interface AgentJob {
  readonly id: string;
  readonly version: string;
  readonly size: number;
  /** Secret of the job among its ranks, 32 bytes in base64. */
  readonly key: string;
  readonly hosts: readonly JobHost[];
  /** Address by which ranks reach each host; empty for a job on one host. */
  readonly addresses: readonly string[];
  /** First and last port on which ranks listen; absent: any. */
  readonly ports?: readonly [first: number, last: number] | undefined;
  readonly hostOfRank: readonly number[];
  readonly hostIndex: number;
  /** Name of the folder of files that were sent, in the host's temporary folder; absent: none were. */
  readonly stageFolder?: string | undefined;
  /** What the ranks' environment is made from; undefined: the agent's own environment. */
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly programs: readonly AgentProgram[];
  /** Index into `programs` of each world rank. */
  readonly programOfRank: readonly number[];
  /** undefined: processes where the addon loads. */
  readonly rankKind: RankKind | undefined;
  readonly bindTo: 'none' | 'core';
  /** undefined: the cores divided by the ranks. */
  readonly threadsPerRank: number | undefined;
  readonly wait: WaitMode;
  readonly deterministic: boolean;
  readonly transports: readonly string[];
  /** Frames between hosts are encrypted. */
  readonly tls: boolean;
  /** Silence after which another host counts as lost. */
  readonly heartbeatMs: number;
  readonly explain: boolean;
  readonly profile: ProfileRequest | undefined;
  readonly hugePages: boolean;
  /** `inherit`: that rank gets the agent's own descriptor 0; `forward`: it comes in `stdin` messages. */
  readonly stdin: { readonly ranks: readonly number[]; readonly from: 'inherit' | 'forward' };
  readonly stdout: TerminalFacts;
  readonly stderr: TerminalFacts;
}

export type ToAgent =
  /** To an agent that waits, first of all: it has a job, on the host of that index; its answer is `hello`, or `busy`. */
  | { readonly kind: 'take'; readonly hostIndex: number; readonly heartbeatMs: number }
  /** To an agent that waits: nobody needs it. */
  | { readonly kind: 'dismiss' }
  /** What follows as `stageData` is a file of the stage folder, which has that name in the host's temporary folder. */
  | { readonly kind: 'stage'; readonly folder: string; readonly jobId: string; readonly path: string; readonly mode: number }
  | { readonly kind: 'stageData' }
  | { readonly kind: 'start'; readonly job: AgentJob }
  /** That many bytes of the rank's output have left the launcher. */
  | { readonly kind: 'credit'; readonly rank: number; readonly byteLength: number }
  | { readonly kind: 'stdin' }
  | { readonly kind: 'stdinEnd' }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'where' }
  /** The answer to a beat: the agent's time in it, and the launcher's time of the answer. */
  | { readonly kind: 'beat'; readonly agentMs: number; readonly launcherMs: number }
  /** Ports on which ranks of any host can be reached. */
  | { readonly kind: 'peers'; readonly ports: readonly RankPort[] }
  /** How far ranks of any host are with their end. */
  | { readonly kind: 'peerStates'; readonly states: readonly PeerState[] }
  /** That host's relay wants a link. */
  | { readonly kind: 'relay'; readonly offer: RelayOffer }
  /** End all ranks: SIGTERM now, SIGKILL after the grace. isEviction: nothing has failed, ranks may write what they have. */
  | { readonly kind: 'end'; readonly graceMs: number; readonly isEviction: boolean };

/** Where a rank stands, as far as it has told or the agent has seen. */
export interface Whereabouts {
  readonly rank: number;
  readonly pid: number;
  readonly state: 'starting' | 'waiting' | 'computing' | 'stopped' | 'ended';
  /** waiting: for what; computing: the last call, if there was one; stopped: nothing; ended: how. */
  readonly text: string;
  /** How long it has not called tsmpi; known to a second. */
  readonly forMs: number;
  /** The last collective that it called, with its arguments and number, or empty. */
  readonly collective: string;
}

/** The end of one rank. */
export interface RankExit {
  readonly rank: number;
  readonly pid: number;
  /** 128 + signal for one that died by a signal. */
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
  /** It did not end although it was killed. */
  readonly isLeft: boolean;
  /** It called abort(): its reason, perhaps empty. */
  readonly aborted: string | undefined;
}

/** Where a rank can be reached on its host. */
export interface RankPort {
  readonly rank: number;
  /** -1: it has no socket of its own. */
  readonly port: number;
}

/** A rank has lost its connection with another, of whose end it knows nothing. */
export interface LostPair {
  readonly rank: number;
  readonly peer: number;
  /** The error of its socket; 0: it was closed without one. */
  readonly errno: number;
}

/** That rank of another host finalizes, or has ended well. */
export interface PeerState {
  readonly rank: number;
  readonly state: 'finalizing' | 'departed';
}

/** An offer of one host's relay to another's: dial there (relay-meeting.ts). */
export interface RelayOffer {
  /** On its way to the launcher: whom it is for; from there: whose it is. */
  readonly host: number;
  /** 0: the ranks of that host have ended. */
  readonly port: number;
  /** Why an offer of the other's came to nothing, or empty: there was none. */
  readonly failure: string;
}

/** How an agent that dials in says which host it is on: its number where it was told, else its scheduler's name for it. */
export type AgentPlace = { readonly hostIndex: number } | { readonly nodeName: string };

/** When a fact came to be, in the launcher's time; undefined: the agent cannot tell it from the launcher's. */
interface Dated {
  readonly launcherMs: number | undefined;
}

export type FromAgent =
  | {
      readonly kind: 'hello';
      readonly version: string;
      readonly pid: number;
      readonly hostName: string;
      /** undefined: the agent of the launcher's own host. */
      readonly place: AgentPlace | undefined;
      /** Addresses of the host, loopback aside. */
      readonly addresses: readonly string[];
    }
  /** An agent that waited has another job already. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'beat'; readonly agentMs: number }
  /** That many bytes of files have been written. */
  | { readonly kind: 'stageCredit'; readonly byteLength: number }
  /** That rank of this host can be reached there. */
  | { readonly kind: 'listening'; readonly ports: readonly RankPort[] }
  /** Those ranks of this host have been finalizing for a while. */
  | { readonly kind: 'finalizing'; readonly ranks: readonly number[] }
  /** A suspicion: unless another cause turns up, those connections are the cause. */
  | { readonly kind: 'lost'; readonly pairs: readonly LostPair[] }
  /** This host's relay wants a link. */
  | { readonly kind: 'relay'; readonly offer: RelayOffer }
  /** The agent ends, for a reason that is not the job's; undefined: its starter is gone, which knows better why. */
  | { readonly kind: 'leaving'; readonly reason: string | undefined }
  | {
      readonly kind: 'started';
      readonly rankKind: RankKind;
      readonly cores: number;
      /** Of this host's ranks, in local-rank order. */
      readonly pids: readonly number[];
      readonly segmentByteLength: number;
      /** What is not as was asked for, and why. */
      readonly notices: readonly string[];
    }
  | { readonly kind: 'failed'; readonly exitCode: number; readonly message: string }
  | { readonly kind: 'output'; readonly rank: number; readonly stream: 1 | 2 }
  /** isConsequence: the agent had been told to end its ranks. */
  | ({ readonly kind: 'exit'; readonly isConsequence: boolean } & RankExit & Dated)
  /** All output of a rank that has ended was sent. note: what is known about its death beyond the code. */
  | { readonly kind: 'closed'; readonly rank: number; readonly note: string | undefined }
  /** Ranks that can never go on, since what they wait for has ended. */
  | ({ readonly kind: 'stuck'; readonly pairs: readonly StuckPair[]; readonly where: readonly Whereabouts[] } & Dated)
  | { readonly kind: 'where'; readonly where: readonly Whereabouts[] }
  | { readonly kind: 'stdinCredit'; readonly byteLength: number }
  | { readonly kind: 'stdinClosed' }
  /** The host's scheduler wants the job gone. */
  | { readonly kind: 'evicted' }
  | { readonly kind: 'paused' }
  /** All ranks have ended and nothing of the job is left on the host; `unused`: ranks that never used tsmpi. */
  | { readonly kind: 'ended'; readonly unused: readonly number[] };

export interface StuckPair {
  readonly rank: number;
  /** The rank it waits for, which has ended. */
  readonly gone: number;
  readonly goneUsedTsmpi: boolean;
}

const PREFIX_BYTES = 8;
/** Longest header that is believed: a job of many ranks with a large environment stays far below. */
export const MAX_HEADER_BYTES: number = 64 << 20;
const EMPTY = new Uint8Array(0);

/** Encode a message; the body is not copied, so send both in order. */
export function encodeHeader(message: ToAgent | FromAgent, bodyByteLength: number): Buffer {
  const json = JSON.stringify(message);
  const headerByteLength = Buffer.byteLength(json);
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + headerByteLength);
  bytes.writeUInt32LE(headerByteLength, 0);
  bytes.writeUInt32LE(bodyByteLength, 4);
  bytes.write(json, PREFIX_BYTES);
  return bytes;
}

/** Cuts a stream of bytes into messages, however the bytes come in. */
export class MessageDecoder<M extends ToAgent | FromAgent> {
  readonly #onMessage: (message: M, body: Uint8Array) => void;
  #chunks: Buffer[] = [];
  #byteLength = 0;
  /** Bytes needed before it is worth looking again. */
  #needed = PREFIX_BYTES;

  constructor(onMessage: (message: M, body: Uint8Array) => void) {
    this.#onMessage = onMessage;
  }

  /** Take the next bytes. A body handed out lies in the same memory, so the caller never reuses it. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#byteLength += chunk.byteLength;
    if (this.#byteLength < this.#needed) return;
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#byteLength);
    for (;;) {
      this.#needed = PREFIX_BYTES;
      if (bytes.byteLength < PREFIX_BYTES) break;
      const headerByteLength = bytes.readUInt32LE(0);
      if (headerByteLength > MAX_HEADER_BYTES) throw new Error(`message header of ${headerByteLength} bytes: not our protocol`);
      const headerEnd = PREFIX_BYTES + headerByteLength;
      this.#needed = headerEnd + bytes.readUInt32LE(4);
      if (bytes.byteLength < this.#needed) break;
      const message = JSON.parse(bytes.toString('utf8', PREFIX_BYTES, headerEnd)) as M;
      const body = this.#needed === headerEnd ? EMPTY : bytes.subarray(headerEnd, this.#needed);
      bytes = bytes.subarray(this.#needed);
      this.#onMessage(message, body);
    }
    this.#chunks = bytes.byteLength === 0 ? [] : [bytes];
    this.#byteLength = bytes.byteLength;
  }
}
