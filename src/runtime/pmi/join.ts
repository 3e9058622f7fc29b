/**
 * How a rank joins a job that srun or mpiexec started without tsmpirun: by PMI, synchronously, while the program imports tsmpi.
 *
 *     each rank             facts ->  fence                       fence     claim, listen, port ->  fence (several hosts)
 *     lowest of a host                segment, doorbells, where ->          keeps them until its ranks have departed
 *     of several hosts                meets world rank 0 for addresses      keeps that connection
 *
 * Each rank has a line, a pipe of which it alone holds the write end: mates open the read end through /proc, so what they
 * cannot open is not on their host, and its end is the rank's. No name is left anywhere. The job's key passes through the
 * launcher's store: it is as safe there as what the launcher carries of its own.
 */

import { randomBytes } from 'node:crypto';
import { constants, writeSync } from 'node:fs';
import { MpiError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import type { JobDescription, TerminalFacts } from '../../bootstrap/job.ts';
import { openPmi } from '../../bootstrap/pmi/open.ts';
import type { Pmi, PmiVariables } from '../../bootstrap/pmi/pmi.ts';
import type { Addon } from '../../native/addon.ts';
import { createProcessMemory, hangBells, makePipe } from '../../segment/backing.ts';
import { Segment } from '../../segment/segment.ts';
import { type Door, HostDoor, type Secret, visitFirstHost } from './host-meeting.ts';
import { watchLocalTasks } from './local-tasks.ts';
import { PmiJob } from './pmi-job.ts';
import {
  countCores,
  decodeValue,
  encodeValue,
  groupByHost,
  type Hosts,
  ownFacts,
  type RankFacts,
  requireVersion,
} from './rank-facts.ts';

/** What world rank 0 tells. */
interface JobFacts extends Secret {
  readonly doors: readonly Door[];
}

/** Where the lowest rank of a host has the segment. */
interface SegmentFacts {
  readonly fd: number;
  readonly byteLength: number;
}

const NO_TERMINAL: TerminalFacts = { isTTY: false, columns: 80, rows: 24, colorDepth: 1 };

/**
 * Join; returns when all ranks have come. Throws an MpiError where the launcher cannot be spoken with. Where the job cannot
 * come about it says why and has the launcher end it, which ends this process too: nothing that is thrown would be seen.
 */
export function joinByPmi(variables: PmiVariables, addon: Addon): PmiJob {
  const pmi = openPmi(addon, variables);
  try {
    return new Joining(addon, pmi).run();
  } catch (error) {
    if (!(error instanceof MpiError)) throw error;
    writeSync(2, `tsmpi: rank ${pmi.rank} (pid ${process.pid}): ${error.message}\n`);
    pmi.abort(1);
    process.exit(1);
  }
}

class Joining {
  readonly #addon: Addon;
  readonly #pmi: Pmi;
  readonly #line: readonly [read: number, write: number];
  readonly #own: RankFacts;

  constructor(addon: Addon, pmi: Pmi) {
    this.#addon = addon;
    this.#pmi = pmi;
    this.#line = makePipe(addon, false);
    this.#own = ownFacts(addon, this.#line[0], pmi.program);
  }

  run(): PmiJob {
    const { rank } = this.#pmi;
    this.#tell(`tsmpi-rank-${rank}`, this.#own);
    // Whether there are other hosts is not known yet.
    const door = rank === 0 ? new HostDoor(this.#addon) : undefined;
    if (door !== undefined) {
      const secret = { id: randomBytes(6).toString('hex'), key: randomBytes(32).toString('base64') };
      this.#tell('tsmpi-job', { ...secret, doors: door.doors } satisfies JobFacts);
    }
    this.#pmi.fence({ look: watchLocalTasks(process.env) });
    for (let other = 0; other < rank; other++) {
      const facts = this.#factsOf(other);
      if (facts.place === this.#own.place) return this.#enterHost(other, facts);
    }
    return this.#makeHost(door);
  }

  /** This is the lowest rank of its host. */
  #makeHost(door: HostDoor | undefined): PmiJob {
    const { rank, size } = this.#pmi;
    const facts = Array.from({ length: size }, (_, other) => (other === rank ? this.#own : this.#factsOf(other)));
    const hosts = groupByHost(facts);
    const hostIndex = hosts.hostOfRank[rank]!;
    const localRanks = hosts.ranks[hostIndex]!;
    const lines = localRanks.flatMap((other, local) =>
      local === 0 ? [] : [{ fd: this.#openLine(other, facts[other]!), local }],
    );
    const job = decodeValue<JobFacts>(this.#pmi.get('tsmpi-job'), 'the facts of the job');
    const hostCount = hosts.ranks.length;
    const isAlone = hostCount === 1;
    const meeting = isAlone
      ? { sockets: [], addresses: [] }
      : (door?.gather(job, hostCount) ?? visitFirstHost(this.#addon, job, job.doors, hostIndex));
    door?.close();
    const description = describeJob(job, facts, hosts, hostIndex, meeting.addresses);
    const { fd, segment } = createProcessMemory(this.#addon, localRanks.length, description, isAlone ? 0 : size);
    const bells = hangBells(this.#addon, segment);
    this.#tell(`tsmpi-segment-${rank}`, { fd, byteLength: segment.buffer.byteLength } satisfies SegmentFacts);
    this.#pmi.fence({ lines: lines.map((line) => line.fd) });
    const watch = { memory: fd, line: this.#line[1], lines, sockets: meeting.sockets, bells };
    return new PmiJob(this.#addon, this.#pmi, segment, process.pid, watch);
  }

  /** This is a rank of that one's host. */
  #enterHost(holder: number, facts: RankFacts): PmiJob {
    const lines = [{ fd: this.#openLine(holder, facts), local: 0 }];
    this.#pmi.fence({ lines: lines.map((line) => line.fd) });
    const where = decodeValue<SegmentFacts>(this.#pmi.get(`tsmpi-segment-${holder}`), `the segment of rank ${holder}`);
    const memory = this.#open(holder, facts.pid, where.fd, constants.O_RDWR);
    const segment = Segment.attach(this.#addon.map(memory, where.byteLength));
    const job = new PmiJob(this.#addon, this.#pmi, segment, facts.pid, {
      memory,
      line: this.#line[1],
      lines,
      sockets: [],
      bells: [],
    });
    this.#addon.close(memory);
    return job;
  }

  #tell(key: string, value: object): void {
    this.#pmi.put(key, encodeValue(value, this.#pmi.valueCapacity));
  }

  #factsOf(other: number): RankFacts {
    const facts = decodeValue<RankFacts>(this.#pmi.get(`tsmpi-rank-${other}`), `the facts of rank ${other}`);
    requireVersion(facts, other, this.#pmi.rank);
    return facts;
  }

  /** Without waiting for a writer: where there is none any more, there is no process either. */
  #openLine(rank: number, { pid, line }: RankFacts): number {
    return this.#open(rank, pid, line, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  #open(rank: number, pid: number, fd: number, flags: number): number {
    const opened = this.#addon.open(`/proc/${pid}/fd/${fd}`, flags);
    if (opened >= 0) return opened;
    const message = `what rank ${rank} shares cannot be opened (errno ${-opened}): its process ${pid} has ended, or is of another user`;
    throw new MpiError('ERR_MPI_OTHER', message);
  }
}

function describeJob(
  { id, key }: Secret,
  facts: readonly RankFacts[],
  { ranks, hostOfRank }: Hosts,
  hostIndex: number,
  addresses: readonly string[],
): Uint8Array {
  const localRanks = ranks[hostIndex]!;
  const cores = countCores(localRanks.map((rank) => facts[rank]!));
  const description: JobDescription = {
    ...{ id, key, version: VERSION, size: facts.length },
    ...{ addresses, hostOfRank, hostIndex, localRanks, cores },
    hosts: ranks.map((members) => ({ name: facts[members[0]!]!.host, slots: members.length })),
    programOfRank: facts.map(({ program }) => program),
    rankKind: 'process',
    agentPid: process.pid,
    boundCores: [],
    threadsPerRank: Math.max(1, Math.floor(cores / localRanks.length)),
    wait: 'auto',
    deterministic: false,
    transports: [],
    tls: false,
    // No relay measures it: there is none without agents.
    heartbeatMs: 0,
    explain: false,
    stdout: NO_TERMINAL,
    stderr: NO_TERMINAL,
  };
  return new TextEncoder().encode(JSON.stringify(description));
}
