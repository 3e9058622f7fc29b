/**
 * MatchingQueue: pairs arriving envelopes with posted receives of one context, in order.
 *
 * The idea: one FIFO list per source and one for receives from ANY_SOURCE; a sequence number tells which of two
 * candidates came first. The common case, the first posted receive of that source, is found without a search; a search
 * runs over entries of one source that differ by tag only, and a list that has become long keeps its entries by tag.
 * Unexpected messages lie in the same way.
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
  /** Links and order, owned by the queue; `later` is the next of the same tag. The sequence is negative outside of a queue. */
  next: Matchable | null;
  previous: Matchable | null;
  later: Matchable | null;
  sequence: number;
}

/** A list of more entries is kept by tag too: above that number searching it takes longer than keeping it. */
const LONG = 48;

/** The entries of one tag in a long list. */
interface Row<E> {
  head: E;
  tail: E;
}

/** A FIFO of entries, in order of their sequence. */
class Chain<E extends Matchable> {
  head: E | null = null;
  #tail: E | null = null;
  #length = 0;
  #rows: Map<number, Row<E>> | undefined = undefined;

  append(entry: E): void {
    entry.next = null;
    entry.previous = this.#tail;
    if (this.#tail === null) this.head = entry;
    else this.#tail.next = entry;
    this.#tail = entry;
    this.#length++;
    if (this.#rows !== undefined) this.#appendToRow(this.#rows, entry);
    else if (this.#length > LONG) this.#makeRows();
  }

  /** Return the first entry that goes with the tag: of that tag or ANY_TAG, or any for ANY_TAG. */
  find(tag: number): E | null {
    if (this.#rows !== undefined && tag !== ANY_TAG) {
      const same = this.#rows.get(tag)?.head;
      const any = this.#rows.get(ANY_TAG)?.head;
      if (same === undefined) return any ?? null;
      return any !== undefined && any.sequence < same.sequence ? any : same;
    }
    let entry = this.head;
    if (tag === ANY_TAG) return entry;
    while (entry !== null && entry.tag !== tag && entry.tag !== ANY_TAG) entry = entry.next as E | null;
    return entry;
  }

  remove(entry: E): void {
    const { previous, next } = entry;
    if (previous === null) this.head = next as E | null;
    else previous.next = next;
    if (next === null) this.#tail = previous as E | null;
    else next.previous = previous;
    entry.next = null;
    entry.previous = null;
    entry.sequence = -1;
    this.#length--;
    if (this.#rows === undefined) return;
    if (this.#length === 0) this.#rows = undefined;
    else this.#removeFromRow(this.#rows, entry);
    entry.later = null;
  }

  #makeRows(): void {
    this.#rows = new Map();
    for (let entry = this.head; entry !== null; entry = entry.next as E | null) this.#appendToRow(this.#rows, entry);
  }

  #appendToRow(rows: Map<number, Row<E>>, entry: E): void {
    entry.later = null;
    const row = rows.get(entry.tag);
    if (row === undefined) rows.set(entry.tag, { head: entry, tail: entry });
    else {
      row.tail.later = entry;
      row.tail = entry;
    }
  }

  /** What is found heads its row: only one that is withdrawn is searched for. */
  #removeFromRow(rows: Map<number, Row<E>>, entry: E): void {
    const row = rows.get(entry.tag)!;
    if (row.head === entry) {
      if (entry.later === null) rows.delete(entry.tag);
      else row.head = entry.later as E;
      return;
    }
    let before = row.head;
    while (before.later !== entry) before = before.later as E;
    before.later = entry.later;
    if (row.tail === entry) row.tail = before;
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
    const specific = chain === undefined ? null : chain.find(tag);
    if (this.#anySource.head !== null) {
      const any = this.#anySource.find(tag);
      if (any !== null && (specific === null || any.sequence < specific.sequence)) {
        this.#anySource.remove(any);
        return any;
      }
    }
    if (specific !== null) chain!.remove(specific);
    return specific;
  }

  /** Withdraw a posted receive. Return whether it was still there. */
  withdraw(receive: R): boolean {
    if (receive.sequence < 0) return false;
    const chain = receive.source === ANY_SOURCE ? this.#anySource : this.#posted[receive.source]!;
    chain.remove(receive);
    return true;
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
    const message = chain.find(tag);
    if (message !== null && take) {
      chain.remove(message);
      this.#messageCount--;
    }
    return message;
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
