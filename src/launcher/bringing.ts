/**
 * Bringing: how the agents of other hosts come: starters bring them, they dial in and say hello.
 *
 * Logins are bounded in number and each host in time. A login is begun before we listen, since it takes longer: the
 * invitation follows when there is a port. What a starter printed is shown only where it failed.
 */

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Caller, listenForCallers } from '../agent/control-server.ts';
import { ownAddresses } from '../agent/dial.ts';
import type { Invitation } from '../agent/invitation.ts';
import { InvitationFolder } from '../agent/invitation-file.ts';
import { deriveKey, HANDSHAKE_MS, type KeyedServer } from '../agent/keyed-websocket.ts';
import type { FromAgent, ToAgent } from '../agent/protocol.ts';
import type { AgentLink } from './agent-link.ts';
import type { Network } from './hosts/network.ts';
import type { StarterName } from './options.ts';
import { findPbsFault, startByPbs } from './starter/pbs.ts';
import { startBySlurm } from './starter/slurm.ts';
import { findFault, startBySsh } from './starter/ssh.ts';
import type { StarterEnd, StarterProcess } from './starter/starter.ts';
import { type CalledAgent, callAgent, type WaitingAgents } from './starter/waiting.ts';

/** How long an agent may take to notice that its starter is gone; Slurm's daemons do not tell it. */
const NOTICE_MS = 500;
/** Logins under way at once: each costs this host a key exchange. */
const MAX_LOGINS = 32;

export type Hello = Extract<FromAgent, { kind: 'hello' }>;

export interface BringingPlan {
  readonly jobId: string;
  readonly starter: StarterName;
  readonly rsh: readonly string[] | undefined;
  readonly heartbeatMs: number;
  /** How long a host may take to bring its agent. */
  readonly startMs: number;
  /** Addresses that may be used; undefined: all. */
  readonly network: Network | undefined;
  /** Ports to listen on; undefined: any. */
  readonly ports: readonly [first: number, last: number] | undefined;
  /** For the starter azure-batch. */
  readonly waiting: WaitingAgents | undefined;
}

export interface BringingEvents {
  /** The agent of that host is there. */
  onArrived(link: AgentLink, caller: CalledAgent, hello: Hello): void;
  /** What held the agent of that host has ended, and the agent has not noticed. */
  onLetGo(link: AgentLink, sinceMs: number): void;
  /** It will not come: why, in words, and what was printed there. */
  onMissing(link: AgentLink, why: string, output: readonly string[]): void;
}

export class Bringing {
  readonly #plan: BringingPlan;
  readonly #events: BringingEvents;
  readonly #links: readonly AgentLink[];
  readonly #secret: Buffer = randomBytes(32);
  readonly #command: readonly string[] = [process.execPath, fileURLToPath(new URL('./agent.cjs', import.meta.url)), 'dial'];
  /** undefined: it is us who call. */
  readonly #listening: Promise<KeyedServer> | undefined;
  readonly #givenUp: AbortController = new AbortController();
  readonly #late = new Map<AgentLink, NodeJS.Timeout>();
  /** Hosts whose login has not begun. */
  #waiting: AgentLink[] = [];
  /** Holds invitations for agents that have no input. */
  #folder: InvitationFolder | undefined;

