import type { Clock, Timer } from '../../src/lib/clock.ts';

interface Pending {
  readonly dueAt: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until the test moves it. */
export class VirtualClock implements Clock {
  #now: number;
  #wallOffset = 1_800_000_000_000;
  #order = 0;
  #pending: Pending[] = [];

  constructor(startAt = 1000) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#wallOffset + this.#now;
  }

  after(delayMs: number, callback: () => void): Timer {
    const pending = { dueAt: this.#now + delayMs, order: this.#order++, callback };
    this.#pending.push(pending);
    return { cancel: () => this.#remove(pending) };
  }

  /** Timers that are waiting: a test of leaks asserts 0. */
  get pendingTimers(): number {
    return this.#pending.length;
  }

  /** Moves time forward and runs what falls due on the way, in order, each at its own time. */
  advance(ms: number): void {
    const target = this.#now + ms;
    for (;;) {
      const next = this.#earliest(target);
      if (next === null) break;
      this.#remove(next);
      this.#now = Math.max(this.#now, next.dueAt);
      next.callback();
    }
    this.#now = Math.max(this.#now, target);
  }

  /**
   * The loop stands still for so long: time passes, nothing runs. What fell due meanwhile runs late, in order, at the
   * end of it, before anything else that the test lets happen.
   */
  block(ms: number): void {
    this.work(ms);
    this.advance(0);
  }

  /** What runs now takes so long. */
  work(ms: number): void {
    this.#now += ms;
  }

  /** Sets the wall clock forward, or back, as somebody might do; time goes on as before. */
  jumpWallTime(ms: number): void {
    this.#wallOffset += ms;
  }

  #earliest(until: number): Pending | null {
    let best: Pending | null = null;
    for (const pending of this.#pending) {
      if (pending.dueAt > until) continue;
      if (
        best === null ||
        pending.dueAt < best.dueAt ||
        (pending.dueAt === best.dueAt && pending.order < best.order)
      ) {
        best = pending;
      }
    }
    return best;
  }

  #remove(pending: Pending): void {
    this.#pending = this.#pending.filter((other) => other !== pending);
  }
}
