/**
 * Agents: all agents of a job, one a host, and how each is heard and missed.
 *
 * The agent of this machine is a child process; those of other hosts are brought (bringing.ts). A job begins when all have
 * said hello, so that nothing runs anywhere if one host cannot be had. From then on an agent is lost when its connection
 * ends before it said that nothing is left, or when nothing came from it for the heartbeat.
 */

import type { FromAgent, ToAgent } from '../agent/protocol.ts';
import { AgentLink } from './agent-link.ts';
import type { Bringing, BringingPlan, Hello } from './bringing.ts';
import type { PlacedHost } from './placement.ts';
import { startLocalAgent } from './starter/local.ts';

/** How often to look who is silent: so many times in a heartbeat, and as often as that at least, in milliseconds. */
const LOOKS = 8;
const LOOK_MS = 500;

/** Which agents a job needs and how they come. */
export interface AgentPlan extends BringingPlan {
  readonly hosts: readonly PlacedHost[];
  /** Index of this machine among them; -1: it has no ranks. */
  readonly local: number;
  /** The agent of this machine gets our standard input for a rank. */
  readonly inheritInput: boolean;
}

export interface AgentsEvents {
  /** All agents are there. */
  onReady(): void;
  onHello(link: AgentLink, hello: Hello): void;
  onMessage(link: AgentLink, message: FromAgent, body: Uint8Array): void;
  /** The agent of that host does not come: why, in words, and what was printed there. */
  onMissing(link: AgentLink, why: string, output: readonly string[]): void;
  /** That agent is gone though ranks of it may be there; when it was heard of last. */
  onLost(link: AgentLink, heardMs: number): void;
}

export class Agents {
  readonly links: readonly AgentLink[];
  /** Resolves when nothing more comes from any. */
  readonly over: Promise<void>;
  readonly #plan: AgentPlan;
  readonly #events: AgentsEvents;
  #bringing: Bringing | undefined;
  #look: NodeJS.Timeout | undefined;
  #lookedMs = 0;
  #isReady = false;
  #isGivenUp = false;
  #onOver: () => void = () => {};

  /** Start the agent of this machine, if it has ranks; start() brings the others. */
  constructor(plan: AgentPlan, events: AgentsEvents) {
    this.#plan = plan;
    this.#events = events;
    this.links = plan.hosts.map((host, index) => new AgentLink(index, host));
    this.over = new Promise((resolve) => {
      this.#onOver = resolve;
    });
    const own = this.links[plan.local];
    if (own === undefined) return;
    const local = startLocalAgent(plan.inheritInput);
    own.local = local;
    own.pid = local.pid;
    own.connection = local.connection;
    local.connection.onMessage = (message, body) => this.#onMessage(own, message, body);
    local.connection.onEnd = () => {
      void local.ended.then((how) => {
        own.reason ??= how;
        this.#onEnd(own);
      });
    };
  }

  /** Whether the job has no other host than this machine. */
  get areLocal(): boolean {
    return this.links.length === 1 && this.#plan.local === 0;
  }

  /** Bring the agents of other hosts. */
  async start(): Promise<void> {
    if (this.areLocal) {
      this.#isReady = true;
      this.#events.onReady();
      return;
    }
    const { Bringing } = await import('./bringing.ts');
    if (this.#isGivenUp) return;
    const afar = this.links.filter(({ index }) => index !== this.#plan.local);
    this.#bringing = new Bringing(afar, this.#plan, {
      onArrived: (link, { connection, remoteAddress, localAddress }, hello) => {
        link.connection = connection;
        link.address = remoteAddress;
        const own = this.links[this.#plan.local];
        if (own !== undefined && own.address === '') own.address = localAddress;
        connection.onMessage = (message, body) => this.#onMessage(link, message, body);
        connection.onEnd = () => this.#onEnd(link);
        this.#onMessage(link, hello, new Uint8Array(0));
      },
      onLetGo: (link, sinceMs) => this.#lose(link, sinceMs),
      onMissing: (link, why, output) => {
        this.#finish(link);
        this.#events.onMissing(link, why, output);
      },
    });
    this.#lookedMs = performance.now();
    const lookMs = Math.min(LOOK_MS, this.#plan.heartbeatMs / LOOKS);
    this.#look = setInterval(() => this.#lookForSilent(lookMs), lookMs);
  }

  /** Send to every agent that is there. */
  broadcast(message: ToAgent, body?: Uint8Array): void {
    for (const link of this.links) link.send(message, body);
  }

  /** Have all ranks ended; agents that are not there yet are not waited for. isEviction: nothing has failed. */
  end(graceMs: number, isEviction = false): void {
    this.#isGivenUp = true;
    for (const link of this.links) {
      if (link.connection !== undefined) link.send({ kind: 'end', graceMs, isEviction });
      else this.#finish(link);
    }
    this.#bringing?.giveUp();
  }

  /** Kill what can be killed from here. */
  kill(): void {
    for (const link of this.links) {
      link.local?.kill();
      link.process?.kill();
      if (link.local === undefined) link.connection?.drop();
    }
  }

  /** Wait for what brought the agents. */
  async stop(): Promise<void> {
    clearInterval(this.#look);
    await this.#bringing?.stop();
  }

  #onMessage(link: AgentLink, message: FromAgent, body: Uint8Array): void {
    if (link.state === 'over') return;
    link.heardMs = performance.now();
    switch (message.kind) {
      case 'hello':
        link.state = 'connected';
        link.pid = message.pid;
        this.#events.onHello(link, message);
        this.#checkReady();
        return;
      case 'beat':
        link.send({ kind: 'beat', agentMs: message.agentMs, launcherMs: performance.now() });
        return;
      case 'leaving':
        link.reason = message.reason;
        return;
      case 'ended':
        link.isCleared = true;
    }
    this.#events.onMessage(link, message, body);
  }

  #checkReady(): void {
    if (this.#isReady || this.#isGivenUp || this.links.some(({ state }) => state !== 'connected')) return;
    this.#isReady = true;
    this.#events.onReady();
  }

  #onEnd(link: AgentLink): void {
    if (link.state === 'over') return;
    this.#finish(link);
    if (!link.isCleared) this.#events.onLost(link, performance.now());
  }

  #finish(link: AgentLink): void {
    link.state = 'over';
    if (this.links.every(({ state }) => state === 'over')) this.#onOver();
  }

  #lookForSilent(lookMs: number): void {
    const nowMs = performance.now();
    // We stood still, stopped or busy: what came meanwhile is not read yet.
    const stalledMs = Math.max(0, nowMs - this.#lookedMs - 2 * lookMs);
    this.#lookedMs = nowMs;
    for (const link of this.links) {
      if (link.state !== 'connected' || link.local !== undefined) continue;
      link.heardMs += stalledMs;
      if (nowMs - link.heardMs < this.#plan.heartbeatMs) continue;
      link.reason = `it was silent for ${this.#plan.heartbeatMs / 1000} s`;
      this.#lose(link, link.heardMs);
    }
  }

  /** Give up an agent whose connection stands. */
  #lose(link: AgentLink, sinceMs: number): void {
    this.#finish(link);
    link.connection?.drop();
    // One that holds other agents too ends with the job.
    if (link.process?.hosts.length === 1) link.process.kill();
    this.#events.onLost(link, sinceMs);
  }
}
