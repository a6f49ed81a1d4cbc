import { RollingWindow } from '../lib/rolling-window.ts';
import type { BreakerSettings } from './policies.ts';

const TOTAL = 0;
const ERRORS = 1;
const SLOW = 2;
/** Hystrix: metrics.rollingStats.numBuckets. */
const BUCKETS = 10;

/** What the window holds at one moment. */
export interface Votes {
  /** Settled attempts, and of those the failures and the slow ones. */
  readonly total: number;
  readonly errors: number;
  readonly slow: number;
  /** Failures since the last success, however long ago they were. */
  readonly failuresInARow: number;
}

/** The rules by which a breaker opens. */
export type Rule = 'errors' | 'slow' | 'consecutive';

/** A share in percent, truncated to an integer as in Hystrix; 0 of 0 is 0. */
export const percentOf = (part: number, total: number): number =>
  total === 0 ? 0 : Math.trunc((part * 100) / total);

/**
 * Is it bad enough to open? The first rule that says so, or null. Each is enough by itself: failures in a row, the share
 * of failures, the share of slow attempts; both shares from a minimum volume on. All limits are inclusive.
 */
export const brokenRule = (votes: Votes, limits: BreakerSettings): Rule | null => {
  if (votes.failuresInARow >= limits.consecutive) return 'consecutive';
  if (votes.total < limits.volume) return null;
  if (percentOf(votes.errors, votes.total) >= limits.errorPercent) return 'errors';
  return percentOf(votes.slow, votes.total) >= limits.slowPercent ? 'slow' : null;
};

/** The settled attempts of the last `windowMs`. Which of them may vote is the breaker's business. */
export class HealthWindow {
  readonly #window: RollingWindow;
  #failuresInARow = 0;

  constructor(windowMs: number) {
    this.#window = new RollingWindow(windowMs, BUCKETS, 3);
  }

  addSuccess(now: number): void {
    this.#window.add(TOTAL, now);
    this.#failuresInARow = 0;
  }

  addFailure(now: number): void {
    this.#window.add(TOTAL, now);
    this.#window.add(ERRORS, now);
    this.#failuresInARow += 1;
  }

  /** In addition to the attempt's own vote. */
  addSlow(now: number): void {
    this.#window.add(SLOW, now);
  }

  /**
   * An attempt that was counted as success has failed after all. It is in the total already, unless its body took
   * longer than the window is long: errors never exceed the total.
   */
  turnToFailure(now: number): void {
    const { total, errors } = this.votes(now);
    if (errors === total) this.#window.add(TOTAL, now);
    this.#window.add(ERRORS, now);
    this.#failuresInARow += 1;
  }

  reset(now: number): void {
    this.#window.reset(now);
    this.#failuresInARow = 0;
  }

  votes(now: number): Votes {
    const total = this.#window.sum(TOTAL, now);
    return {
      total,
      // A success can leave the window just before the failure that it turned into.
      errors: Math.min(this.#window.sum(ERRORS, now), total),
      slow: this.#window.sum(SLOW, now),
      failuresInARow: this.#failuresInARow,
    };
  }
}
