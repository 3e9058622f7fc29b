/**
 * Piecework: work that a rank does itself, a piece at each poll, as an operation.
 *
 * The idea: between two pieces the progress engine takes what others sent, so a long write holds nobody up, and where it is
 * awaited the event loop gets its turns. It never fails: an error is its outcome, since whoever waits for it (a
 * collective above all) has to tell the others first.
 */

import type { Membership } from '../../p2p/context.ts';
import type { Active, Progress } from '../../p2p/progress.ts';
import { Operation } from '../../p2p/request.ts';

/** Work in pieces: each yield ends one. */
export type Work<T> = Generator<void, T, void>;

/** What came of it. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

export class Piecework<T> extends Operation<Outcome<T>> implements Active {
  readonly waitsForRoom = false;
  readonly #members: Membership;
  readonly #text: string;
  readonly #work: Work<T>;
  readonly #progress: Progress;
  #outcome: Outcome<T> | undefined;

  /** It begins at once, unless the event loop has waited long. `text`: what it is, for whoever asks what the rank waits for. */
  constructor(progress: Progress, members: Membership, text: string, work: Work<T>) {
    super(progress);
    this.#members = members;
    this.#text = text;
    this.#work = work;
    this.#progress = progress;
    this.advance();
    if (!this.done) progress.activate(this);
  }

  get value(): Outcome<T> {
    return this.#outcome!;
  }

  override get members(): Membership {
    return this.#members;
  }

  get isOver(): boolean {
    return this.done;
  }

  advance(): boolean {
    if (!this.#progress.mayWork) return false;
    try {
      const { done, value } = this.#work.next();
      if (done === true) this.#outcome = { value };
    } catch (error) {
      this.#outcome = { error };
    }
    if (this.#outcome !== undefined) this.complete();
    return true;
  }

  describe(): string {
    return this.#text;
  }

  /** It waits for nobody. */
  waitsFor(): { ranks: number[]; all: boolean } {
    return { ranks: [], all: true };
  }
}

/** Return what the work came to, or throw its error. */
export function unwrapOutcome<T>(outcome: Outcome<T>): T {
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}
