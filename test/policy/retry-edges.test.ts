import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryBudget } from '../../src/policy/budget.ts';
import { failureStatus } from '../../src/policy/outcome.ts';
import type { RetrySettings } from '../../src/policy/policies.ts';
import { type FailedAttempt, isIdempotentMethod, RetryPolicy } from '../../src/policy/retry.ts';
import { defaultPolicy } from '../rig/default-policy.ts';
import { firstGet } from './retry-rig.ts';

const settings: RetrySettings = { ...defaultPolicy.retry, on: ['reset', 425] };

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
