/** A pending callback of a {@link Clock}. */
export interface Timer {
  /** Forgets the callback. Harmless after it ran. */
  cancel(): void;
}

/**
 * Where the program's time comes from. Everything that measures or waits takes one of these, so that tests move time
 * themselves and a jump of the wall clock changes nothing.
 */
export interface Clock {
  /** Monotonic milliseconds with fraction, from an arbitrary zero. */
  now(): number;
  /** Milliseconds since the Unix epoch: for people and for log lines, never for arithmetic. */
  wallTime(): number;
  /** Runs `callback` once, `delayMs` from now. The owner cancels what it no longer wants. */
  after(delayMs: number, callback: () => void): Timer;
}

class NodeTimer implements Timer {
  readonly #handle: NodeJS.Timeout;

  constructor(delayMs: number, callback: () => void) {
    this.#handle = setTimeout(callback, delayMs);
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }
}

/** The process's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after: (delayMs, callback) => new NodeTimer(delayMs, callback),
};
