import { RollingWindow } from '../lib/rolling-window.ts';

export interface RetryBudgetSettings {
  /** Share of requests that retries may add, 0–100. */
  readonly percent: number;
  /** Retries per second that are always allowed. */
  readonly minPerSecond: number;
}

/** One token, in the unit that is counted in. */
const TOKEN = 100;
/** Over how long the rate of requests is taken, which decides how much can be saved. */
const RATE_WINDOW_MS = 10_000;
const RATE_BUCKETS = 10;
/** The share of what that window earned that can be saved: two seconds of it. */
const SAVED_SHARE = 0.2;
/** What can be saved at any rate, so that a quiet upstream gets to a whole token too. */
const LEAST_CAPACITY = 10;

/**
 * How many retries an upstream may be sent: a token bucket. Each first attempt earns `percent` of a token, each second
 * `minPerSecond` tokens, each retry costs one. The bucket holds what two seconds earn at the rate of the last ten, at
 * least ten tokens; what does not fit is lost, so what an earlier, busier hour earned is worth nothing now.
 *
 * Over any stretch, exactly: retries ≤ tokens at its start + percent ÷ 100 × requests + minPerSecond × seconds. A minute
 * of full outage at 500 requests/s with 20 % and 10/s is 1.2 + 0.02 + at most 0.0073 attempts for each request.
 * (The budget of Finagle and Linkerd keeps ten seconds' worth and lets retries expire with the requests that earned
 * them: in an outage it sends a burst of retries every ten seconds, and nothing in between.)
 */
export class RetryBudget {
  readonly #requests = new RollingWindow(RATE_WINDOW_MS, RATE_BUCKETS, 1);
  #percent: number;
  #minPerSecond: number;
  /** In hundredths of a token, so that whole percents add up without a rounding error. */
  #hundredths: number;
  #refilledAt: number;

  /** Starts with two seconds of `minPerSecond`. */
  constructor(settings: RetryBudgetSettings, now: number) {
    this.#percent = settings.percent;
    this.#minPerSecond = settings.minPerSecond;
    this.#refilledAt = now;
    this.#hundredths = (SAVED_SHARE * RATE_WINDOW_MS * settings.minPerSecond) / 10;
  }

  /** A request was admitted. */
  deposit(now: number): void {
    this.#requests.add(0, now);
    this.#earn(this.#percent, now);
  }

  /** Takes the token for one retry; false: there is none. */
  withdraw(now: number): boolean {
    this.#earn(0, now);
    if (this.#hundredths < TOKEN) return false;
    this.#hundredths -= TOKEN;
    return true;
  }

  /** A retry for which a token was taken does not take place after all. */
  giveBack(now: number): void {
    this.#earn(TOKEN, now);
  }

  /** Retries that could be made now, with fraction; never negative. */
  tokens(now: number): number {
    return Math.min(this.#hundredths + this.#earnedByTime(now), this.#capacity(now)) / TOKEN;
  }

  /** The most tokens that could be saved up at the present rate of requests. */
  capacity(now: number): number {
    return this.#capacity(now) / TOKEN;
  }

  /** Takes new rates over in place; what was saved stays, as far as it fits. */
  update(settings: RetryBudgetSettings, now: number): void {
    this.#earn(0, now);
    this.#percent = settings.percent;
    this.#minPerSecond = settings.minPerSecond;
  }

  #earn(credit: number, now: number): void {
    this.#hundredths = Math.min(this.#hundredths + this.#earnedByTime(now) + credit, this.#capacity(now));
    this.#refilledAt = Math.max(this.#refilledAt, now);
  }

  #earnedByTime(now: number): number {
    return (Math.max(0, now - this.#refilledAt) * this.#minPerSecond) / 10;
  }

  #capacity(now: number): number {
    const earned = this.#percent * this.#requests.sum(0, now) + (this.#minPerSecond * RATE_WINDOW_MS) / 10;
    return Math.max(LEAST_CAPACITY * TOKEN, SAVED_SHARE * earned);
  }
}
