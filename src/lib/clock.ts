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
  /**
   * Runs `callback` once, `delayMs` from now; a hair early where the system counts whole milliseconds (see
   * {@link systemClock}). The owner cancels what it no longer wants.
   */
  after(delayMs: number, callback: () => void): Timer;
}

// As a global it is fetched through a getter at each use, which costs more than reading the clock.
const { performance } = globalThis;

/** The longest that a timer of the system can wait: one that is to wait longer goes off at once. */
const LONGEST_MS = 2 ** 31 - 1;

class NodeTimer implements Timer {
  #handle: NodeJS.Timeout;

  constructor(delayMs: number, callback: () => void) {
    this.#handle = this.#start(delayMs, callback);
  }

  #start(delayMs: number, callback: () => void): NodeJS.Timeout {
    if (delayMs <= LONGEST_MS) return setTimeout(callback, Math.ceil(delayMs));
    return setTimeout(() => {
      this.#handle = this.#start(delayMs - LONGEST_MS, callback);
    }, LONGEST_MS);
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }
}

/**
 * The process's own clock. Its timers wait for at least the milliseconds asked for, as the loop counts them: it cuts
 * off the fraction of the moment at which they begin, so that by `now` one may come up to 1 ms early.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after: (delayMs, callback) => new NodeTimer(delayMs, callback),
};
