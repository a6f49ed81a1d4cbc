import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryBudget } from '../../src/policy/budget.ts';
import { type Failure, failure, failureStatus } from '../../src/policy/outcome.ts';
import type { RetrySettings } from '../../src/policy/policies.ts';
import type { FailureReason } from '../../src/policy/reason.ts';
import {
  type FailedAttempt,
  isIdempotentMethod,
  type RetryDecision,
  RetryPolicy,
} from '../../src/policy/retry.ts';

const defaults: RetrySettings = {
  attempts: 3,
  on: ['connect-failure', 'reset', 502, 503, 504],
  backoff: { baseMs: 25, maxMs: 250 },
  budget: { percent: 20, minPerSecond: 10 },
  bodyLimitBytes: 65_536,
  nonIdempotent: false,
};

const firstGet: FailedAttempt = {
  failure: failure('reset', false),
  attempt: 1,
  isIdempotent: true,
  isReplayable: true,
  remainingMs: 15_000,
  now: 0,
};

const fullBudget = () => new RetryBudget({ percent: 20, minPerSecond: 10 }, 0);
const emptyBudget = () => new RetryBudget({ percent: 0, minPerSecond: 0 }, 0);
const half = () => 0.5;

const decide = (
  attempt: Partial<FailedAttempt>,
  settings: Partial<RetrySettings> = {},
  budget = fullBudget(),
): RetryDecision =>
  new RetryPolicy({ ...defaults, ...settings }).decide({ ...firstGet, ...attempt }, budget, half);

const word = (decision: RetryDecision): string =>
  decision.kind === 'retry' ? 'retry' : (decision.skip ?? 'stop');

const unsent = (reason: FailureReason): Failure => failure(reason, true);
const sent = (reason: FailureReason): Failure => failure(reason, false);
const on = (...conditions: RetrySettings['on']): Partial<RetrySettings> => ({ on: conditions });

/** What happens to a request whose repetition does no harm, and to any other. */
const table: readonly [string, Failure, Partial<RetrySettings>, string, string][] = [
  ['connect refused', unsent('connect_refused'), {}, 'retry', 'retry'],
  ['connect failed', unsent('connect_failed'), {}, 'retry', 'retry'],
  ['connect timeout', unsent('connect_timeout'), {}, 'retry', 'retry'],
  ['DNS error', unsent('dns_error'), {}, 'retry', 'retry'],
  ['DNS timeout', unsent('dns_timeout'), {}, 'retry', 'retry'],
  ['connect refused, not asked for', unsent('connect_refused'), on(503), 'stop', 'stop'],
  ['reset of a kept connection before a byte was written', unsent('reset'), {}, 'retry', 'retry'],
  ['reset in flight', sent('reset'), {}, 'retry', 'not_idempotent'],
  ['attempt timeout', sent('attempt_timeout'), {}, 'stop', 'stop'],
  ['attempt timeout, asked for', sent('attempt_timeout'), on('timeout'), 'retry', 'not_idempotent'],
  ['total timeout', sent('total_timeout'), on('timeout'), 'stop', 'stop'],
  ['502', failureStatus(502, -1), {}, 'retry', 'not_idempotent'],
  ['503', failureStatus(503, -1), {}, 'retry', 'not_idempotent'],
  ['504', failureStatus(504, -1), {}, 'retry', 'not_idempotent'],
  ['500', failureStatus(500, -1), {}, 'stop', 'stop'],
  ['500, asked for', failureStatus(500, -1), on(500), 'retry', 'not_idempotent'],
  ['429', failureStatus(429, -1), {}, 'stop', 'stop'],
  ['429, asked for', failureStatus(429, -1), on(429), 'retry', 'not_idempotent'],
  ['503 of a route with nonIdempotent', failureStatus(503, 100), { nonIdempotent: true }, 'retry', 'retry'],
  ['reset of a route with nonIdempotent', sent('reset'), { nonIdempotent: true }, 'retry', 'retry'],
  ['prohibited address', unsent('prohibited_address'), {}, 'stop', 'stop'],
  ['protocol error', sent('protocol_error'), {}, 'stop', 'stop'],
  ['response head too large', sent('response_head_too_large'), {}, 'stop', 'stop'],
  ['incomplete response', sent('response_incomplete'), {}, 'stop', 'stop'],
];

for (const [name, why, settings, idempotent, other] of table) {
  test(`${name}: ${idempotent} for an idempotent request, ${other} for any other`, () => {
    assert.equal(word(decide({ failure: why, isIdempotent: true }, settings)), idempotent);
    assert.equal(word(decide({ failure: why, isIdempotent: false }, settings)), other);
  });
}

test('attempts count the first one, and no retry is called skipped when they are used up', () => {
  assert.deepEqual(
    [1, 2, 3].map((attempt) => word(decide({ attempt }))),
    ['retry', 'retry', 'stop'],
  );
  assert.equal(word(decide({ attempt: 1 }, { attempts: 1 })), 'stop');
});

test('a body that cannot be sent again stops it', () => {
  assert.equal(word(decide({ isReplayable: false })), 'body_too_large');
});

test('the wait is the jittered backoff of this retry', () => {
  assert.deepEqual(decide({ attempt: 1 }), { kind: 'retry', waitMs: 12.5 });
  assert.deepEqual(decide({ attempt: 2 }), { kind: 'retry', waitMs: 25 });
});

test('Retry-After is waited for at least', () => {
  assert.deepEqual(decide({ failure: failureStatus(503, 2000) }), { kind: 'retry', waitMs: 2012.5 });
  assert.deepEqual(decide({ failure: failureStatus(503, 0) }), { kind: 'retry', waitMs: 12.5 });
});

test('nothing is retried past the deadline, nor so close to it that no answer could come', () => {
  assert.equal(word(decide({ failure: failureStatus(503, 2000), remainingMs: 2000 })), 'deadline');
  assert.equal(word(decide({ remainingMs: 17.4 })), 'deadline');
  assert.equal(word(decide({ remainingMs: 17.5 })), 'retry');
  assert.equal(word(decide({ remainingMs: 0 })), 'deadline');
});

test('an empty budget stops it', () => {
  assert.equal(word(decide({}, {}, emptyBudget())), 'budget');
});

test('only a retry that takes place costs a token', () => {
  const budget = fullBudget();
  const before = budget.tokens(0);
  const held: Partial<FailedAttempt>[] = [
    { attempt: 3 },
    { isIdempotent: false },
    { isReplayable: false },
    { remainingMs: 1 },
    { failure: sent('protocol_error') },
  ];
  for (const attempt of held) decide(attempt, {}, budget);
  assert.equal(budget.tokens(0), before);
  decide({}, {}, budget);
  assert.equal(budget.tokens(0), before - 1);
});

test('a status of retry.on is known as such, also where it is no failure', () => {
  const policy = new RetryPolicy({ ...defaults, on: ['reset', 429] });
  assert.deepEqual(
    [429, 503, 200].map((status) => policy.isRetriedStatus(status)),
    [true, false, false],
  );
});

test('idempotent are the methods of RFC 9110, written as they are there', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
    assert.ok(isIdempotentMethod(method), method);
  for (const method of ['POST', 'PATCH', 'CONNECT', 'LOCK', 'get', ''])
    assert.ok(!isIdempotentMethod(method), method);
});
