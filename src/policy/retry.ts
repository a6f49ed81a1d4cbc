import { backoffMs } from './backoff.ts';
import type { RetryBudget } from './budget.ts';
import type { Failure } from './outcome.ts';
import type { RetryCondition, RetrySettings } from './policies.ts';
import { reasons } from './reason.ts';

/** With less than this left of its time an attempt is not begun: it could only add load, never an answer. */
export const MIN_USEFUL_MS = 5;

/** What a decision looks at. */
export interface FailedAttempt {
  readonly failure: Failure;
  /** Attempts made so far, this one included. */
  readonly attempt: number;
  /** The method is idempotent, or the request says with `Idempotency-Key` that the upstream tells repeats apart. */
  readonly isIdempotent: boolean;
  /** Its sender is repeating it already, as its mark says (decision 17). */
  readonly isAlreadyRetried: boolean;
  /** It went through TLS early data on its way here. */
  readonly isEarlyData: boolean;
  /** The request's body can be sent again from its beginning. */
  readonly isReplayable: boolean;
  /** What is left of the total time. */
  readonly remainingMs: number;
  readonly now: number;
}

/** Why a retry that the failure would have allowed does not happen. */
export type RetryObstacle =
  | 'already_retried'
  | 'early_data'
  | 'not_idempotent'
  | 'body_too_large'
  | 'deadline'
  | 'budget';

export type RetryDecision =
  | { readonly kind: 'retry'; readonly waitMs: number }
  /** `skip` null: nothing was held back, the failure is not of a kind that is retried or the attempts are used up. */
  | { readonly kind: 'stop'; readonly skip: RetryObstacle | null };

const stop: RetryDecision = Object.freeze({ kind: 'stop', skip: null });

const skips: Readonly<Record<RetryObstacle, RetryDecision>> = {
  already_retried: Object.freeze({ kind: 'stop', skip: 'already_retried' }),
  early_data: Object.freeze({ kind: 'stop', skip: 'early_data' }),
  not_idempotent: Object.freeze({ kind: 'stop', skip: 'not_idempotent' }),
  body_too_large: Object.freeze({ kind: 'stop', skip: 'body_too_large' }),
  deadline: Object.freeze({ kind: 'stop', skip: 'deadline' }),
  budget: Object.freeze({ kind: 'stop', skip: 'budget' }),
};

/**
 * Answers that say that the request was not processed: 408, it did not arrive whole (RFC 9110, section 15.5.9); 421, it
 * came to the wrong server (15.5.20); 425, it came too early (RFC 8470, section 5.2).
 */
const isUnprocessed = (status: number): boolean => status === 408 || status === 421 || status === 425;

/** The methods that may be sent twice without doing a thing twice: RFC 9110, section 9.2.2. Case matters. */
export const isIdempotentMethod = (method: string): boolean => {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'PUT':
    case 'DELETE':
    case 'OPTIONS':
    case 'TRACE':
      return true;
    default:
      return false;
  }
};

/**
 * Whether a failed attempt is followed by another one, and after how long. A request of which not one byte was written,
 * or which the upstream says that it did not process, may go again whatever its method; anything else only if repeating
 * it does no harm. The budget is asked last, so that a token is spent only on what nothing else forbids.
 */
export class RetryPolicy {
  readonly #settings: RetrySettings;
  readonly #on: ReadonlySet<RetryCondition>;
  readonly #repeatsUnprocessed: boolean;

  constructor(settings: RetrySettings) {
    this.#settings = settings;
    this.#on = new Set(settings.on);
    this.#repeatsUnprocessed = settings.on.some((each) => typeof each === 'number' && isUnprocessed(each));
  }

  /** True for a status in `retry.on`. Such an answer may be a success to the breaker (429) and still be retried. */
  isRetriedStatus(status: number): boolean {
    return this.#on.has(status);
  }

  /** True where some answer lets every method go again. */
  get repeatsUnprocessed(): boolean {
    return this.#repeatsUnprocessed;
  }

  decide(failed: FailedAttempt, budget: RetryBudget, random: () => number): RetryDecision {
    if (failed.attempt >= this.#settings.attempts || !this.#isRetried(failed.failure)) return stop;
    if (failed.isAlreadyRetried) return skips.already_retried;
    // RFC 8470, section 5.2: only whoever sent the early data can know what to do now.
    if (failed.failure.status === 425 && failed.isEarlyData) return skips.early_data;
    if (!this.#isSafe(failed)) return skips.not_idempotent;
    if (!failed.isReplayable) return skips.body_too_large;
    const waitMs = this.#waitMs(failed, random);
    if (waitMs + MIN_USEFUL_MS > failed.remainingMs) return skips.deadline;
    if (!budget.withdraw(failed.now)) return skips.budget;
    return { kind: 'retry', waitMs };
  }

  #isRetried(failure: Failure): boolean {
    if (failure.reason === 'upstream_status') return this.#on.has(failure.status);
    const condition = reasons[failure.reason].retryOn;
    return condition !== null && this.#on.has(condition);
  }

  #isSafe({ failure, isIdempotent }: FailedAttempt): boolean {
    return isIdempotent || this.#settings.nonIdempotent || failure.isUnsent || isUnprocessed(failure.status);
  }

  /** The upstream's `Retry-After` is a minimum; the jitter comes on top, or all whom it told the same come together. */
  #waitMs(failed: FailedAttempt, random: () => number): number {
    return (
      Math.max(0, failed.failure.retryAfterMs) + backoffMs(this.#settings.backoff, failed.attempt, random)
    );
  }
}
