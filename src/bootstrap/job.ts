/**
 * The job as every rank sees it, and how a rank finds its place in it.
 *
 * The agent (or the process that hosts thread ranks) writes a JobDescription as JSON into the segment. A rank finds the
 * segment by a Bootstrap: for a process one environment variable, for a thread its worker data. Both are read once at
 * import; the variable is then removed from the environment, so that children do not believe to be ranks.
 * Where there are no agents, the lowest rank of each host writes it, and ranks find it by PMI (runtime/pmi).
 */

/** One host of the job. */
export interface JobHost {
  readonly name: string;
  readonly slots: number;
}

/** How a rank waits: spin long, park at once, or decide by ranks and cores of its host. */
export type WaitMode = 'spin' | 'park' | 'auto';

/** What the launcher's own terminal is; ranks report the same to their programs. */
export interface TerminalFacts {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly colorDepth: number;
}

/** What becomes of a job's profile. */
export interface ProfileRequest {
  /** Rank 0 prints it as a table. */
  readonly isPrinted: boolean;
  /** Rank 0 writes it there as JSON. */
  readonly file: string | undefined;
}

/** All that ranks of a host are told. Identical on all ranks of one host. */
export interface JobDescription {
  readonly id: string;
  /** Version of the package that started the job. */
  readonly version: string;
  /** Ranks in the job. */
  readonly size: number;
  /** Secret of the job among its ranks, 32 bytes in base64: what they prove to each other with. Never in argv or environment. */
  readonly key: string;
  readonly hosts: readonly JobHost[];
  /** Address by which ranks reach each host; empty for a job on one host. */
  readonly addresses: readonly string[];
  /** First and last port on which ranks listen for those of other hosts; absent: any. */
  readonly ports?: readonly [first: number, last: number] | undefined;
  /** Index into hosts of each world rank. */
  readonly hostOfRank: readonly number[];
  /** Which program of the command line each world rank runs. */
  readonly programOfRank: readonly number[];
  /** Which of `hosts` this segment is on. */
  readonly hostIndex: number;
  /** World ranks on this host, in local-rank order. */
  readonly localRanks: readonly number[];
  readonly rankKind: 'process' | 'thread';
  /** Process id of the agent, for prctl(PR_SET_PTRACER) and doorbells; of the lowest rank of the host where there is none. */
  readonly agentPid: number;
  /** Cores that the ranks of this host may use. */
  readonly cores: number;
  /** Threads a rank may use, its own included. */
  readonly threadsPerRank: number;
  /** Cores to which threads are bound in turn (boundCore); empty: to none. */
  readonly boundCores: readonly number[];
  readonly wait: WaitMode;
  /** Reductions in an order that does not depend on timing or placement. */
  readonly deterministic: boolean;
  /** Transports that may be used, in order of preference; empty: all. */
  readonly transports: readonly string[];
  /** Frames between hosts are encrypted: by the relay, and by no other transport. */
  readonly tls: boolean;
  /** Silence after which another host counts as lost. */
  readonly heartbeatMs: number;
  /** Rank 0 prints routes and choices at its start. */
  readonly explain: boolean;
  /** What is measured is reported at the end of the job; absent: nothing is measured. */
  readonly profile?: ProfileRequest | undefined;
  readonly stdout: TerminalFacts;
  readonly stderr: TerminalFacts;
}

/**
 * Return the core of a thread, -1: none. Each rank has as many neighbouring cores as threads; where there are fewer, ranks
 * begin at different cores as long as there are some.
 */
export function boundCore(
  { boundCores, threadsPerRank, localRanks }: Pick<JobDescription, 'boundCores' | 'threadsPerRank' | 'localRanks'>,
  localRank: number,
  thread: number,
): number {
  const { length } = boundCores;
  const stride = Math.max(1, Math.min(threadsPerRank, Math.floor(length / localRanks.length)));
  return boundCores[(localRank * stride + (thread % threadsPerRank)) % length] ?? -1;
}

/** Where a rank finds its segment. */
export interface Bootstrap {
  /** Process that holds the descriptors below: /proc/<agentPid>/fd/<n>. */
  readonly agentPid: number;
  /** Descriptor of the segment's memfd there, and its size in bytes. */
  readonly memoryFd: number;
  readonly byteLength: number;
  /** Read end of the lifeline there; -1: none. */
  readonly lifelineFd: number;
  readonly localRank: number;
  readonly worldRank: number;
}

/** What a thread rank finds in `workerData.tsmpi`. */
export interface ThreadBootstrap {
  readonly buffer: SharedArrayBuffer;
  readonly localRank: number;
  readonly worldRank: number;
}

/** Holds a Bootstrap as JSON; removed from process.env once read. */
export const BOOTSTRAP_VARIABLE = 'TSMPI_BOOTSTRAP';
/** Stays in a rank's environment: `<world rank>@<pid>` of the rank, by which a child process knows whose child it is. */
export const HOLDER_VARIABLE = 'TSMPI_RANK_HOLDER';
