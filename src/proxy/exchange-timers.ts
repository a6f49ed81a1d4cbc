import type { Clock } from '../lib/clock.ts';
import { type Expirable, Timeout } from '../lib/timeout-queue.ts';
import type { FailureReason } from '../policy/reason.ts';
import type { PlanTimeouts } from './plan.ts';
import type { ContentObserver } from './replay.ts';

/** The time limits that an exchange as a whole can break. */
export type ExchangeLimit = Extract<FailureReason, 'total_timeout' | 'idle_timeout' | 'body_timeout'>;

export interface ExchangeTimersObserver {
  timedOut(limit: ExchangeLimit): void;
}

/**
 * The clocks of one exchange. `total` runs from the request's last byte to the response head and so never cuts a
 * stream; `idle` runs while content is to flow, before that and after it, and starts again with each piece; `body` is
 * the whole.
 */
export class ExchangeTimers implements ContentObserver, Expirable {
  readonly #timeouts: PlanTimeouts;
  readonly #clock: Clock;
  readonly #observer: ExchangeTimersObserver;
  readonly #total = new Timeout(this);
  readonly #idle = new Timeout(this);
  #whole: Timeout | null = null;
  #hasPassed = false;

  constructor(timeouts: PlanTimeouts, clock: Clock, observer: ExchangeTimersObserver) {
    this.#timeouts = timeouts;
    this.#clock = clock;
    this.#observer = observer;
  }

  started(now: number): void {
    if (this.#timeouts.body.durationMs === Number.POSITIVE_INFINITY) return;
    this.#whole = new Timeout(this);
    this.#timeouts.body.arm(this.#whole, now);
  }

  /** The request is here whole: until the answer comes nothing is to flow, and the total bounds the wait. */
  requestEnded(now: number): void {
    this.#idle.disarm();
    this.#timeouts.total.arm(this.#total, now);
  }

  /** Content is expected to flow from now on. */
  contentStarts(now: number): void {
    this.#timeouts.idle.arm(this.#idle, now);
  }

  /** A piece of content went by. */
  moved(): void {
    this.#timeouts.idle.touch(this.#idle, this.#clock.now());
  }

  /** A piece of the answer went by. It counts when all that came with it has been told: the clock is read once for them. */
  passed(): void {
    this.#hasPassed = true;
  }

  /** All that was read has been told. Where no content was among it, nothing has moved. */
  told(): void {
    if (!this.#hasPassed) return;
    this.#hasPassed = false;
    this.moved();
  }

  /** The response head is on its way: the total has been kept. */
  answered(now: number): void {
    this.#total.disarm();
    this.contentStarts(now);
  }

  /** What is left for attempts: of the total, all of it before the request is whole; no more than is left of the whole. */
  remainingMs(now: number): number {
    const totalMs = this.#total.queue === null ? this.#timeouts.total.durationMs : this.#total.dueAt - now;
    return this.#whole === null ? totalMs : Math.min(totalMs, this.#whole.dueAt - now);
  }

  stop(): void {
    this.#total.disarm();
    this.#idle.disarm();
    this.#whole?.disarm();
  }

  expired(timeout: Timeout): void {
    if (timeout === this.#total) this.#observer.timedOut('total_timeout');
    else this.#observer.timedOut(timeout === this.#idle ? 'idle_timeout' : 'body_timeout');
  }
}
