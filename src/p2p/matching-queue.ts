/**
 * MatchingQueue: pairs arriving envelopes with posted receives of one context, in order.
 *
 * The idea: one FIFO list per source and one for receives from ANY_SOURCE; a sequence number tells which of two
 * candidates came first. The common case, the first posted receive of that source, is found without a search; a search
 * runs over entries of one source that differ by tag only. Unexpected messages lie in the same way.
 *
 * Order: non-overtaking. Two messages of one source that match the same receive are taken in the order of arrival, and
 * receives that match the same message in the order of posting. Standard: 3.5.
 */

export const ANY_SOURCE = -1001;
export const ANY_TAG = -1002;
export const PROC_NULL = -1003;

/** What waits in a queue: a receive, or a message. `tag` may be ANY_TAG for a receive, `source` ANY_SOURCE. */
export interface Matchable {
  readonly source: number;
  readonly tag: number;
  /** Link and order, owned by the queue. */
  next: Matchable | null;
  sequence: number;
}

/** A FIFO of entries linked through `next`. */
class Chain<E extends Matchable> {
  head: E | null = null;
  tail: E | null = null;

  append(entry: E): void {
    entry.next = null;
    if (this.tail === null) this.head = entry;
    else this.tail.next = entry;
    this.tail = entry;
  }

  /** Unlink `entry`, whose predecessor is `before`. */
  remove(entry: E, before: E | null): void {
    if (before === null) this.head = entry.next as E | null;
    else before.next = entry.next;
    if (this.tail === entry) this.tail = before;
    entry.next = null;
  }
}

export class MatchingQueue<R extends Matchable, M extends Matchable> {
  /** Posted receives by source, and those from ANY_SOURCE. */
  readonly #posted: (Chain<R> | undefined)[] = [];
  readonly #anySource = new Chain<R>();
  /** Unexpected messages by source. */
  readonly #messages: (Chain<M> | undefined)[] = [];
  #messageCount = 0;
  #sequence = 0;

  /** Messages that nobody has received yet. */
  get unexpectedCount(): number {
    return this.#messageCount;
  }

  /** Append a receive that found no message. */
  post(receive: R): void {
    receive.sequence = this.#sequence++;
    if (receive.source === ANY_SOURCE) this.#anySource.append(receive);
    else chainOf(this.#posted, receive.source).append(receive);
  }

  /** Take the receive that a message of that source and tag matches: the one posted first; null if there is none. */
  takeReceive(source: number, tag: number): R | null {
    const chain = this.#posted[source];
    let specific: R | null = null;
    let beforeSpecific: R | null = null;
    if (chain !== undefined) {
      specific = chain.head;
      while (specific !== null && specific.tag !== tag && specific.tag !== ANY_TAG) {
        beforeSpecific = specific;
        specific = specific.next as R | null;
      }
    }
    let any = this.#anySource.head;
    if (any === null) {
      if (specific !== null) chain!.remove(specific, beforeSpecific);
      return specific;
    }
    let beforeAny: R | null = null;
    while (any !== null && any.tag !== tag && any.tag !== ANY_TAG) {
      beforeAny = any;
      any = any.next as R | null;
    }
    if (any !== null && (specific === null || any.sequence < specific.sequence)) {
      this.#anySource.remove(any, beforeAny);
      return any;
    }
    if (specific !== null) chain!.remove(specific, beforeSpecific);
    return specific;
  }

  /** Withdraw a posted receive. Return whether it was still there. */
  withdraw(receive: R): boolean {
    const chain = receive.source === ANY_SOURCE ? this.#anySource : this.#posted[receive.source];
    if (chain === undefined) return false;
    let before: R | null = null;
    for (let entry = chain.head; entry !== null; entry = entry.next as R | null) {
      if (entry === receive) {
        chain.remove(entry, before);
        return true;
      }
      before = entry;
    }
    return false;
  }

  /** Keep a message that no receive was posted for. */
  keep(message: M): void {
    message.sequence = this.#sequence++;
    this.#messageCount++;
    chainOf(this.#messages, message.source).append(message);
  }

  /** Find the first message that a receive of that source and tag (or wildcards) matches; take it if asked to. */
  findMessage(source: number, tag: number, take: boolean): M | null {
    if (this.#messageCount === 0) return null;
    if (source !== ANY_SOURCE) return this.#findFrom(source, tag, take);
    let first: M | null = null;
    for (let from = 0; from < this.#messages.length; from++) {
      const message = this.#findFrom(from, tag, false);
      if (message !== null && (first === null || message.sequence < first.sequence)) first = message;
    }
    return first === null || !take ? first : this.#findFrom(first.source, tag, true);
  }

  #findFrom(source: number, tag: number, take: boolean): M | null {
    const chain = this.#messages[source];
    if (chain === undefined) return null;
    let before: M | null = null;
    for (let message = chain.head; message !== null; message = message.next as M | null) {
      if (tag === ANY_TAG || message.tag === tag) {
        if (take) {
          chain.remove(message, before);
          this.#messageCount--;
        }
        return message;
      }
      before = message;
    }
    return null;
  }
}

function chainOf<E extends Matchable>(chains: (Chain<E> | undefined)[], source: number): Chain<E> {
  const known = chains[source];
  if (known !== undefined) return known;
  while (chains.length <= source) chains.push(undefined);
  const chain = new Chain<E>();
  chains[source] = chain;
  return chain;
}
