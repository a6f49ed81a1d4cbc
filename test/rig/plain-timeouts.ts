/**
 * What a queue of equally long timeouts must do in a loop that is never blocked, written plainly. Its one timer is set by
 * the first that is armed, runs on though that one is disarmed, looks again when it goes off, and stops when nobody is
 * left.
 */
export class PlainTimeouts<Key> {
  static #timersSet = 0;
  readonly durationMs: number;
  readonly #due = new Map<Key, number>();
  #timerAt = Number.POSITIVE_INFINITY;
  /** Timers that are due at the same time go off in the order in which they were set. */
  #timerOrder = 0;

  constructor(durationMs: number) {
    this.durationMs = durationMs;
  }

  /** Of several the one whose timer goes off next. */
  static earliest<Key>(several: Iterable<PlainTimeouts<Key>>): PlainTimeouts<Key> | undefined {
    return [...several].sort((a, b) => a.nextAt - b.nextAt || a.#timerOrder - b.#timerOrder)[0];
  }

  /** Timers of the clock that are waiting for it: 0 or 1. */
  get timers(): number {
    return this.nextAt === Number.POSITIVE_INFINITY ? 0 : 1;
  }

  arm(key: Key, now: number): void {
    this.#due.delete(key);
    if (this.durationMs === Number.POSITIVE_INFINITY) return;
    this.#due.set(key, now + this.durationMs);
    if (this.timers === 0) this.#setTimer(now + this.durationMs);
  }

  disarm(key: Key): void {
    this.#due.delete(key);
  }

  /** Forgets all of them, and the timer. */
  close(): void {
    this.#due.clear();
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  /** When the timer goes off next; Infinity where none is set. */
  get nextAt(): number {
    return this.#timerAt;
  }

  /** The timer goes off: `tell` hears who has waited long enough, in the order in which they came. */
  fire(tell: (key: Key) => void): void {
    const now = this.#timerAt;
    for (;;) {
      const [first] = this.#due;
      if (first === undefined || first[1] > now) break;
      this.#due.delete(first[0]);
      tell(first[0]);
    }
    const [earliest] = this.#due.values();
    this.#setTimer(earliest ?? Number.POSITIVE_INFINITY);
  }

  #setTimer(at: number): void {
    this.#timerAt = at;
    PlainTimeouts.#timersSet += 1;
    this.#timerOrder = PlainTimeouts.#timersSet;
  }
}
