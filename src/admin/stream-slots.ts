/** A reader that has not taken all that was written to it for so long is cut, so that others get its place. */
export const longestStallMs = 60_000;

/** Bounds how many streams are open: each kind by its own limit, and all kinds together by another. */
export class StreamSlots {
  #limit: number;
  readonly #all: StreamSlots | null;
  #taken = 0;

  constructor(limit: number, all: StreamSlots | null = null) {
    this.#limit = limit;
    this.#all = all;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Null when a place was taken, which the caller gives back; else the limit that was reached. */
  take(): number | null {
    if (this.#taken >= this.#limit) return this.#limit;
    const reached = this.#all?.take() ?? null;
    if (reached !== null) return reached;
    this.#taken += 1;
    return null;
  }

  /** Takes another limit over; streams that are open stay. */
  resize(limit: number): void {
    this.#limit = limit;
  }

  giveBack(): void {
    this.#taken -= 1;
    this.#all?.giveBack();
  }
}