  /** Begin to bring the agents of those links. */
  constructor(links: readonly AgentLink[], plan: BringingPlan, events: BringingEvents) {
    this.#links = links;
    this.#plan = plan;
    this.#events = events;
    if (plan.waiting !== undefined) {
      for (const link of links) void this.#call(link, plan.waiting);
      return;
    }
    const key = deriveKey(this.#secret, plan.jobId, 'control');
    const server = { identity: plan.jobId, key, ports: plan.ports };
    this.#listening = listenForCallers<ToAgent, FromAgent>(server, (caller) => this.#onCaller(caller, undefined));
    if (plan.starter === 'slurm') {
      const hosts = new Map(links.map(({ index, host }) => [index, host]));
      this.#hold(startBySlurm(hosts, this.#command, this.#invite(undefined)), links);
      return;
    }
    this.#waiting = [...links];
    if (plan.starter === 'pbs') void this.#writeInvitations();
    else this.#logIn();
  }

  /** Bring no more, and let those go that have not come. */
  giveUp(): void {
    this.#waiting = [];
    this.#givenUp.abort();
    this.#folder?.remove();
    for (const timer of this.#late.values()) clearTimeout(timer);
    const connected = new Set(
      this.#links.flatMap(({ state, process }) => (state === 'connected' && process !== undefined ? process : [])),
    );
    for (const { process } of this.#links) if (process !== undefined && !connected.has(process)) void process.stop();
  }

  /** End all starters, whose agents are gone. */
  async stop(): Promise<void> {
    this.giveUp();
    const processes = new Set(this.#links.flatMap(({ process }) => process ?? []));
    await Promise.all([...processes].map((process) => process.stop()));
    const server = await this.#listening?.catch(() => undefined);
    server?.close();
  }

  #logIn(): void {
    const underWay = this.#links.filter(({ state, process }) => state === 'starting' && process?.isOver === false);
    for (const link of this.#waiting.splice(0, MAX_LOGINS - underWay.length)) {
      this.#hold(this.#startOne(link), [link]);
    }
  }

  #startOne({ index, host }: AgentLink): StarterProcess {
    if (this.#folder !== undefined) return startByPbs(index, host, this.#command, this.#folder.pathOf(index));
    return startBySsh(index, host, this.#command, this.#plan.rsh, this.#invite(index));
  }

  /** Lay an invitation down for each host, then start the agents. */
  async #writeInvitations(): Promise<void> {
    try {
      const lines = await Promise.all(this.#waiting.map(async ({ index }) => [index, await this.#invite(index)] as const));
      if (this.#waiting.length === 0) return;
      this.#folder = new InvitationFolder(this.#plan.jobId);
      for (const [index, line] of lines) this.#folder.write(index, line);
    } catch (error) {
      for (const link of this.#waiting.splice(0)) this.#miss(link, `no invitation for it: ${(error as Error).message}`);
    }
    this.#logIn();
  }

  async #invite(hostIndex: number | undefined): Promise<string> {
    const { port } = await this.#listening!;
    const { jobId, heartbeatMs, network } = this.#plan;
    const addresses = ownAddresses().filter((address) => network?.has(address) ?? true);
    const secret = this.#secret.toString('base64url');
    return JSON.stringify({ jobId, secret, addresses, port, hostIndex, heartbeatMs } satisfies Invitation);
  }

  #hold(process: StarterProcess, links: readonly AgentLink[]): void {
    const { startMs } = this.#plan;
    for (const link of links) {
      link.process = process;
      const why = `no answer within ${startMs / 1000} s: expected it, or a longer --start-timeout`;
      this.#late.set(
        link,
        setTimeout(() => this.#miss(link, why), startMs),
      );
    }
    void process.ended.then((end) => {
      const fault = this.#findFault(end, process);
      for (const link of links) this.#miss(link, fault === undefined ? end.how : `${fault} (${end.how})`);
      this.#logIn();
      const sinceMs = performance.now();
      const letGo = (): void => {
        for (const link of links) if (link.state === 'connected') this.#events.onLetGo(link, sinceMs);
      };
      setTimeout(letGo, NOTICE_MS).unref();
    });
  }

  #findFault(end: StarterEnd, process: StarterProcess): string | undefined {
    return this.#folder === undefined ? findFault(end, process.output, this.#command) : findPbsFault(end, this.#command);
  }

  #miss(link: AgentLink, why: string): void {
    clearTimeout(this.#late.get(link));
    if (link.state === 'starting') this.#events.onMissing(link, why, link.process?.output ?? []);
  }

  /** Call an agent that waits. */
  async #call(link: AgentLink, waiting: WaitingAgents): Promise<void> {
    try {
      const caller = await callAgent(link.name, waiting, this.#givenUp.signal);
      if (this.#givenUp.signal.aborted) {
        caller.connection.drop();
        return;
      }
      this.#onCaller(caller, link);
      caller.connection.send({ kind: 'take', hostIndex: link.index, heartbeatMs: this.#plan.heartbeatMs });
    } catch (error) {
      this.#miss(link, (error as Error).message);
    }
  }

  /** `called`: it is us who called. */
  #onCaller(caller: Caller<ToAgent, FromAgent>, called: AgentLink | undefined): void {
    const { connection } = caller;
    const late = setTimeout(() => connection.drop(), HANDSHAKE_MS);
    connection.onEnd = () => {
      clearTimeout(late);
      if (called !== undefined) this.#miss(called, 'the agent there hung up before it said who it is');
    };
    connection.onMessage = (message) => {
      clearTimeout(late);
      if (message.kind === 'busy' && called !== undefined) {
        this.#miss(called, 'the agent that waited there has another job already');
        return;
      }
      const link = message.kind === 'hello' ? this.#find(message) : undefined;
      if (message.kind !== 'hello' || link?.state !== 'starting') {
        connection.drop();
        return;
      }
      clearTimeout(this.#late.get(link));
      this.#events.onArrived(link, caller, message);
      if (this.#links.every(({ state }) => state !== 'starting')) this.#folder?.remove();
      this.#logIn();
    };
  }

  #find({ place }: Hello): AgentLink | undefined {
    if (place === undefined) return undefined;
    return this.#links.find(({ index, name }) => ('hostIndex' in place ? index === place.hostIndex : name === place.nodeName));
  }
}
