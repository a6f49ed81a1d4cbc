import { RollingWindow } from '../lib/rolling-window.ts';
import type { BreakerSettings } from './policies.ts';

const TOTAL = 0;
const ERRORS = 1;
const SLOW = 2;
/** Hystrix: metrics.rollingStats.numBuckets. */
const BUCKETS = 10;

/** `250 ms`, `3.2 s`: a duration for people. */
export const formatDuration = (ms: number): string =>
  ms < 1000 ? `${Math.ceil(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;

/**
 * The judge: is it bad enough to open? It counts the settled attempts of the last `windowMs` and compares them with the
 * limits whenever a failure or a slow attempt comes in, never on a timer and never on reading. Which attempts may vote
 * is the breaker's business.
 *
 * Three rules, each enough by itself: the share of failures, the share of slow attempts (both from a minimum volume on,
 * all limits inclusive, percentages truncated to integers as in Hystrix), and failures in a row.
 */
export class HealthWindow {
  readonly #windowMs: number;
  readonly #window: RollingWindow;
  #failuresInARow = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
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
    if (this.errors(now) === this.total(now)) this.#window.add(TOTAL, now);
    this.#window.add(ERRORS, now);
    this.#failuresInARow += 1;
  }

  reset(now: number): void {
    this.#window.reset(now);
    this.#failuresInARow = 0;
  }

  total(now: number): number {
    return this.#window.sum(TOTAL, now);
  }

  /** A success can leave the window just before the failure that it turned into. */
  errors(now: number): number {
    return Math.min(this.#window.sum(ERRORS, now), this.total(now));
  }

  slow(now: number): number {
    return this.#window.sum(SLOW, now);
  }

  errorPercent(now: number): number {
    return percentOf(this.errors(now), this.total(now));
  }

  /** Why the breaker must open, in words and numbers; null while it need not. Asked after a failure or a slow attempt. */
  verdict(limits: BreakerSettings, now: number): string | null {
    if (this.#failuresInARow >= limits.consecutive) {
      return `${this.#failuresInARow} failures in a row, limit ${limits.consecutive}`;
    }
    const total = this.total(now);
    if (total < limits.volume) return null;
    if (this.errorPercent(now) >= limits.errorPercent) {
      return `${this.describe(now)}, limit ${limits.errorPercent} %`;
    }
    if (percentOf(this.slow(now), total) >= limits.slowPercent) {
      const limit = formatDuration(limits.slowerThanMs);
      return `${this.slow(now)} of ${total} took longer than ${limit} in ${formatDuration(this.#windowMs)}, limit ${limits.slowPercent} %`;
    }
    return null;
  }

  /** `12 of 20 failed in 10 s`. */
  describe(now: number): string {
    return `${this.errors(now)} of ${this.total(now)} failed in ${formatDuration(this.#windowMs)}`;
  }
}

const percentOf = (part: number, total: number): number =>
  total === 0 ? 0 : Math.trunc((part * 100) / total);
