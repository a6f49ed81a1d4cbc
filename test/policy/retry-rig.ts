import { RetryBudget } from '../../src/policy/budget.ts';
import { failure } from '../../src/policy/outcome.ts';
import type { FailedAttempt } from '../../src/policy/retry.ts';

/** The first attempt of a GET that was reset, and nothing stands in the way of another one. */
export const firstGet: FailedAttempt = {
  failure: failure('reset', false),
  attempt: 1,
  isAlreadyRetried: false,
  isEarlyData: false,
  isIdempotent: true,
  isReplayable: true,
  remainingMs: 15_000,
  now: 0,
};

export const fullBudget = () => new RetryBudget({ percent: 20, minPerSecond: 10 }, 0);
export const emptyBudget = () => new RetryBudget({ percent: 0, minPerSecond: 0 }, 0);
