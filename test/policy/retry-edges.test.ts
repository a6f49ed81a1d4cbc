import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryBudget } from '../../src/policy/budget.ts';
import { failure, failureStatus } from '../../src/policy/outcome.ts';
import type { RetrySettings } from '../../src/policy/policies.ts';
import { type FailedAttempt, isIdempotentMethod, RetryPolicy } from '../../src/policy/retry.ts';

const settings: RetrySettings = {
  attempts: 3,
  on: ['reset', 425],
  backoff: { baseMs: 25, maxMs: 250 },
  budget: { percent: 20, minPerSecond: 10 },
  bodyLimitBytes: 65_536,
  nonIdempotent: false,
};

const firstGet: FailedAttempt = {
  failure: failure('reset', false),
  attempt: 1,
  isAlreadyRetried: false,
  isEarlyData: false,
  isIdempotent: true,
  isReplayable: true,
  remainingMs: 15_000,
  now: 0,
};

const obstacles: readonly [string | null, Partial<FailedAttempt>][] = [
  [null, { attempt: 3 }],
  ['already_retried', { isAlreadyRetried: true }],
  ['early_data', { failure: failureStatus(425, -1), isEarlyData: true }],
  ['not_idempotent', { isIdempotent: false }],
  ['body_too_large', { isReplayable: false }],
  ['deadline', { remainingMs: 1 }],
  ['budget', {}],
];

for (const [skip, attempt] of obstacles) {
  test(`a retry that does not take place says stop, and why: ${skip}`, () => {
    const budget = new RetryBudget({ percent: 0, minPerSecond: 0 }, 0);
    const decision = new RetryPolicy(settings).decide({ ...firstGet, ...attempt }, budget, () => 0.5);
    assert.deepEqual(decision, { kind: 'stop', skip });
  });
}

test('a method is idempotent or it is not: nothing in between', () => {
  assert.equal(isIdempotentMethod('GET'), true);
  assert.equal(isIdempotentMethod('POST'), false);
});
