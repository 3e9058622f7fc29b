/**
 * ProfiledJournal: a rank's journal of collectives, which counts them as well.
 */

import type { CallRecord, CollectiveCall } from '../base/collective-call.ts';
import type { Journal } from '../collective/call-history.ts';
import type { Profile } from '../p2p/profile.ts';

export class ProfiledJournal implements Journal {
  readonly #journal: Journal;
  readonly #profile: Profile;

  constructor(journal: Journal, profile: Profile) {
    this.#journal = journal;
    this.#profile = profile;
  }

  get hasSites(): boolean {
    return this.#journal.hasSites;
  }

  write(context: number, number: number, call: CollectiveCall, check: number): void {
    this.#profile.beginCollective(call);
    this.#journal.write(context, number, call, check);
  }

  writeSite(site: string): void {
    this.#journal.writeSite(site);
  }

  find(worldRank: number, context: number, number: number): CallRecord | undefined {
    return this.#journal.find(worldRank, context, number);
  }

  last(worldRank: number, context: number): CallRecord | undefined {
    return this.#journal.last(worldRank, context);
  }

  forget(context: number): void {
    this.#journal.forget(context);
  }

  textOf(worldRank: number): string {
    return this.#journal.textOf(worldRank);
  }
}
