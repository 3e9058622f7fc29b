/**
 * CreditWindow: how many frames may be sent to a peer that has receives posted for a window of them.
 *
 * The idea: each frame takes one receive of the peer's, which posts it again once it has looked at the frame and then owes
 * one credit. What is owed goes back with every frame. When nothing goes that way, a frame with nothing but credits does, as
 * soon as so many are owed that it gives more than it takes. The last credit is kept for such frames: two ranks that send to
 * each other and have both used up all others can still give back, so neither waits for good.
 *
 *     credits here + frames on their way there + owed there + credits on their way here = window
 *
 * Limits: what is owed stays so while it is less than RETURN (2 at least, or two idle ranks would thank each other for ever).
 */

export class CreditWindow {
  /** Frames that the peer can take now. */
  credits: number;
  /** Frames of the peer's whose receives are posted again, and that it has not been told of. */
  owed = 0;
  readonly #window: number;
  readonly #returnAt: number;

  /** `window`: receives that the peer has posted for this rank; `ownWindow`: those of this rank for it. At least 3 each. */
  constructor(window: number, ownWindow: number) {
    this.credits = window;
    this.#window = window;
    this.#returnAt = Math.max(2, ownWindow >> 1);
  }

  /** Whether any frame may be sent. */
  get canSend(): boolean {
    return this.credits > 1;
  }

  /** Whether a frame may be sent that must not wait for others: credits, a goodbye. */
  get canSendLast(): boolean {
    return this.credits > 0;
  }

  /** Whether credits should go back though nothing else does. */
  get mustReturn(): boolean {
    return this.owed >= this.#returnAt;
  }

  /** A frame is sent. Return the credits that it takes along. */
  onSend(): number {
    this.credits--;
    const given = this.owed;
    this.owed = 0;
    return given;
  }

  /** A frame came with that many credits. Return false where they are more than were out. */
  onCredits(given: number): boolean {
    this.credits += given;
    return given >= 0 && this.credits <= this.#window;
  }

  /** The receive of a frame that came is posted again. */
  onPosted(): void {
    this.owed++;
  }
}
