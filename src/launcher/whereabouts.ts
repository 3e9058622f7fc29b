/**
 * Whereabouts of all ranks: every agent is asked, and the answers are waited for, but not for ever.
 */

import type { Whereabouts } from '../agent/protocol.ts';
import type { AgentLink } from './agent-link.ts';

/** How long agents may take: a host that is cut off answers nothing. */
const ANSWER_MS = 1000;

export interface Answers {
  /** By world rank. */
  readonly where: readonly Whereabouts[];
  /** Hosts that did not answer. */
  readonly silent: readonly string[];
}

export class WhereaboutsQuery {
  readonly #missing: Set<AgentLink>;
  readonly #where: Whereabouts[] = [];
  readonly #onAnswers: (answers: Answers) => void;
  readonly #timer: NodeJS.Timeout;
  #isOver = false;

  /** Ask all agents that have ranks under way. */
  constructor(links: readonly AgentLink[], onAnswers: (answers: Answers) => void) {
    this.#onAnswers = onAnswers;
    this.#missing = new Set(links.filter(({ started, state }) => started !== undefined && state !== 'over'));
    this.#timer = setTimeout(() => this.#finish(), ANSWER_MS);
    for (const link of this.#missing) link.send({ kind: 'where' });
  }

  /** Take an answer: of agents that were asked twice the first one counts for both. */
  onAnswer(link: AgentLink, where: readonly Whereabouts[]): void {
    if (!this.#missing.delete(link)) return;
    this.#where.push(...where);
    if (this.#missing.size === 0) this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    const where = this.#where.sort((a, b) => a.rank - b.rank);
    this.#onAnswers({ where, silent: [...this.#missing].map(({ name }) => name) });
  }
}
