/**
 * Lease: how an agent on another host knows that its launcher still counts on it, and what time it is there.
 *
 * The idea: a beat every other second, which the launcher answers. From when the last answered beat was *sent* the agent may
 * run its ranks for 0.7 of the heartbeat; the launcher, which counts from when it last heard of the agent, that is later,
 * declares the host lost only after the whole of it. So no rank still runs on a host that counts as lost.
 * A round trip also tells the launcher's clock, best in the shortest one.
 */

const BEAT_MS = 2000;
const RANKS_SHARE = 0.7;

export interface LeaseEvents {
  /** Send a beat. */
  onBeat(agentMs: number): void;
  /** The lease is over: end the ranks. */
  onExpired(silentMs: number): void;
}

export class Lease {
  readonly #limitMs: number;
  readonly #events: LeaseEvents;
  #beats: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #sentMs = 0;
  #isPaused = false;
  #offsetMs: number | undefined;
  #roundTripMs = Infinity;

  /** `heartbeatMs`: the silence after which the launcher gives a host up. */
  constructor(heartbeatMs: number, events: LeaseEvents) {
    this.#limitMs = RANKS_SHARE * heartbeatMs;
    this.#events = events;
  }

  start(): void {
    const beat = (): void => this.#events.onBeat(performance.now());
    this.#beats = setInterval(beat, Math.min(BEAT_MS, this.#limitMs / 3));
    this.#renew(performance.now());
    beat();
  }

  /** The launcher has answered the beat of that time at its own time. */
  onAnswer(agentMs: number, launcherMs: number): void {
    const nowMs = performance.now();
    if (nowMs - agentMs <= this.#roundTripMs) {
      this.#roundTripMs = nowMs - agentMs;
      this.#offsetMs = launcherMs - (agentMs + nowMs) / 2;
    }
    if (agentMs > this.#sentMs) this.#renew(agentMs);
  }

  /** The launcher stands still because its user wants it: nothing expires until resume(). */
  pause(): void {
    this.#isPaused = true;
    clearTimeout(this.#expiry);
  }

  resume(): void {
    this.#isPaused = false;
    this.#renew(performance.now());
  }

  stop(): void {
    clearInterval(this.#beats);
    clearTimeout(this.#expiry);
  }

  /** This moment in the launcher's time; undefined: no beat was answered yet. */
  launcherMs(): number | undefined {
    return this.#offsetMs === undefined ? undefined : performance.now() + this.#offsetMs;
  }

  #renew(sentMs: number): void {
    this.#sentMs = sentMs;
    clearTimeout(this.#expiry);
    if (this.#isPaused) return;
    this.#expiry = setTimeout(() => this.#expire(), Math.max(0, sentMs + this.#limitMs - performance.now()));
  }

  #expire(): void {
    this.stop();
    this.#events.onExpired(performance.now() - this.#sentMs);
  }
}
